"""What readers keep of what they were handed decides what stays when the map is emptied."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from leakbench.model import matches_truth
from leakbench.scenarios import concurrent_reads
from leakbench.scenarios.concurrent_reads import BATCH, KEEP_EVERY, READERS, SCENARIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CASES = list(SCENARIO.mitigations)
STEPS = 100
ENTRIES = 640


@pytest.fixture(autouse=True)
def _readers_keep_nothing_after_a_test() -> Iterator[None]:
    yield
    concurrent_reads.KEPT[:] = [[] for _ in range(READERS)]


@pytest.fixture
def counts(play: Callable[..., Any]) -> Iterator[Callable[[str], dict[str, float]]]:
    workloads = []

    def counted(mitigation: str) -> dict[str, float]:
        workloads.append(play(SCENARIO, mitigation, STEPS, entries=ENTRIES))
        return dict(workloads[-1].counts())

    yield counted
    for workload in workloads:
        workload.close()


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", CASES)
def test_the_ladders_verdict_is_the_truth(mitigation: str, measure: Callable[..., Any]) -> None:
    seen = measure(f"concurrent-reads:{mitigation}", "ledger")
    assert matches_truth(SCENARIO.mitigations[mitigation].verdict, seen["verdict"]), seen["evidence"]


@pytest.mark.parametrize("mitigation", CASES)
def test_the_map_holds_as_many_entries_as_before(mitigation: str, counts: Callable[..., Any]) -> None:
    seen = counts(mitigation)
    assert seen["live_entries"] == ENTRIES
    assert seen["lost_entries"] == 0
    assert seen["reads_per_second"] > 0


@pytest.mark.parametrize("mitigation", ["object-keep-all", "memoryview-keep-all", "key-keep-all"])
def test_readers_that_keep_everything_keep_every_tenth_entry(
    mitigation: str, counts: Callable[..., Any]
) -> None:
    """Keys from 0 to what was read: the first 640, and of 16 x 100 that followed all but the newest 16."""
    read = ENTRIES + BATCH * (STEPS - 1)
    assert counts(mitigation)["kept_by_readers"] == READERS * -(-read // KEEP_EVERY)


@pytest.mark.parametrize(("mitigation", "kept"), [("object-keep-window", 64), ("object-keep-nothing", 0)])
def test_readers_keep_no_more_than_their_window(
    mitigation: str, kept: int, counts: Callable[..., Any]
) -> None:
    assert counts(mitigation)["kept_by_readers"] == READERS * kept


def test_weakly_kept_entries_are_those_that_live(counts: Callable[..., Any]) -> None:
    """Before the map is emptied; a replaced record has died and gone from the set."""
    assert counts("object-keep-living")["kept_by_readers"] == 0


def test_what_was_kept_is_stale_unless_it_is_a_key_or_a_reference(counts: Callable[..., Any]) -> None:
    stale = {name: counts(name)["stale_answers"] for name in CASES}
    fresh = {name for name, answers in stale.items() if not answers}
    assert fresh == {
        "object-keep-nothing", "object-keep-living",
        "weakref-keep-all", "weakref-keep-window", "key-keep-all", "key-keep-window",
        "snapshot-keep-all", "snapshot-keep-latest",  # too few were taken for one to be looked at again
    }  # fmt: skip


def test_threads_end_with_the_workload(play: Callable[..., Any]) -> None:
    before = threading.active_count()
    workload = play(SCENARIO, "object-keep-nothing", 2, entries=ENTRIES)
    assert threading.active_count() == before + READERS + 1
    del workload
    assert threading.active_count() == before


@pytest.mark.slow
def test_a_tenth_kept_holds_half_of_the_memory(measure: Callable[..., Any]) -> None:
    """Of 122 MB in 100,000 entries, every tenth kept left 59.5 MB more than none kept (61.8 - 2.3)."""

    def settled(mitigation: str) -> int:
        seen = measure(f"concurrent-reads:{mitigation}", "rss", scale=8, entries=100_000)
        return int(seen["settled_rss_bytes"])

    nothing = settled("object-keep-nothing")
    assert settled("object-keep-all") - nothing == pytest.approx(59.5e6, rel=0.05)
    assert settled("shallow-copy-keep-all") - nothing == pytest.approx(59.5e6, rel=0.05)
    assert settled("frozen-view-keep-all") - nothing == pytest.approx(59.5e6, rel=0.05)
    assert settled("memoryview-keep-all") - nothing > 55e6
    assert settled("full-copy-keep-all") - nothing < 35e6  # 10,000 x 1.1 kB by each of two readers
    assert settled("slice-copy-keep-all") - nothing < 15e6
    assert settled("weakref-keep-all") - nothing < 4e6
    assert settled("key-keep-all") - nothing < 4e6
