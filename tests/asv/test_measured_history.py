"""The smallest planted changes, measured as asv's set-up measures them, and named by the judge."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
from leakbench.history import TRUTH, write_history
from leakbench.judge_history import QUANTITIES, Commit, Span, grade, judge
from leakbench.planted_files import WORKLOAD
from leakbench.tracking import Source, measure
from leakbench.tracking.benchmarks import look_up

from tests.asv.told import git

if TYPE_CHECKING:
    from pathlib import Path

CHOSEN = (
    "Leave room for a header in the report's buffer",  # a peak 2 % higher
    "Write the header without a buffer",
    "Remember who came when",  # 16 B an operation
    "Remember the last who came alone",
)


@pytest.mark.slow
def test_the_smallest_planted_changes_are_measured_and_each_is_named_at_its_commit_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = tmp_path / "desk"
    write_history(desk)
    monkeypatch.chdir(tmp_path)  # where the runs are kept
    rows = (line.split(" ", 1) for line in git(desk, "log", "--format=%H %s", "main").splitlines())
    by_subject = {subject: commit for commit, subject in rows}
    commits = [_measured(desk, f"{by_subject[CHOSEN[0]]}^", "before")]
    commits += [_measured(desk, by_subject[subject], subject) for subject in CHOSEN]
    truth = json.loads((desk / TRUTH).read_text(encoding="utf-8"))
    planted = [row for row in truth["commits"] if row["subject"] in CHOSEN]
    graded = grade(judge(commits), {"commits": planted})
    assert (len(graded.right), graded.missed, graded.false_alarms) == (4, (), ())


def _measured(desk: Path, revision: str, subject: str) -> Commit:
    """One commit's judged figures, in a work tree that holds it."""
    git(desk, "checkout", "--quiet", revision)
    workload = desk.with_name("workload.py")
    found = f"import sys\n\nsys.path.insert(0, {str(desk)!r})\n"  # instead of an installation
    workload.write_text(found + WORKLOAD, encoding="utf-8")
    source = Source(packages=("deskservice",), scenarios=str(workload))
    measured = measure("deskservice", version=1, source=source)
    assert measured["absent"] is None
    figures = {}
    for mitigation in ("reports", "sessions"):
        for quantity, name in QUANTITIES.items():
            value = look_up(measured, mitigation, name)
            assert isinstance(value, float)
            if not math.isnan(value):  # the service counts no lost entries
                figures[f"deskservice:{mitigation}", quantity] = Span(value, value, value)
    return Commit(revision, subject, figures)
