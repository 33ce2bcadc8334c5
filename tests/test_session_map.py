"""The session map: each leaking mitigation is found, each mended one is not, and each price is as declared.

Proved twice: by the ledger, which sees bytes, and by the workload's own counts, which know nothing of bytes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leakbench import catalogue, plan, spawn, store
from leakbench.contract import Run
from leakbench.model import Outcome, matches_truth
from leakbench.probes import Place
from leakbench.runner import execute
from leakbench.scenarios import session_map
from leakbench.scenarios.session_map import IDLE_STEPS, LIVES_STEPS, SCENARIO, TTL_STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

OWN = tuple(SCENARIO.mitigations)
LEAKING = ("none", "explicit-remove")
MENDED = tuple(name for name in OWN if name not in LEAKING)
DETERMINISTIC = tuple(name for name in OWN if SCENARIO.mitigations[name].deterministic)
STEPS = 8_192


@pytest.fixture(autouse=True)
def empty_map() -> Iterator[None]:
    """The scenario's map is the module's, as in the article: here it must not outlive a test."""
    session_map.SESSIONS.clear()
    yield
    session_map.SESSIONS.clear()


def play(mitigation: str, steps: int, *, seed: int = 0) -> Mapping[str, Any]:
    """The workload's counts after so many steps."""
    session_map.SESSIONS.clear()
    workload = session_map.SessionMap(
        SCENARIO.mitigations[mitigation].make, Run(seed, steps, {"payload_bytes": 0})
    )
    for i in range(steps):
        workload.step(i)
    counts = workload.counts()
    workload.close()
    return counts


def test_the_scenario_declares_what_the_article_and_the_cure_need() -> None:
    assert set(OWN) == {
        "none", "explicit-remove", "remove-and-expire", "periodic-sweep", "periodic-sweep-thread",
        "weak-values", "ttl", "lru", "ideal",
    }  # fmt: skip
    assert tuple(name for name in OWN if SCENARIO.mitigations[name].leaks) == LEAKING
    assert tuple(name for name in OWN if name not in DETERMINISTIC) == ("periodic-sweep-thread",)
    assert SCENARIO.section == "2.2"


