"""What `leakbench run` does once everything is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from leakbench import report, store
from leakbench.commands import run
from leakbench.model import Case, Measurement

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
