"""Each control and each pattern does what its truth says: found where it leaks, not found where it is mended.

Every case is measured in a child of its own, as `leakbench run` would do it, twice over: by the ledger,
which sees bytes, and by the workload's own counts, which know nothing of bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from leakbench import catalogue, plan, spawn
from leakbench.model import Measurement, matches_truth
from leakbench.probes import Place
from leakbench.runner import execute
from leakbench.store import Run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leakbench.model import Outcome

PACKAGES = ("leakbench.scenarios.controls.", "leakbench.scenarios.patterns.")
ENTRIES = {
    name: entry for name, entry in catalogue.discover().entries.items() if entry.module.startswith(PACKAGES)
}
CASES = [(name, mitigation) for name, entry in ENTRIES.items() for mitigation in entry.mitigations]
DETERMINISTIC = [case for case in CASES if ENTRIES[case[0]].mitigations[case[1]].mitigation.deterministic]
PATTERNS = [name for name, entry in ENTRIES.items() if entry.scenario.kind == "pattern"]
CONTROLS = [name for name, entry in ENTRIES.items() if entry.scenario.kind == "control"]

CONTROL_NAMES = {
    "collectable-cycle", "noop", "one-off-table", "sawtooth", "ttl-window", "warming-cache",
}  # fmt: skip
PATTERN_NAMES = {
    "closure-capture", "exit-stack", "listener-registry", "logger-names", "lru-on-method", "native-buffer",
    "pinned-traceback", "reference-cycle-with-gc-off", "string-keys-from-input", "suspended-generators",
    "thread-local-growth", "unfinished-tasks",
}  # fmt: skip
LOSES = {("string-keys-from-input", "lru")}
"""Mitigations whose price, by their own declaration, is entries lost."""


class Kept:
    """Keeps the outcomes of a run in the order in which they come."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def started(self, task: plan.Task) -> None:
        """Nothing to keep yet."""

    def ended(self, task: plan.Task, outcome: Outcome) -> None:  # noqa: ARG002  # as Listener has it
        self.outcomes.append(outcome)


def measure(
    case: tuple[str, str], probe: str, folder: Path, *, scale: int | None = None, times: int = 1
) -> list[Mapping[str, Any]]:
    """The values of `times` fresh children; anything but a measurement fails the test with its reason."""
    task = plan.make_tasks(catalogue.Catalogue(ENTRIES, ()), [case], scale=scale, probes=[probe])[0]
    place = Place(folder, spawn.Limits(deadline_seconds=60.0), growth_cap_bytes=1 << 28)
    kept = Kept()
    with Run(folder / f"{probe}-{scale}") as run:
        execute([task._replace(repeat=n) for n in range(times)], run, place, jobs=1, listener=kept)
    for outcome in kept.outcomes:
        assert isinstance(outcome, Measurement), outcome.reason
    return [outcome.values for outcome in kept.outcomes]


def test_the_packages_hold_the_controls_and_patterns_that_the_project_promises() -> None:
    assert set(CONTROLS) >= CONTROL_NAMES
    assert set(PATTERNS) >= PATTERN_NAMES


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_leaks_untreated_and_has_a_mended_twin(name: str) -> None:
    mitigations = ENTRIES[name].scenario.mitigations
    assert mitigations["none"].leaks
    assert mitigations["none"].holder
    assert any(not mitigation.leaks for mitigation in mitigations.values())


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_one_row_and_declares_no_leak(name: str) -> None:
    mitigations = ENTRIES[name].scenario.mitigations
    assert list(mitigations) == ["none"]
    assert not mitigations["none"].leaks
    assert mitigations["none"].holder is None


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=":".join)
def test_the_ladders_verdict_is_the_truth(case: tuple[str, str], tmp_path: Path) -> None:
    truth = ENTRIES[case[0]].mitigations[case[1]].mitigation
    (seen,) = measure(case, "ledger", tmp_path)
    assert matches_truth(truth.verdict, seen["verdict"]), seen["evidence"]
    assert (seen["leak_bytes_per_op"] > 0) == truth.leaks
    if truth.leaks:
        assert seen["leaking"] == ["heap"]


def test_the_warming_cache_is_full_two_octaves_before_the_shortest_ladder_ends() -> None:
    """One new question a step: 2,048 entries are there 1,792 steps after a warm-up of 256: 7,168 do."""
    scenario = ENTRIES["warming-cache"].scenario
    full_at = scenario.params["bound_entries"].default - scenario.warmup
    assert min(scenario.steps.values()) >= 4 * full_at


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=":".join)
def test_the_workloads_own_counts_agree_with_the_truth(case: tuple[str, str], tmp_path: Path) -> None:
    """From 8,192 to 16,384 steps a leak retains at least a quarter of 8,192 entries more, others none."""
    (short,) = measure(case, "rss", tmp_path, scale=8_192)
    (long,) = measure(case, "rss", tmp_path, scale=16_384)
    if short.get("retained_entries") is None:
        assert case[0] == "noop"
        return
    more = long["retained_entries"] - short["retained_entries"]
    if ENTRIES[case[0]].mitigations[case[1]].mitigation.leaks:
        assert more >= 2_048
        assert long["retained_entries"] > long["live_entries"]
    else:
        assert more <= 0
    assert bool(long.get("lost_entries")) == (case in LOSES)


@pytest.mark.slow
@pytest.mark.parametrize("case", DETERMINISTIC, ids=":".join)
def test_a_case_declared_deterministic_repeats_its_ladder_to_the_byte(
    case: tuple[str, str], tmp_path: Path
) -> None:
    first, second = measure(case, "ledger", tmp_path, times=2)
    assert grown(first) == grown(second)


def grown(values: Mapping[str, Any]) -> list[tuple[int, int]]:
    """(steps, live heap bytes above the baseline) of each rung."""
    base_bytes = values["ladder"][0][1]
    return [(steps, heap_bytes - base_bytes) for steps, heap_bytes, *_ in values["ladder"]]


def test_events_reach_closed_views_until_listeners_are_unsubscribed_or_weak(tmp_path: Path) -> None:
    """Published at steps 0, 4,096 and 8,192 of 2,048 + 8,192: to 1, 4,097 and 8,193 views, 64 of them open.

    Closed views heard 0 + 4,033 + 8,129 times.
    """
    stale = {}
    for mitigation in ENTRIES["listener-registry"].mitigations:
        (seen,) = measure(("listener-registry", mitigation), "rss", tmp_path / mitigation, scale=8_192)
        stale[mitigation] = seen["stale_answers"]
    assert stale == {"none": 4_033 + 8_129, "unsubscribe": 0, "weak-listeners": 0}
