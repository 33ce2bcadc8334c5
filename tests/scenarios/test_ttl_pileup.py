"""When expired entries go, in process: what piles up, and what each way to expire leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from leakbench.cli import main
from leakbench.scenarios.ttl_pileup import SCENARIO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STEPS = 6_000
TTL = 1_000
OWN_CLOCK = {"cachebox", "moka", "expiringdict"}
SCRIPTED = [name for name in SCENARIO.mitigations if name not in OWN_CLOCK]


def counts(play: Any, mitigation: str) -> Mapping[str, Any]:
    workload = play(SCENARIO, mitigation, STEPS)
    counted: Mapping[str, Any] = workload.counts()
    workload.close()
    return counted


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", list(SCENARIO.mitigations))
def test_the_ladders_verdict_is_the_truth(mitigation: str, tmp_path: Path) -> None:
    case = f"ttl-pileup:{mitigation}"
    assert main(["run", case, "--probe", "ledger", "--no-report", "--out", str(tmp_path / "run")]) == 0


@pytest.mark.parametrize("mitigation", SCRIPTED)
def test_no_living_entry_is_lost_and_no_expired_one_served(mitigation: str, play: Any) -> None:
    seen = counts(play, mitigation)
    assert (seen["lost_entries"], seen["stale_answers"]) == (0, 0)


def test_without_removal_every_entry_stays(play: Any) -> None:
    assert counts(play, "none")["retained_entries"] == STEPS


def test_removal_on_access_keeps_the_four_in_five_that_nobody_asks_for(play: Any) -> None:
    """5,000 have expired, of which every fifth was asked for again."""
    assert counts(play, "on-access")["retained_entries"] == STEPS - (STEPS - TTL) // 5


@pytest.mark.parametrize(
    ("mitigation", "most_share"),
    [
        ("on-write", 0.0),
        ("heap", 0.0),
        ("cachetools", 0.0),
        ("timer-wheel", 0.07),
        ("sampled-10", 0.1),
        ("sampled-1", 0.35),
    ],
)
def test_each_way_leaves_no_more_than_its_share_of_expired_entries(
    mitigation: str, most_share: float, play: Any
) -> None:
    """A wheel of 16 slots: a sixteenth; a sample at effort 1 tolerates 10 %, and between cycles more come."""
    assert counts(play, mitigation)["stale_share"] <= most_share


def test_the_ideal_keeps_the_living_alone(play: Any) -> None:
    assert counts(play, "ideal")["retained_entries"] == TTL - 1  # the one put first goes as the step ends
