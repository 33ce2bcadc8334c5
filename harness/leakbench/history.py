"""Writes the small git repository whose regressions are known: what asv and our judge are held to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

from leakbench import planted, planted_files
from leakbench.asv_beside import REJOIN
from leakbench.errors import LeakbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TRUTH = "truth.json"
_FIRST_DAY = 1_767_225_600  # 2026-01-01, seconds; a commit a day: asv orders by date
_DAY_SECONDS = 86_400
_INSTALL = (
    "in-dir={env_dir} python -m pip install --quiet --no-deps --no-index --no-build-isolation"
    " --force-reinstall {build_dir}"
)
"""One build and no dependency: those are in the matrix, once per environment."""


class HistoryError(LeakbenchError):
    """The folder is not empty, or git is missing or refuses."""


def write_history(folder: Path) -> int:
    """Write the repository and return how many commits it has. Raises HistoryError."""
    if folder.exists() and any(folder.iterdir()):
        raise HistoryError(f"{folder} exists and is not empty; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    _git(folder, 0, "init", "--quiet", "--initial-branch=main")
    files = dict(planted_files.FIRST) | _around()
    _commit(folder, 0, files, "Begin a help desk")
    for day, commit in enumerate(planted.COMMITS, 1):
        changed = apply(files, commit)
        files |= changed
        _commit(folder, day, changed, commit.subject)
        if commit.branch is not None:
            _git(folder, day, "branch", commit.branch)
    return len(planted.COMMITS) + 1


def apply(files: Mapping[str, str], commit: planted.Planted) -> dict[str, str]:
    """The files that a commit changes, as they are after it. HistoryError where an edit does not fit."""
    changed: dict[str, str] = {}
    for edit in commit.edits:
        text = changed.get(edit.path, files[edit.path])
        if text.count(edit.old) != 1:
            raise HistoryError(
                f"{commit.subject!r}: {edit.old!r} stands {text.count(edit.old)} times in {edit.path}"
            )
        changed[edit.path] = text.replace(edit.old, edit.new)
    return changed


def truth() -> dict[str, Any]:
    """truth.json: by subject, what each commit brings; subjects are unique, hashes are not known before."""
    return {
        "schema": 1,
        "commits": [
            {"subject": commit.subject, "brings": [brings._asdict() for brings in commit.brings]}
            for commit in planted.COMMITS
        ],
        "branches": {
            commit.branch: _last_worse(commit.branch) for commit in planted.COMMITS if commit.branch
        },
    }


def _last_worse(branch: str) -> str:
    """Subject of the regression that a branch ends on."""
    subject = ""
    for commit in planted.COMMITS:
        if any(brings.outcome == "worse" for brings in commit.brings):
            subject = commit.subject
        if commit.branch == branch:
            return subject
    raise HistoryError(f"no commit carries the branch {branch!r}")


def _around() -> dict[str, str]:
    """What stands around the service from the first commit on."""
    return {
        "asv.conf.json": json.dumps(configuration(), indent=4) + "\n",
        "benchmarks/__init__.py": REJOIN,
        "benchmarks/workload.py": planted_files.WORKLOAD,
        "benchmarks/bench_service.py": planted_files.BENCHMARKS,
        TRUTH: json.dumps(truth(), indent=1) + "\n",
        ".gitignore": "/.asv/\n__pycache__/\n/build/\n*.egg-info/\n",
    }


def configuration() -> dict[str, Any]:
    """asv.conf.json. Each branch but main ends on one regression: asv flags what is still bad at a tip."""
    return {
        "version": 1,
        "project": "deskservice",
        "repo": ".",
        "branches": ["main", *(commit.branch for commit in planted.COMMITS if commit.branch)],
        "benchmark_dir": "benchmarks",
        "env_dir": ".asv/env",
        "html_dir": ".asv/html",
        "results_dir": ".asv/results",
        "environment_type": "virtualenv",
        "pythons": [f"{sys.version_info.major}.{sys.version_info.minor}"],
        "matrix": {
            "req": {
                f"pip+{name}": f"=={metadata.version(name)}"
                for name in ("memray", "asv-bench-memray")
                if _installed(name)
            }
        },
        "build_command": [],
        "uninstall_command": [],
        "install_command": [_INSTALL],
        "launch_method": "forkserver",
        "plugins": [".leakbench.asv_beside", ".leakbench.asv_plugin"],  # asv finds none without the dot
        "regressions_thresholds": {".*track_.*": 0.01},
        # Speeds and resident memory move with whatever else the machine does: shown, and not judged.
        "regressions_first_commits": {
            ".*track_(ns_per_op|peak_rss|settled_rss).*": None,
            ".*Usual.*": None,
        },
    }


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _commit(folder: Path, day: int, files: Mapping[str, str], subject: str) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _git(folder, day, "add", "--all")
    _git(folder, day, "commit", "--quiet", "--message", subject)


def _git(folder: Path, day: int, *words: str) -> None:
    """Run git as nobody in particular, on a given day: the same commits, to the hash, on every machine."""
    when = f"{_FIRST_DAY + day * _DAY_SECONDS} +0000"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environ |= {f"GIT_{who}_NAME": "leakbench" for who in ("AUTHOR", "COMMITTER")}
    environ |= {f"GIT_{who}_EMAIL": "leakbench@localhost" for who in ("AUTHOR", "COMMITTER")}
    environ |= {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    try:
        subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607  # git by name, fixed words
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        raise HistoryError("git is not installed; on Debian and Ubuntu: apt-get install git") from None
    except subprocess.CalledProcessError as error:
        raise HistoryError(f"git {' '.join(words)}: {error.stderr.strip()}") from error
