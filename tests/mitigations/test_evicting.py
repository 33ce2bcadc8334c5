"""Maps within a bound: each policy lets the right one go, and all keep to the bound whatever is done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leakbench.mitigations.evicting import EvictingMap, Fifo, Lfu, Lru, Sieve

if TYPE_CHECKING:
    from collections.abc import Callable

POLICIES: list[Callable[[], Any]] = [Fifo, Lru, Lfu, Sieve]


def filled(policy: Any, keys: str, maximum: int = 3) -> EvictingMap:
    entries = EvictingMap(policy, maximum)
    for key in keys:
        entries[key] = key
    return entries


@pytest.mark.parametrize(("policy", "survivors"), [(Fifo, "bcd"), (Lru, "acd"), (Lfu, "acd"), (Sieve, "acd")])
def test_touch_overflow_ask(policy: Callable[[], Any], survivors: str) -> None:
    """Touch the oldest, overflow by one, ask who is left: a FIFO alone has lost what was touched."""
    entries = filled(policy(), "abc")
    assert entries.get("a") == "a"
    entries["d"] = "d"
    assert [key for key in "abcd" if key in entries] == list(survivors)
    assert entries.evicted == 1


def test_a_question_by_in_is_no_use() -> None:
    entries = filled(Lru(), "abc")
    assert "a" in entries
    entries["d"] = "d"
    assert "a" not in entries


def test_lfu_lets_the_less_used_go_however_recent() -> None:
    entries = filled(Lfu(), "abc")
    for key in "aabb":
        entries.get(key)
    entries["c"] = "again"  # a use
    entries["d"] = "d"
    assert [key for key in "abcd" if key in entries] == ["a", "b", "d"]


def test_sieve_spares_once_and_its_hand_goes_on_from_where_it_stopped() -> None:
    """The hand clears a, takes b, and goes on to c; a, whose mark is gone, goes when it comes round."""
    entries = filled(Sieve(), "abc")
    entries.get("a")
    gone = []
    for key in "def":
        before = [each for each in "abcdef" if each in entries]
        entries[key] = key
        gone += [each for each in before if each not in entries]
    assert gone == ["b", "c", "d"]


def test_a_newcomer_is_not_the_victim_of_its_own_coming() -> None:
    entries = filled(Lfu(), "abc")
    for key in "abc":
        entries.get(key)
    entries["d"] = "d"
    assert "d" in entries


def test_a_bound_in_bytes_lets_as_many_go_as_it_takes() -> None:
    entries = EvictingMap(Fifo(), 100, weigh=len)
    for key in range(10):
        entries[key] = bytes(10)
    entries["large"] = bytes(35)
    assert (entries.weight, len(entries), entries.evicted) == (95, 7, 4)
    entries["large"] = bytes(1)
    assert entries.weight == 61
    entries["too large"] = bytes(101)
    assert "too large" not in entries


def test_a_bound_of_none_at_all_is_named() -> None:
    with pytest.raises(ValueError, match="maximum must be 1 or more, not 0"):
        EvictingMap(Fifo(), 0)


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["put", "get", "pop"]), st.integers(0, 6), st.integers(1, 12)), max_size=60
)


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES)
@given(OPERATIONS)
def test_whatever_is_done_the_bound_holds_and_answers_are_right(
    policy: Callable[[], Any], operations: list[tuple[str, int, int]]
) -> None:
    entries = EvictingMap(policy(), 10, weigh=len)
    written: dict[int, bytes] = {}
    went: Counter[str] = Counter()
    for operation, key, size in operations:
        if operation == "put":
            went["new"] += key not in entries
            written[key] = entries[key] = bytes(size)
        elif operation == "get":
            assert entries.get(key) in (None, written.get(key))
        else:
            went["popped"] += entries.pop(key) is not None
        kept = [each for each in written if each in entries]
        assert len(kept) == len(entries)
        assert entries.weight == sum(len(written[each]) for each in kept) <= 10
        assert went["new"] == len(entries) + went["popped"] + entries.evicted
