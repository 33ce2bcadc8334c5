"""Whether what grows is stored under keys that come again, or while there is room, by the code that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from leakbench.child.dormant import find_dormant, may_remove
from leakbench.child.ending import ending_stores, may_end

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

MAP: dict[object, object] = {}
COUNTS: dict[int, int] = dict.fromkeys(range(10), 0)
KEPT: list[object] = []
KEYS = 300_000


class Cache:
    """Puts what it is given under a key that somebody else has made, or it itself."""

    def __init__(self) -> None:
        self.entries: dict[object, object] = {}
        self.seen: set[int] = set()

    def put(self, key: object, value: object) -> None:
        self.entries[key] = value

    def put_user(self, user: object) -> None:
        key = f"user-{user}"
        self.put(key, None)


cache = Cache()


def under_a_remainder(i: int) -> None:
    MAP[i % 300_000] = i


def under_a_local(i: int) -> None:
    key = i % KEYS
    MAP[key] = None


def under_a_text(i: int) -> None:
    MAP[f"user-{i % KEYS}"] = None


def under_a_formatted_text(i: int) -> None:
    MAP["user-%d" % (i % KEYS)] = None  # noqa: UP031  # the other remainder


def under_one_of_a_list(i: int) -> None:
    MAP[KEPT[i % 2]] = None


def under_a_masked_number(i: int) -> None:
    cache.seen.add(i & 0xFFFFF)


def by_a_method(i: int) -> None:
    cache.put(i % KEYS, None)


def by_two_methods(i: int) -> None:
    cache.put_user(i % KEYS)


def counts(i: int) -> None:
    COUNTS[i % 10] += 1


def while_there_is_room(i: int) -> None:
    if len(KEPT) < KEYS:
        KEPT.append(i)


def while_another_test_holds_too(i: int) -> None:
    if i not in MAP and len(MAP) < KEYS:
        MAP[i] = None


def unless_it_is_full(i: int) -> None:
    if i < 0 or len(cache.entries) >= KEYS:
        return
    cache.entries[i] = None


def else_it_is_full(i: int) -> None:
    if len(KEPT) >= KEYS:
        KEPT.reverse()
    else:
        KEPT.append(i)


def not_while_it_is_full(i: int) -> None:
    while not len(KEPT) >= KEYS:
        KEPT.append(i)
        break


def while_it_is_full(i: int) -> None:
    if len(KEPT) >= 0:
        KEPT.append(i)


def while_another_has_room(i: int) -> None:
    if len(MAP) < KEYS:
        KEPT.append(i)


def while_one_of_two_tests_holds(i: int) -> None:
    if i >= 0 or len(KEPT) < KEYS:
        KEPT.append(i)


def whether_it_is_full_or_not(i: int) -> None:
    if len(KEPT) >= KEYS:
        KEPT.reverse()
    KEPT.append(i)


def under_a_new_text(i: int) -> None:
    MAP["user-%d" % i] = None  # noqa: UP031  # as above


def under_a_remainder_and_more(i: int) -> None:
    MAP[i % 10, i] = None


def a_remainder_as_a_value(i: int) -> None:
    cache.put(i, i % 3)


def now_and_then(i: int) -> None:
    if i % 3 == 0:
        MAP[i] = None


def with_another_store(i: int) -> None:
    MAP[i % 10] = None
    MAP[i] = None


def into_a_list(i: int) -> None:
    KEPT.append(i % 10)


CALLS: dict[Callable[[int], None], tuple[Callable[..., None], ...]] = {
    by_a_method: (Cache.put,),
    by_two_methods: (Cache.put, Cache.put_user),
    a_remainder_as_a_value: (Cache.put,),
}


def codes_of(step: Callable[[int], None]) -> set[CodeType]:
    """The code that a step runs."""
    return {function.__code__ for function in (step, *CALLS.get(step, ()))}


@pytest.mark.parametrize(
    "step",
    [
        under_a_remainder, under_a_local, under_a_text, under_a_formatted_text, under_one_of_a_list,
        under_a_masked_number,
        by_a_method, by_two_methods, counts, while_there_is_room, while_another_test_holds_too,
        unless_it_is_full, else_it_is_full, not_while_it_is_full,
    ],
)  # fmt: skip
def test_what_is_stored_there_is_only_so_much(step: Callable[[int], None]) -> None:
    codes = codes_of(step)
    assert ending_stores(codes, {"MAP", "COUNTS", "KEPT", "entries", "seen"})
    assert may_end(codes)


@pytest.mark.parametrize(
    "step",
    [
        under_a_new_text, under_a_remainder_and_more, a_remainder_as_a_value, now_and_then,
        with_another_store, into_a_list, while_it_is_full, while_another_has_room,
        while_one_of_two_tests_holds, whether_it_is_full_or_not,
    ],
)  # fmt: skip
def test_what_is_stored_there_may_go_on(step: Callable[[int], None]) -> None:
    assert ending_stores(codes_of(step), {"MAP", "entries", "KEPT"}) == []


def test_another_container_is_not_asked_about() -> None:
    assert ending_stores(codes_of(under_a_remainder), {"entries"}) == []


@pytest.mark.slow
@pytest.mark.parametrize(("path", "lines"), [("test_ending_stores.MAP", 1), ("test_ending_stores.MAP[*]", 0)])
def test_what_grows_inside_an_entry_does_not_stop_with_the_keys(path: str, lines: int) -> None:
    found = find_dormant(under_a_remainder, 0, [path], budget_seconds=0.1)
    assert [line["ends"] for line in found["dormant"]] == [True] * lines


@pytest.mark.slow
def test_such_a_map_is_doubted_without_being_known() -> None:
    assert may_remove(under_a_remainder, 0, budget_seconds=0.2)[0]
