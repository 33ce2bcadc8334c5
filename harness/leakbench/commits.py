"""Two commits of the current repository, built and measured by asv as its configuration says."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.errors import LeakbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakbench.judge_history import Commit

CONFIGURATION = "asv.conf.json"
_ASV_FAILED_BENCHMARKS = 2  # its exit status where some benchmark failed; the others are there


class CommitsError(LeakbenchError):
    """A commit that is not here or does not build, or no configuration; the message says the way out."""


class Pair(NamedTuple):
    """Both commits as measured, in each environment."""

    environment: str
    base: Commit
    head: Commit


def measure_pair(
    folder: Path, base: str, head: str, *, bench: str | None = None, python: str | None = None
) -> list[Pair]:
    """Measure two commits in environments that asv builds, and give what is judged of them.

    The results are kept apart from the repository's history. Raises CommitsError.
    """
    from leakbench.asv_history import read_commits

    hashes = [resolve(folder, name) for name in (base, head)]
    with tempfile.TemporaryDirectory(prefix="leakbench-compare-") as results:
        configuration = Path(results, CONFIGURATION)
        configuration.write_text(json.dumps(own_configuration(folder, Path(results))), encoding="utf-8")
        _machine(configuration)
        _run(configuration, hashes, bench, python)
        measured = read_commits(Path(results))
    pairs = []
    for environment, by_hash in measured.items():
        for name, commit in zip((base, head), hashes, strict=True):
            if commit not in by_hash or not by_hash[commit].figures:
                raise CommitsError(
                    f"{name} ({commit[:8]}) gave no figure in {environment}: it does not build, its step"
                    " fails, or it has none of the benchmarks; what asv said stands above"
                )
        pairs.append(Pair(environment, *(by_hash[commit] for commit in hashes)))
    if not pairs:
        raise CommitsError("asv measured nothing; what it said stands above")
    return pairs


def resolve(folder: Path, name: str) -> str:
    """The hash of a commit. Raises CommitsError, and says so where the clone is shallow."""
    done = _git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if done.returncode == 0:
        return done.stdout.strip()
    if _git(folder, "rev-parse", "--is-shallow-repository").stdout.strip() == "true":
        raise CommitsError(f"no commit {name!r} here: the clone is shallow; `git fetch --unshallow` first")
    raise CommitsError(f"{name!r} is neither a run's folder nor a commit of {folder.resolve()}")


def dirty(folder: Path) -> bool:
    """Whether the work tree holds changes that no commit has, and that are therefore not measured."""
    return bool(_git(folder, "status", "--porcelain", "--untracked-files=no").stdout.strip())


def own_configuration(folder: Path, results: Path) -> dict[str, Any]:
    """The repository's asv.conf.json, with absolute paths and results of its own. Raises CommitsError."""
    try:
        from asv.util import load_json
    except ImportError:
        raise CommitsError("asv is not installed; `python -m pip install asv`") from None
    file = folder / CONFIGURATION
    if not file.exists():
        raise CommitsError(f"{folder.resolve()} has no {CONFIGURATION}; `leakbench init` writes one")
    found: dict[str, Any] = load_json(str(file), js_comments=True)
    home = folder.resolve()
    found["repo"] = str(home)
    found["benchmark_dir"] = str(home / found.get("benchmark_dir", "benchmarks"))
    found["env_dir"] = str(home / found.get("env_dir", "env"))
    found["results_dir"] = str(results / "results")
    found["html_dir"] = str(results / "html")
    return found | {"branches": ["HEAD"]}


def _machine(configuration: Path) -> None:
    """Tell asv about the machine, where nobody has: it would stop and ask."""
    if not Path("~/.asv-machine.json").expanduser().exists():
        _asv("machine", "--yes", "--config", str(configuration))


def _run(configuration: Path, hashes: Sequence[str], bench: str | None, python: str | None) -> None:
    wanted = configuration.with_name("hashes")
    wanted.write_text("\n".join(hashes) + "\n", encoding="utf-8")
    words = ["run", "--config", str(configuration), "--show-stderr", f"HASHFILE:{wanted}"]
    words += ["--bench", bench] if bench else []
    words += ["--python", python] if python else []
    status = _asv(*words)
    if status not in (0, _ASV_FAILED_BENCHMARKS):
        raise CommitsError(
            f"asv run ended with status {status}; what it said stands above. An interpreter that it does not"
            " find has to be on the PATH, or another be chosen by --python"
        )


def _asv(*words: str) -> int:
    """Run asv with this interpreter; what it says goes to standard error."""
    command = [sys.executable, "-m", "asv", *words]
    return subprocess.run(command, stdout=sys.stderr, check=False).returncode


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)
