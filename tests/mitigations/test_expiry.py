"""Ways to expire: none serves what is past its time, all keep what lives, each removes when it says."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leakbench.mitigations.expiring import ExpiringMap, ScriptedClock
from leakbench.mitigations.expiry import HeapMap, KeepingMap, SampledMap, SweptMap, WheelMap
from leakbench.mitigations.sweeper import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

TTL = 10
MAKE: dict[str, Callable[[ScriptedClock], Any]] = {
    "never": lambda clock: KeepingMap(TTL, clock),
    "on-access": lambda clock: KeepingMap(TTL, clock, on_access=True),
    "on-write": lambda clock: ExpiringMap(TTL, clock),
    "sampled": lambda clock: SampledMap(TTL, clock),
    "wheel": lambda clock: WheelMap(TTL, clock, 4),
    "heap": lambda clock: HeapMap(TTL, clock),
    "swept": lambda clock: SweptMap(TTL, clock),
}
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["put", "get", "remove"]), st.integers(0, 4), st.integers(0, 7)), max_size=60
)


def remove_due(entries: Any) -> None:
    """What a sweeper, a cycle or an idle moment calls."""
    for verb in ("expire", "cycle", "sweep"):
        getattr(entries, verb, int)()


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKE)
@given(OPERATIONS)
def test_what_lives_is_served_and_what_is_past_its_time_is_not(
    name: str, operations: list[tuple[str, int, int]]
) -> None:
    """The model: until when, and what, by key; a renewal counts from its own time."""
    clock = ScriptedClock()
    entries = MAKE[name](clock)
    model: dict[int, tuple[int, str]] = {}
    for number, (operation, key, pause) in enumerate(operations):
        clock.now += pause
        if operation == "put":
            entries[key] = str(number)
            model[key] = clock.now + TTL, str(number)
        elif operation == "remove":
            remove_due(entries)
        until, value = model.get(key, (0, ""))
        assert entries.get(key) == (value if clock.now < until else None)
        assert len(entries) >= sum(until > clock.now for until, _ in model.values())


def filled(name: str, number: int) -> tuple[Any, ScriptedClock]:
    """So many entries put at once, of which all have just expired."""
    clock = ScriptedClock()
    entries = MAKE[name](clock)
    for key in range(number):
        entries[key] = key
    clock.now = TTL
    return entries, clock


@pytest.mark.parametrize("name", MAKE)
def test_nothing_goes_while_nobody_does_anything(name: str) -> None:
    entries, _ = filled(name, 100)
    assert len(entries) == 100


def test_never_means_never() -> None:
    entries, _ = filled("never", 100)
    assert [entries.get(key) for key in range(100)] == [None] * 100
    entries["new"] = 1
    assert len(entries) == 101


def test_on_access_the_key_that_is_asked_for_goes_and_no_other() -> None:
    entries, _ = filled("on-access", 100)
    entries["new"] = 1
    assert entries.get(7) is None
    assert len(entries) == 100


@pytest.mark.parametrize("name", ["on-write", "heap"])
def test_any_write_removes_all_that_is_due(name: str) -> None:
    entries, _ = filled(name, 100)
    entries["new"] = 1
    assert len(entries) == 1


def test_a_wheel_empties_a_slot_once_it_is_over() -> None:
    """Ends at 10, in the slot of 8 to 11: gone with the first write at 12."""
    entries, clock = filled("wheel", 100)
    clock.now = 11
    entries["new"] = 1
    assert len(entries) == 101
    clock.now = 12
    entries["newer"] = 1
    assert len(entries) == 2


def test_a_sweep_removes_all_that_is_due() -> None:
    entries, _ = filled("swept", 100)
    entries["new"] = 1
    assert (entries.sweep(), len(entries)) == (100, 1)


@pytest.mark.parametrize(("effort", "most_share"), [(1, 0.10), (10, 0.01)])
def test_a_cycle_leaves_about_the_share_that_its_effort_tolerates(effort: int, most_share: float) -> None:
    """Of 1,000 living and 1,000 expired; a sample of 20 or 65 may be lucky, hence the double."""
    clock = ScriptedClock()
    entries = SampledMap(TTL, clock, effort)
    for key in range(1_000):
        entries[key] = key
    clock.now = TTL
    for key in range(1_000, 2_000):
        entries[key] = key
    removed = sum(entries.cycle() for _ in range(10))
    assert len(entries) == 2_000 - removed
    assert (len(entries) - 1_000) / len(entries) <= 2 * most_share
    assert all(entries.get(key) == key for key in range(1_000, 2_000))


@pytest.mark.parametrize("effort", [0, 11])
def test_an_effort_out_of_range_is_named(effort: int) -> None:
    with pytest.raises(ValueError, match=f"effort must be 1 to 10, not {effort}"):
        SampledMap(TTL, ScriptedClock(), effort)


def test_a_script_waits_for_a_sweep_that_ends_after_the_one_it_waited_for_before() -> None:
    turns = Turns(2)
    order: list[str] = []
    entries = SweptMap(TTL, lambda: 0.0, turns.over)
    entries.sweep()
    turns.wait(0)
    turns.wait(1)  # no step to wait at

    def go_on() -> None:
        turns.wait(2)
        order.append("script")

    script = threading.Thread(target=go_on)
    script.start()
    order.append("sweep")
    entries.sweep()
    script.join()
    assert order == ["sweep", "script"]
