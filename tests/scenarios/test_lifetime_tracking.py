"""Who learns of a map's death, how late, and who keeps it alive by watching."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from leakbench.model import matches_truth
from leakbench.scenarios import lifetime_tracking
from leakbench.scenarios.lifetime_tracking import COLLECT_EVERY, LIFE_STEPS, SCENARIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CASES = list(SCENARIO.mitigations)
BLIND = ["none", "finalize-own-method", "reference-not-kept", "gc-callbacks"]
SEEING = [name for name in CASES if name not in BLIND]
STEPS = 1_024


@pytest.fixture(autouse=True)
def _fresh_registries() -> Iterator[None]:
    yield
    lifetime_tracking.REGISTRY.clear()
    lifetime_tracking.REFERENCES.clear()


@pytest.fixture
def counts(play: Callable[..., Any]) -> Callable[[str], dict[str, float]]:
    return lambda mitigation: dict(play(SCENARIO, mitigation, STEPS).counts())


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", CASES)
def test_the_ladders_verdict_is_the_truth(mitigation: str, measure: Callable[..., Any]) -> None:
    seen = measure(f"lifetime-tracking:{mitigation}", "ledger")
    assert matches_truth(SCENARIO.mitigations[mitigation].verdict, seen["verdict"]), seen["evidence"]


@pytest.mark.parametrize("mitigation", BLIND)
def test_some_never_learn_of_a_death(mitigation: str, counts: Callable[..., Any]) -> None:
    seen = counts(mitigation)
    assert seen["lost_entries"] == STEPS - LIFE_STEPS
    assert seen["noticed_plain"] == seen["noticed_cycle"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", SEEING)
def test_the_others_learn_of_every_death(mitigation: str, counts: Callable[..., Any]) -> None:
    seen = counts(mitigation)
    assert seen["lost_entries"] == 0
    assert seen["noticed_plain"] == seen["noticed_cycle"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", SEEING)
def test_a_cycles_death_is_noticed_when_the_collector_has_run(
    mitigation: str, counts: Callable[..., Any]
) -> None:
    """Cyclic maps are those whose number is a multiple of 8; the 16 steps old one waits up to 128 steps."""
    seen = counts(mitigation)
    told = mitigation == "ideal"
    assert seen["noticed_cycle_before_collection"] == told
    assert 0 <= seen["cycle_delay_steps"] - (0 if told else COLLECT_EVERY - LIFE_STEPS + 8) <= LIFE_STEPS


def test_polling_is_late_by_up_to_its_period(counts: Callable[..., Any]) -> None:
    assert 0 < counts("polling")["plain_delay_steps"] < 8
    assert counts("weakref-callback")["plain_delay_steps"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "mitigation", ["del-method", "weakref-callback", "finalize", "reference-queue", "polling"]
)
def test_what_a_dead_cycle_brings_back_to_life_is_reported_dead(
    mitigation: str, counts: Callable[..., Any]
) -> None:
    assert counts(mitigation)["reported_dead_while_alive"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", SEEING)
def test_an_error_in_a_callback_does_not_end_the_tracking(
    mitigation: str, counts: Callable[..., Any]
) -> None:
    assert counts(mitigation)["notices_after_an_error"] == 1


@pytest.mark.slow
def test_only_what_is_asked_runs_in_the_asking_thread(counts: Callable[..., Any]) -> None:
    foreign = {name for name in SEEING if counts(name)["noticed_in_foreign_thread"]}
    assert foreign == {"references-kept", "del-method", "weakref-callback", "finalize", "ideal"}


@pytest.mark.parametrize(
    ("mitigation", "noticed"), [("del-method", 1), ("finalize", 0), ("reference-queue", 0), ("polling", 0)]
)
def test_who_reports_at_exit_what_still_lives(
    mitigation: str, noticed: int, counts: Callable[..., Any]
) -> None:
    assert counts(mitigation)["noticed_at_exit"] == noticed


AT_EXIT = """
import os
from leakbench.mitigations.tracker_trials import live_until_exit
from leakbench.mitigations.trackers import FinalizeTracker
live_until_exit(lambda notice: FinalizeTracker(notice, at_exit=True), 1)
"""


@pytest.mark.parametrize(("last_line", "said"), [("", b"noticed"), ("os._exit(0)", b"")])
def test_finalize_reports_the_living_at_exit_by_default_but_not_where_the_process_just_ends(
    last_line: str, said: bytes
) -> None:
    ended = subprocess.run([sys.executable, "-c", AT_EXIT + last_line], capture_output=True, check=True)
    assert ended.stdout == said


def test_finalize_takes_nearly_twice_a_references_memory(measure: Callable[..., Any]) -> None:
    """A reference is 80 B, the rest its place in a table; finalize adds an object and an info: 278 B."""
    reference = measure("lifetime-tracking:weakref-callback", "rss")["record_bytes"]
    finalize = measure("lifetime-tracking:finalize", "rss")["record_bytes"]
    assert 80 < reference < 160
    assert finalize == pytest.approx(278, rel=0.05)


@pytest.mark.slow
def test_a_tracker_that_is_no_leak_keeps_records_of_the_living_alone(counts: Callable[..., Any]) -> None:
    for name in ("weakref-callback", "reference-queue", "polling", "ideal"):
        assert counts(name)["retained_entries"] == LIFE_STEPS, name
    assert counts("references-kept")["retained_entries"] == STEPS
