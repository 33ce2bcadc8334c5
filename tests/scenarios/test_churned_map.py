"""The table of a map that was large once: what keeps it, what gives it back, and what that costs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from leakbench.model import matches_truth
from leakbench.scenarios.churned_map import SCENARIO

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = list(SCENARIO.mitigations)
KEEPING = ["none", "none-set", "none-ordereddict"]
WITH_BURST = [name for name in CASES if name != "sliding-window"]
MENDED = [name for name in WITH_BURST if name not in KEEPING]
STEPS = 4_096

FULL_TABLE_BYTES = {"none": 7_689_648, "none-set": 8_388_824}
"""Of 200,000 entries, CPython 3.11 to 3.13, 64 bits."""


def counts(play: Callable[..., Any], mitigation: str, steps: int = STEPS, **params: int) -> dict[str, Any]:
    return dict(play(SCENARIO, mitigation, steps, **params).counts())


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", CASES)
def test_the_ladders_verdict_is_the_truth(mitigation: str, measure: Callable[..., Any]) -> None:
    seen = measure(f"churned-map:{mitigation}", "ledger")
    assert matches_truth(SCENARIO.mitigations[mitigation].verdict, seen["verdict"]), seen["evidence"]


@pytest.mark.parametrize("mitigation", list(FULL_TABLE_BYTES))
def test_a_container_keeps_the_table_of_200_000_entries_for_one(
    mitigation: str, play: Callable[..., Any]
) -> None:
    seen = counts(play, mitigation)
    assert seen["retained_entries"] == 1
    assert seen["table_bytes"] == seen["peak_table_bytes"]
    assert seen["table_bytes"] == pytest.approx(FULL_TABLE_BYTES[mitigation], rel=0.001)


def test_an_ordered_dict_gives_its_nodes_back_and_keeps_its_tables(play: Callable[..., Any]) -> None:
    """The dict's table and an array of a pointer for each of its slots: 7,689,648 + 8 x 2**19, nearly."""
    seen = counts(play, "none-ordereddict")
    assert seen["table_bytes"] == pytest.approx(7_689_648 + 8 * 2**19, rel=0.001)
    assert seen["table_bytes"] < seen["peak_table_bytes"]


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", MENDED)
def test_a_mended_map_has_the_table_of_what_it_holds(mitigation: str, play: Callable[..., Any]) -> None:
    seen = counts(play, mitigation)
    assert seen["retained_entries"] == 1
    assert seen["table_bytes"] <= 1_024
    assert seen["peak_table_bytes"] > 7_000_000


def test_a_copy_of_one_entry_takes_272_bytes(play: Callable[..., Any]) -> None:
    assert counts(play, "rebuild")["table_bytes"] == 272
    assert counts(play, "clear-and-refill")["table_bytes"] == 272


@pytest.mark.parametrize("mitigation", CASES)
def test_no_mitigation_loses_an_entry_or_serves_a_removed_one(
    mitigation: str, play: Callable[..., Any]
) -> None:
    seen = counts(play, mitigation, burst_entries=2_000)
    assert (seen["lost_entries"], seen["stale_answers"]) == (0, 0)
    assert seen["retained_entries"] == seen["live_entries"]


def test_a_dict_gives_its_table_back_by_itself_only_after_149_526_more_pairs(
    play: Callable[..., Any],
) -> None:
    """An insertion that finds the table full builds a new one for the entries that there are.

    262,144 slots take 2/3 of that, 349,525 of 524,288, entries at most; 200,000 are used up by the burst, and
    149,526 pairs later the next one does not fit.
    """
    workload = play(SCENARIO, "none", 1_501, burst_at=1_500)  # the burst's step puts one entry too
    table = workload._keeper.table_bytes
    assert table() == FULL_TABLE_BYTES["none"]
    pairs = 1
    while table() == FULL_TABLE_BYTES["none"] and pairs < 400_000:
        if 1_500 + pairs == 3_000:
            workload._bursts_at = ()  # one burst is enough here
        workload.step(1_500 + pairs)
        pairs += 1
    assert pairs == pytest.approx(149_526, abs=2)
    assert table() < 1_000


def test_a_table_grows_at_once_and_not_step_by_step(play: Callable[..., Any]) -> None:
    """From 8 to 524,288 slots by doubling, seen every 64 insertions; no growth is spread over several."""
    seen = counts(play, "none")
    assert 11 <= seen["table_resizes"] <= 16
    assert seen["growth_factor_max"] == pytest.approx(2.0, rel=0.2)


@pytest.mark.slow
def test_to_find_the_first_entry_a_churned_dict_walks_over_all_empty_slots(play: Callable[..., Any]) -> None:
    """139 µs against 0.1 were measured; a factor of 50 is far outside what a busy machine makes of it."""
    assert counts(play, "none")["first_entry_ns"] > 50 * counts(play, "rebuild")["first_entry_ns"]


def test_a_window_of_1_000_entries_never_grows_the_table(play: Callable[..., Any]) -> None:
    """51,968 B for str keys; a dict whose keys are of other types has wider slots: 73,808 B."""
    assert counts(play, "sliding-window", 4_096)["table_bytes"] == 51_968
    assert counts(play, "sliding-window", 65_536)["table_bytes"] == 51_968
    window: dict[int, None] = {}
    for key in range(65_536):
        window[key] = None
        window.pop(key - 1_000, None)
    assert sys.getsizeof(window) == 73_808


@pytest.mark.slow
def test_resident_memory_keeps_the_table_and_a_copy_gives_it_back(measure: Callable[..., Any]) -> None:
    kept = measure("churned-map:none", "rss")["settled_rss_bytes"]
    given_back = measure("churned-map:rebuild", "rss")["settled_rss_bytes"]
    assert kept - given_back == pytest.approx(FULL_TABLE_BYTES["none"], rel=0.05)