@pytest.mark.parametrize("mitigation", LEAKING)
def test_a_leaking_mitigation_retains_more_the_longer_it_runs(mitigation: str) -> None:
    """`none` keeps every login; `explicit-remove` the tenth or so of users who vanish, and the living."""
    short, long = play(mitigation, STEPS), play(mitigation, 2 * STEPS)
    grown = long["retained_entries"] - short["retained_entries"]
    expected = STEPS if mitigation == "none" else pytest.approx(0.1 * STEPS, rel=0.15)
    assert grown == expected
    assert long["live_entries"] == pytest.approx(short["live_entries"], rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", [name for name in MENDED if name in DETERMINISTIC])
def test_a_mended_one_retains_no_more_the_longer_it_runs(mitigation: str) -> None:
    """Room for what a sweep every 1,024 steps has not reached yet."""
    short, long = play(mitigation, STEPS), play(mitigation, 2 * STEPS)
    assert abs(long["retained_entries"] - short["retained_entries"]) <= 1_024
    assert long["retained_entries"] < STEPS / 2


def test_a_sweep_leaves_nothing_that_is_past_its_time() -> None:
    """What the thread does, done here: when it comes to it is the machine's affair."""
    now = 0
    swept = session_map._SweptMap(lambda: now, lambda: None)  # type: ignore[arg-type]  # a clock is called, no more
    for now in range(4 * TTL_STEPS):
        swept[now] = session_map.Session(now, 0)
    swept.sweep()
    assert len(swept) == TTL_STEPS + 1  # ages 0 to TTL_STEPS
    assert now - TTL_STEPS in swept
    assert now - TTL_STEPS - 1 not in swept


@pytest.mark.parametrize("steps", [1, LIVES_STEPS, LIVES_STEPS + 1, TTL_STEPS, TTL_STEPS + 1, STEPS])
def test_the_ideal_retains_exactly_the_live_set(steps: int) -> None:
    counts = play("ideal", steps)
    assert counts["retained_entries"] == counts["live_entries"] == len(session_map.SESSIONS)
    assert (counts["lost_entries"], counts["stale_answers"]) == (0, 0)


def test_the_live_set_is_the_active_users_and_the_vanished_whose_idle_time_runs() -> None:
    """1,000 active and a tenth of the 500 logins before them."""
    assert play("ideal", STEPS)["live_entries"] == pytest.approx(LIVES_STEPS + 0.1 * IDLE_STEPS, rel=0.02)


@settings(max_examples=25)
@given(st.integers(0, 1 << 32), st.integers(0, 3_000))
def test_the_counts_do_not_depend_on_what_keeps_the_sessions(seed: int, steps: int) -> None:
    """The script is the seed's alone: `none` and `ideal` see the same users, and lose none of them."""
    none, ideal = play("none", steps, seed=seed), play("ideal", steps, seed=seed)
    assert none["live_entries"] == ideal["live_entries"]
    assert none["retained_entries"] == steps
    assert none["lost_entries"] == ideal["lost_entries"] == 0


PRICES = {
    "none": ("stale",),
    "explicit-remove": ("stale",),
    "remove-and-expire": (),
    "periodic-sweep": ("stale",),
    "weak-values": ("lost",),
    "ttl": (),
    "lru": ("lost", "stale"),
    "ideal": (),
}


@pytest.mark.parametrize("mitigation", DETERMINISTIC)
def test_each_mitigation_costs_what_it_says(mitigation: str) -> None:
    counts = play(mitigation, STEPS)
    price = {"lost": counts["lost_entries"], "stale": counts["stale_answers"]}
    assert tuple(name for name, paid in price.items() if paid) == PRICES[mitigation]
    assert (counts["hit_ratio"] == 1.0) == ("lost" not in PRICES[mitigation])


def test_none_serves_every_session_that_ended_and_explicit_remove_those_of_the_vanished() -> None:
    """Each step from TTL + 1 on asks once for a session that has just ended."""
    asked = STEPS - TTL_STEPS - 1
    assert play("none", STEPS)["stale_answers"] == asked
    assert play("explicit-remove", STEPS)["stale_answers"] == pytest.approx(0.1 * asked, rel=0.1)


def test_weak_values_lose_nearly_everybody_who_is_not_being_served() -> None:
    """Every user's life ends once; some 64 requests are in flight at a time, of some 1,050 live sessions."""
    counts = play("weak-values", STEPS)
    ended = STEPS - counts["live_entries"]
    assert counts["lost_entries"] > 0.9 * ended
    assert counts["retained_entries"] <= session_map.IN_FLIGHT


def test_the_lru_is_full_and_loses_the_quiet_for_the_sake_of_the_vanished() -> None:
    """1,024 places for some 1,050 live sessions; whoever vanished holds a place until pushed out of it."""
    counts = play("lru", STEPS)
    assert 1_000 < counts["retained_entries"] <= 1_024
    assert 0.2 * STEPS < counts["lost_entries"] < 0.5 * STEPS
    assert 0 < counts["stale_answers"] < 0.1 * STEPS


def test_the_same_seed_gives_the_same_counts_and_another_one_others() -> None:
    assert play("lru", 4_096) == play("lru", 4_096)
    assert play("lru", 4_096) != play("lru", 4_096, seed=1)


class Silent:
    """A listener to a run that has no use for its news."""

    def started(self, task: plan.Task) -> None: ...

    def ended(self, task: plan.Task, outcome: Outcome) -> None: ...


def measure(case: tuple[str, str], probe_name: str, folder: Path) -> list[Mapping[str, Any]]:
    """The values of each repeat, each in a fresh child."""
    found = catalogue.discover()
    tasks = plan.make_tasks(found, [case], probes=[probe_name])
    with store.Run(folder / probe_name) as run:
        place = Place(run.folder, spawn.Limits(deadline_seconds=60.0), growth_cap_bytes=1 << 28)
        tally = execute(tasks, run, place, jobs=1, listener=Silent())
    assert tally.failed == ()
    return [outcome.values for outcome in store.outcomes(run.folder)]


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", OWN)
def test_the_verdict_is_the_truth(mitigation: str, tmp_path: Path) -> None:
    truth = SCENARIO.mitigations[mitigation]
    for seen in measure(("session-map", mitigation), "ledger", tmp_path):
        assert matches_truth(truth.verdict, seen["verdict"]), seen["evidence"]
        assert (seen["leak_bytes_per_op"] > 0) == truth.leaks


@pytest.mark.slow
def test_explicit_remove_leaks_a_tenth_of_what_none_leaks(tmp_path: Path) -> None:
    """That is the lesson: the same leak, found ten times later. Both carry a table that grows in jumps."""
    (none,), (removing,) = (measure(("session-map", each), "ledger", tmp_path / each) for each in LEAKING)
    low, high = none["leak_interval_bytes_per_op"]
    assert low <= none["leak_bytes_per_op"] <= high
    assert low >= 256  # the payload alone
    assert 0.05 < removing["leak_bytes_per_op"] / none["leak_bytes_per_op"] < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", ["none", "periodic-sweep-thread"])
def test_a_mitigation_leaves_nothing_behind_once_it_is_dropped(mitigation: str, tmp_path: Path) -> None:
    for seen in measure(("session-map", mitigation), "rss", tmp_path):
        left = Counter({name: seen[name] for name in ("threads_left", "fds_left", "processes_left")})
        assert left.total() == 0
