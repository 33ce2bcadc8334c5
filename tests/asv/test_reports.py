"""The runs that set-ups kept, alone and together, drawn into one."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from leakbench.asv_reports import assemble
from leakbench.store import CASES, ENVIRONMENT, MEASUREMENTS

if TYPE_CHECKING:
    from pathlib import Path


def _run(folder: Path, age_seconds: int, peaks: dict[str, list[int]]) -> Path:
    folder.mkdir()
    rows = [
        {"case": case, "repeat": repeat, "peak": peak}
        for case, found in peaks.items()
        for repeat, peak in enumerate(found)
    ]
    (folder / MEASUREMENTS).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    cases = [dict(zip(("scenario", "mitigation"), case.split(":"), strict=True)) for case in peaks]
    (folder / CASES).write_text(json.dumps(cases), encoding="utf-8")
    (folder / ENVIRONMENT).write_text(json.dumps({"commit": None}), encoding="utf-8")
    measured = (folder / MEASUREMENTS).stat().st_mtime - age_seconds
    os.utime(folder / MEASUREMENTS, (measured, measured))
    return folder


def test_of_a_case_that_several_runs_hold_the_newest_lines_count(tmp_path: Path) -> None:
    """All of them, its repeats included, whatever the folders' names; the others' stay."""
    together = _run(tmp_path / "together-1", 60, {"s:a": [1, 2, 3], "t:a": [4]})
    alone = _run(tmp_path / "alone", 0, {"s:a": [5]})
    target = tmp_path / "report"
    assemble([alone, together], target, "f00")
    lines = [json.loads(line) for line in (target / MEASUREMENTS).read_text(encoding="utf-8").splitlines()]
    assert [(line["case"], line["peak"]) for line in lines] == [("s:a", 5), ("t:a", 4)]
    cases = json.loads((target / CASES).read_text(encoding="utf-8"))
    assert [(case["scenario"], case["mitigation"]) for case in cases] == [("s", "a"), ("t", "a")]
    assert json.loads((target / ENVIRONMENT).read_text(encoding="utf-8"))["commit"]["hash"] == "f00"
