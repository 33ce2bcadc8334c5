"""One report a commit: the runs that asv's set-ups kept, alone or together, drawn into one run."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

from leakbench import resume
from leakbench.store import CASES, ENVIRONMENT, MEASUREMENTS
from leakbench.tracking.asking import folder_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_HASH_SHOWN = 8


def report_of(
    home: Path, commit: str, environment: str, *, say: Callable[[str], object] = lambda _: None
) -> Path | None:
    """The folder of a commit's run with its report, written now unless it is newer than what it is made of.

    None where nothing was kept on this machine. `home` is the .asv folder.
    """
    kept = home / "runs" / commit / folder_name(environment)
    runs = sorted(file.parent for file in kept.glob(f"*/{MEASUREMENTS}") if (file.parent / CASES).exists())
    if not runs:
        return None
    short = hashlib.sha256(environment.encode()).hexdigest()[:_HASH_SHOWN]
    target = home / "reports" / f"{commit[:_HASH_SHOWN]}-{short}"
    index = target / "report" / "index.html"
    newest = max((run / MEASUREMENTS).stat().st_mtime for run in runs)
    if index.exists() and index.stat().st_mtime >= newest:
        return target
    say(f"Writing the report of {commit[:_HASH_SHOWN]}")
    shutil.rmtree(target, ignore_errors=True)
    assemble(runs, target, commit)
    _write(target)
    return target


def assemble(runs: list[Path], target: Path, commit: str) -> None:
    """Draw run folders of one commit and environment into one: lines, cases, captures.

    Of a case that several have measured, alone and together with others, the newest lines count.
    """
    (target / "captures").mkdir(parents=True)
    cases: list[Any] = []
    lines: dict[str, list[str]] = {}
    for run in sorted(runs, key=lambda run: (run / MEASUREMENTS).stat().st_mtime):
        cases = resume.merge_cases(cases, json.loads((run / CASES).read_text(encoding="utf-8")))
        lines |= _by_case((run / MEASUREMENTS).read_text(encoding="utf-8"))
        for capture in (run / "captures").glob("*"):
            shutil.copy2(capture, target / "captures" / capture.name)
    text = "".join(line + "\n" for each in lines.values() for line in each)
    (target / MEASUREMENTS).write_text(text, encoding="utf-8")
    (target / CASES).write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    about = json.loads((runs[0] / ENVIRONMENT).read_text(encoding="utf-8"))
    # The environment lies inside the work tree: git there tells of the tree's commit, not of this one.
    about["commit"] = {"hash": commit, "dirty": False}
    (target / ENVIRONMENT).write_text(
        json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _by_case(text: str) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {}
    for line in filter(None, text.split("\n")):
        lines.setdefault(json.loads(line)["case"], []).append(line)
    return lines


def _write(target: Path) -> None:
    from leakbench import report

    report.flamegraphs(target, kinds=["leaks"])
    report.write(target)
