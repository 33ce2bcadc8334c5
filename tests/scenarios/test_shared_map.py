"""What each way of sharing a map holds true, and what it leaves behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from leakbench.model import matches_truth
from leakbench.scenarios import shared_map
from leakbench.scenarios.shared_map import SCENARIO, THREADS, WINDOW_STEPS, WRITES_PERCENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CASES = list(SCENARIO.mitigations)
SAFE = [name for name in CASES if name != "none"]
STEPS = WINDOW_STEPS + 44


@pytest.fixture
def counts(play: Callable[..., Any]) -> Iterator[Callable[[str], dict[str, float]]]:
    workloads = []

    def counted(mitigation: str) -> dict[str, float]:
        workloads.append(play(SCENARIO, mitigation, STEPS, cell_ms=1))
        return dict(workloads[-1].counts())

    yield counted
    shared_map.KEY_LOCKS.clear()
    for workload in workloads:
        workload.close()


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", CASES)
def test_the_ladders_verdict_is_the_truth(mitigation: str, measure: Callable[..., Any]) -> None:
    seen = measure(f"shared-map:{mitigation}", "ledger")
    assert matches_truth(SCENARIO.mitigations[mitigation].verdict, seen["verdict"]), seen["evidence"]


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", CASES)
def test_the_window_is_there_and_nothing_else(mitigation: str, counts: Callable[..., Any]) -> None:
    seen = counts(mitigation)
    assert seen["live_entries"] == WINDOW_STEPS * THREADS + 2
    assert seen["retained_entries"] == seen["live_entries"]
    assert seen["lost_entries"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", SAFE)
def test_no_addition_is_lost_behind_a_lock(mitigation: str, counts: Callable[..., Any]) -> None:
    assert counts(mitigation)["lost_updates"] == 0


def test_without_a_lock_most_interrupted_additions_are_lost(counts: Callable[..., Any]) -> None:
    """Four threads add 25 each, at the same time: 25 of 100 arrive where all read before any writes."""
    assert 25 <= counts("none")["lost_updates"] <= 75


@pytest.mark.slow
def test_a_walk_that_takes_no_lock_breaks_when_the_map_changes(counts: Callable[..., Any]) -> None:
    broken = {name for name in CASES if counts(name)["iteration_errors"]}
    assert broken == {"none", "lock-per-key"}


def test_each_kind_of_traffic_is_measured_with_one_thread_and_with_four(counts: Callable[..., Any]) -> None:
    seen = counts("lock")
    names = {f"{traffic}_{threads}_threads_per_second" for traffic in WRITES_PERCENT for threads in (1, 4)}
    assert {name for name in seen if name.endswith("_per_second")} == names
    assert min(seen[name] for name in names) > 0
    assert 0 < seen["balanced_put_p50_ns"] <= seen["balanced_put_p99_ns"]


def test_copies_make_writing_dear_and_leave_reading_cheap(play: Callable[..., Any]) -> None:
    """A put copies 1,024 entries, some 3 µs against 0.1: at least five times slower.

    A machine that is busy otherwise takes a few ms away at a time, of 50 here.
    """
    workload = play(SCENARIO, "copy-on-write", 1, cell_ms=50)
    seen = workload.counts()
    workload.close()
    assert seen["read_mostly_1_threads_per_second"] > 5 * seen["write_heavy_1_threads_per_second"]


def test_locks_of_keys_that_are_gone_stay(counts: Callable[..., Any]) -> None:
    """One for each key ever put by the run, one for each counter, and those of the trials."""
    shared_map.KEY_LOCKS.clear()
    counts("lock-per-key")
    assert len(shared_map.KEY_LOCKS) >= STEPS * THREADS + 2


def test_threads_end_with_the_workload(play: Callable[..., Any]) -> None:
    before = threading.active_count()
    workload = play(SCENARIO, "lock", 2)
    assert threading.active_count() > before
    del workload
    assert threading.active_count() == before
