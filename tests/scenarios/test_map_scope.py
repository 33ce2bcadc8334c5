"""How far a request's map reaches decides whether it leaks, and whether a request finds its own entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from leakbench.model import matches_truth
from leakbench.scenarios.map_scope import OVERLAP, SCENARIO, Request, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = list(SCENARIO.mitigations)
STEPS = 512


def counts(play: Callable[..., Any], mitigation: str) -> dict[str, int | float]:
    return dict(play(SCENARIO, mitigation, STEPS).counts())


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", CASES)
def test_the_ladders_verdict_is_the_truth(mitigation: str, measure: Callable[..., Any]) -> None:
    seen = measure(f"map-scope:{mitigation}", "ledger")
    assert matches_truth(SCENARIO.mitigations[mitigation].verdict, seen["verdict"]), seen["evidence"]


@pytest.mark.parametrize("mitigation", CASES)
def test_every_step_leaves_the_requests_under_way(mitigation: str, play: Callable[..., Any]) -> None:
    assert counts(play, mitigation)["live_entries"] == OVERLAP


@pytest.mark.parametrize(
    "mitigation", ["none", "class-attribute", "cache-on-method", "shared-default", "weak-keys-in-values"]
)
def test_a_map_that_nobody_clears_retains_an_entry_a_request(
    mitigation: str, play: Callable[..., Any]
) -> None:
    assert counts(play, mitigation)["retained_entries"] == STEPS


def test_an_entry_removed_on_success_stays_where_the_request_failed(play: Callable[..., Any]) -> None:
    """512 requests, the last 8 under way; of the other 504, every 16th (0, 16, …, 496) failed: 32."""
    assert counts(play, "removed-on-success")["retained_entries"] == 32 + OVERLAP


@pytest.mark.parametrize(
    "mitigation", ["per-request", "clean-up-hook", "context-variable", "weak-keys", "ideal"]
)
def test_a_map_of_the_requests_own_retains_the_live_ones(mitigation: str, play: Callable[..., Any]) -> None:
    seen = counts(play, mitigation)
    assert seen["retained_entries"] == OVERLAP
    assert seen["lost_entries"] == 0


def test_clearing_the_global_map_takes_the_entries_of_the_requests_that_overlap(
    play: Callable[..., Any],
) -> None:
    """Of the 504 requests that ended, only the first found its entry: nobody had ended before it."""
    assert counts(play, "clear-at-end")["lost_entries"] == 503


def test_only_clearing_at_the_end_loses_entries(play: Callable[..., Any]) -> None:
    assert [name for name in CASES if counts(play, name)["lost_entries"]] == ["clear-at-end"]


def test_a_request_that_fails_has_still_checked_what_it_remembered() -> None:
    request = Request(16, 64)
    with pytest.raises(RequestError):
        request.answer(request.load())
    assert request.found_again
    other = Request(17, 64)
    other.answer(None)
    assert not other.found_again
