"""The live heap goes back in every case; resident memory only where something makes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from leakbench import catalogue, plan, spawn
from leakbench.probes import Place
from leakbench.probes.ledger import LADDER
from leakbench.runner import execute
from leakbench.scenarios.unreturned_memory import BLOCK_BYTES, BLOCKS, SCENARIO
from leakbench.store import Run
from leakbench.unreturned import returned

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakbench.model import Outcome

CASES = list(SCENARIO.mitigations)
KEEPING = ["none", "arena-max", "trim-threshold", "high-water"]
BURST_BYTES = BLOCKS * (BLOCK_BYTES + 48)  # a header of 33 bytes, rounded up to 16 with malloc's own


def present(mitigation: str) -> str:
    """The same name; skips a case whose file is missing here."""
    for path, command in SCENARIO.mitigations[mitigation].requires_files.items():
        if not Path(path).exists():
            pytest.skip(f"{path} is not there: {command}")
    return mitigation


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", CASES)
def test_the_heap_comes_back_and_resident_memory_where_it_is_made_to(
    mitigation: str, measure: Callable[..., Any]
) -> None:
    seen = measure(f"unreturned-memory:{present(mitigation)}", "ledger")
    series = {name: [rung[LADDER.index(name)] for rung in seen["ladder"]] for name in LADDER}
    heap, anonymous = series["heap_bytes"], series["anonymous_bytes"]
    # Of jemalloc glibc counts nothing: resident memory stands in, with what jemalloc keeps for itself.
    assert abs(heap[-1] - heap[0]) < (1 << 20 if seen["heap_kind"] == "mallinfo2" else 4 << 20)
    went_back = returned(max(anonymous) - anonymous[0], anonymous[-1] - anonymous[0])
    assert went_back == (mitigation not in KEEPING)
    assert SCENARIO.mitigations[mitigation].verdict == ("bounded" if went_back else "unreturned")


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", CASES)
def test_the_case_itself_says_what_it_kept(mitigation: str, measure: Callable[..., Any]) -> None:
    seen = measure(f"unreturned-memory:{present(mitigation)}", "rss")
    assert (seen["live_entries"], seen["lost_entries"]) == (BLOCKS // 256, 0)
    assert returned(BURST_BYTES, seen["kept_rss_bytes"]) == (mitigation not in KEEPING)
    if mitigation != "recycled-worker":
        assert seen["grown_rss_bytes"] > 0.95 * BURST_BYTES


def test_more_survivors_leave_less_to_give_back(measure: Callable[..., Any]) -> None:
    """One block in four pins every page: trimming finds nothing. One in 256 pins a page in 64."""
    dense = measure("unreturned-memory:malloc-trim", "rss", survives_every=4)
    sparse = measure("unreturned-memory:malloc-trim", "rss", survives_every=256)
    assert dense["kept_rss_bytes"] > 0.8 * dense["grown_rss_bytes"]
    assert sparse["kept_rss_bytes"] < 0.1 * sparse["grown_rss_bytes"]


def test_a_case_whose_file_is_missing_is_not_run_and_says_how_to_get_it(
    entries: dict[str, catalogue.Entry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, *_ = plan.make_tasks(
        catalogue.Catalogue(entries, ()), [("unreturned-memory", "jemalloc")], probes=["rss"]
    )
    monkeypatch.setattr(
        task.listed.mitigation, "requires_files", {str(tmp_path / "lib.so"): "apt-get install lib"}
    )
    outcomes: list[Outcome] = []

    class Listener:
        def started(self, _task: plan.Task) -> None:
            raise AssertionError("a case that cannot run was started")

        def ended(self, _task: plan.Task, outcome: Outcome) -> None:
            outcomes.append(outcome)

    with Run(tmp_path / "run") as run:
        execute([task], run, Place(tmp_path, spawn.Limits(), 1 << 28), jobs=1, listener=Listener())
    (outcome,) = outcomes
    assert outcome.status == "failed"
    assert outcome.reason == f"not run: {tmp_path}/lib.so is not there; `apt-get install lib`"
