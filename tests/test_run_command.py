"""What `leakbench run` does once everything is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from leakbench import report, store
from leakbench.commands import run
from leakbench.model import Case, Measurement

from tests.commands import leakbench, rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("how", "asked"),
    [
        ({"everything": True}, [{}]),
        ({"everything": False}, [{"kinds": ["leaks"], "cases": ["s:leaks", "s:unclear"]}]),
    ],
)
def test_a_quick_run_of_the_catalogue_draws_what_leaks_and_any_other_all(
    how: dict[str, bool], asked: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[dict[str, Any]] = []
    monkeypatch.setattr(report, "flamegraphs", lambda _folder, **asked: drawn.append(asked))
    with store.Run(tmp_path / "run") as held:
        for name, verdict in (("leaks", "leak"), ("mended", "steady"), ("unclear", "inconclusive")):
            held.append(Measurement(Case("s", name, 1, 0), "ledger", 0, {"verdict": verdict}))
        held.append(Measurement(Case("s", "unknown", 1, 0), "heap", 0, {"heap_peak_bytes": 1}))
    run._draw_flamegraphs(tmp_path / "run", **how)
    assert drawn == asked


@pytest.mark.slow
def test_a_repeat_of_the_heap_gives_its_peak_and_leaves_no_capture(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ("run", "ttl-pileup:moka", "--probe", "heap", "--heap-repeats", "3", "--no-report", "--out")
    assert leakbench(*words, folder).returncode == 0
    first, *others = sorted(rows(folder), key=lambda row: int(row["repeat"]))
    assert len(others) == 2
    assert all(set(row["values"]) == {"heap_peak_bytes"} for row in others)
    peaks = [row["values"]["heap_peak_bytes"] for row in (first, *others)]
    assert max(peaks) < 2 * min(peaks)
    assert [capture.name for capture in (folder / "captures").iterdir()] == ["ttl-pileup@moka.bin"]
    report.write(folder)
    assert "ttl-pileup" in (folder / "report" / "index.html").read_text(encoding="utf-8")


def test_fewer_captures_than_one_are_refused() -> None:
    done = leakbench("run", "noop", "--heap-repeats", "0")
    assert done.returncode == 2
    assert "--heap-repeats 0 is out of its range: 1 or more" in done.stderr
