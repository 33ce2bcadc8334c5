"""A map in two generations: what lives how long."""

from __future__ import annotations

import pytest
from leakbench.mitigations.expiring import ScriptedClock
from leakbench.mitigations.generations import GenerationMap


def made(*, renews_on_read: bool = True) -> tuple[GenerationMap, ScriptedClock]:
    clock = ScriptedClock()
    return GenerationMap(10, clock, renews_on_read=renews_on_read), clock


def test_an_entry_lives_for_one_period_at_least_and_less_than_two() -> None:
    for put_at in range(10):
        entries, clock = made(renews_on_read=False)
        clock.now = put_at
        entries["key"] = "value"
        clock.now = put_at + 10
        assert entries.get("key") == "value"
        clock.now = 20  # the second turn, whenever in the first period it was put
        assert entries.get("key") is None
        assert len(entries) == 0


def test_an_entry_that_is_read_stays() -> None:
    entries, clock = made()
    entries["key"] = "value"
    for clock.now in range(0, 100, 9):
        assert entries.get("key") == "value"


def test_after_two_periods_of_silence_nothing_is_left() -> None:
    entries, clock = made()
    entries["key"] = "value"
    clock.now = 1_000
    assert entries.get("key") is None
    assert len(entries) == 0


def test_a_value_put_again_replaces_the_old_generations() -> None:
    entries, clock = made()
    entries["key"] = 1
    clock.now = 10
    entries["key"] = 2
    assert (entries.get("key"), len(entries), list(entries)) == (2, 1, ["key"])


def test_removal_reaches_both_generations() -> None:
    entries, clock = made()
    entries["old"] = 1
    clock.now = 10
    entries["young"] = 2
    del entries["old"], entries["young"]
    assert len(entries) == 0
    with pytest.raises(KeyError):
        del entries["old"]


def test_none_is_a_value_like_others() -> None:
    entries, clock = made()
    entries["key"] = None
    assert "key" in entries
    clock.now = 10
    assert entries.get("key", "default") is None


def test_the_table_goes_with_its_generation() -> None:
    entries, clock = made()
    for key in range(10_000):
        entries[key] = None
    full_bytes = entries.table_bytes()
    clock.now = 20
    entries.turn()
    assert entries.table_bytes() < full_bytes / 100


def test_a_period_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        GenerationMap(0, ScriptedClock())
