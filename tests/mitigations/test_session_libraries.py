"""Other people's caches as keepers of sessions: each bounds the map, but for one that expires on paper."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from leakbench import catalogue, plan, spawn
from leakbench.cli import main
from leakbench.mitigations.moka_map import MokaMap
from leakbench.mitigations.pacing import STEP_SECONDS, Pace, seconds_for
from leakbench.mitigations.theine_map import TheineMap
from leakbench.model import Measurement
from leakbench.probes import Place, probe
from leakbench.runner import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CASES = ["ttl-cachebox", "lru-cachebox", "theine", "moka", "ttl-expiringdict"]


def measured(name: str, probe_name: str, folder: Path) -> dict[str, Any]:
    pairs = [("session-map", name)]
    tasks = plan.make_tasks(catalogue.discover(), pairs, scale=32_768, probes=[probe_name])
    order = probe(probe_name).order(tasks[0], Place(folder, spawn.Limits(60.0), 1 << 30))
    outcome = outcome_of(tasks[0], spawn.run([order])[0])
    assert isinstance(outcome, Measurement), outcome.reason
    return dict(outcome.values)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_each_library_gets_the_verdict_that_is_its_truth(name: str, tmp_path: Path) -> None:
    case = f"session-map:{name}"
    assert main(["run", case, "--probe", "ledger", "--no-report", "--out", str(tmp_path / "run")]) == 0


@pytest.mark.slow
def test_expired_sessions_that_nobody_asks_for_stay_in_an_expiringdict(tmp_path: Path) -> None:
    """One user in ten of 36,864 vanishes, less those whose time is not over yet."""
    seen = measured("ttl-expiringdict", "rss", tmp_path)
    assert seen["retained_entries"] > 3 * seen["live_entries"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ttl-cachebox", "moka"])
def test_a_time_to_live_lets_go_of_the_users_who_vanished(name: str, tmp_path: Path) -> None:
    seen = measured(name, "rss", tmp_path)
    assert seen["retained_entries"] < 1.5 * seen["live_entries"]


@pytest.mark.parametrize("make", [lambda: TheineMap(100), lambda: MokaMap(100)], ids=["theine", "moka"])
def test_an_adapter_keeps_the_verbs_of_a_map(make: Callable[[], Any]) -> None:
    entries = make()
    entries["a"] = 1
    entries["b"] = None
    assert (entries.get("a"), entries.get("z")) == (1, None)
    assert ("a" in entries, "b" in entries, "z" in entries) == (True, True, False)
    assert len(entries) == 2
    assert (entries.pop("a"), entries.pop("a", 7), "a" in entries) == (1, 7, False)


@pytest.mark.parametrize("make", [TheineMap, MokaMap])
def test_an_adapter_holds_no_more_than_its_bound(make: Callable[[int], Any]) -> None:
    entries = make(64)
    for key in range(1_000):
        entries[key] = key
    assert len(entries) <= 64 + 128  # theine hands new keys to its policy in batches of 128


def test_moka_no_longer_answers_once_the_time_is_over() -> None:
    entries = MokaMap(10, ttl_seconds=0.001)
    entries["a"] = 1
    deadline = time.monotonic() + 5.0
    while "a" in entries:
        assert time.monotonic() < deadline
    assert entries.get("a") is None


def test_theine_no_longer_answers_once_the_time_is_over() -> None:
    entries = TheineMap(10, timedelta(microseconds=1))
    entries["a"] = 1
    deadline = time.monotonic() + 5.0
    while "a" in entries:
        assert time.monotonic() < deadline
    entries.close()
    assert len(entries) == 0


def test_a_pace_makes_steps_last_as_long_as_it_says() -> None:
    """4 laps of 256 steps, of which the first begins the count."""
    pace = Pace()
    began = time.monotonic()
    for step in range(4 * 256 + 1):
        pace(step)
    assert time.monotonic() - began >= 4 * 256 * STEP_SECONDS
    assert seconds_for(0) == 2 * 256 * STEP_SECONDS
