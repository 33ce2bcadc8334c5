"""Whether what grows is stored under keys that come again, or while there is room, by the code that does."""

from __future__ import annotations

import heapq
import random
import secrets
import sys
import time
from math import inf
from typing import TYPE_CHECKING

import pytest
from leakbench.child.dormant import find_dormant, may_remove
from leakbench.child.ending import all_ending_stores, ending_stores, may_end

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import CodeType

MAP: dict[object, object] = {}
COUNTS: dict[int, int] = dict.fromkeys(range(10), 0)
KEPT: list[object] = []
SEEN: set[object] = set()
QUEUE: list[int] = []
KEYS = 300_000
FORMAT = "user-%d"
NAMES = {"MAP", "COUNTS", "KEPT", "SEEN", "QUEUE", "entries", "rows"}


class Cache:
    """Puts what it is given under a key that somebody else has made, or it itself."""

    def __init__(self) -> None:
        self.entries: dict[object, object] = {}
        self.size = KEYS

    def put(self, key: object, value: object) -> None:
        self.entries[key] = value

    def put_by_position(self, key: object, /, value: object) -> None:
        self.entries[key] = value

    def put_normed(self, key: object) -> None:
        key = str(key)
        self.entries[key] = None

    def put_user(self, user: object) -> None:
        key = f"user-{user}"
        self.put(key, None)

    def put_if_room(self, key: object) -> None:
        if len(self.entries) >= self.size:
            return
        self.entries[key] = None

    def register(self) -> None:
        SEEN.add(self)


cache = Cache()


def under_a_remainder(i: int) -> None:
    MAP[i % 300_000] = i


def under_a_local(i: int) -> None:
    key = i % KEYS
    MAP[key] = None


def under_a_local_that_is_reduced(i: int) -> None:
    i %= KEYS
    MAP[i] = None


def under_a_text(i: int) -> None:
    MAP[f"user-{i % KEYS}"] = None


def under_a_formatted_text(i: int) -> None:
    MAP["user-%d" % (i % KEYS)] = None  # noqa: UP031  # the other remainder


def under_one_of_a_list(i: int) -> None:
    MAP[QUEUE[i % 2]] = None


def under_two_remainders(i: int) -> None:
    MAP[i % 100, str(i % 7)] = None


def into_a_set_under_a_mask(i: int) -> None:
    SEEN.add(i & 0xFFFF)


def by_a_method(i: int) -> None:
    cache.put(i % KEYS, None)


def by_keyword(i: int) -> None:
    cache.put(value=None, key=i % KEYS)


def by_position(i: int) -> None:
    cache.put_by_position(i % KEYS, None)


def by_two_methods(i: int) -> None:
    cache.put_user(i % KEYS)


def counts(i: int) -> None:
    COUNTS[i % 10] += 1


def while_there_is_room(i: int) -> None:
    if len(KEPT) < KEYS:
        KEPT.append(i)


def while_another_test_holds_too(i: int) -> None:
    if i not in MAP and KEYS > len(MAP):  # noqa: SIM300  # the other way round
        MAP[i] = None


def unless_it_is_full(i: int) -> None:
    if i < 0 or len(MAP) >= KEYS:
        return
    MAP[i] = None


def else_it_is_full(i: int) -> None:
    if len(KEPT) >= KEYS:
        KEPT.reverse()
    else:
        KEPT.append(i)


def not_while_it_is_full(i: int) -> None:
    while not len(KEPT) >= KEYS:
        KEPT.append(i)
        break


def unless_the_object_is_full(i: int) -> None:
    cache.put_if_room(i)


def key_of(i: int) -> str:
    """What a helper makes of a step's number."""
    return f"user-{i % KEYS}"


def under_what_a_function_returns(i: int) -> None:
    MAP[key_of(i)] = None


def under_a_drawn_number(i: int) -> None:  # noqa: ARG001  # a step is given it
    MAP[random.randrange(50_000)] = None  # noqa: S311  # a draw is the point


def while_a_heap_has_room(i: int) -> None:
    if len(QUEUE) < KEYS:
        heapq.heappush(QUEUE, i)
    else:
        heapq.heapreplace(QUEUE, i)


def trimmed_to_its_newest(i: int) -> None:
    global KEPT  # noqa: PLW0603  # a list that is replaced
    KEPT.append(i)
    KEPT = KEPT[-20_000:]


def trimmed_as_it_is_made(i: int) -> None:
    global KEPT  # noqa: PLW0603  # as above
    KEPT = [*KEPT, i][-20_000:]


def trimmed_in_place(i: int) -> None:
    KEPT.append(i)
    del KEPT[:-20_000]


def without_what_is_older_than_that(i: int) -> None:
    global MAP  # noqa: PLW0603  # a map that is replaced
    MAP[i] = None
    if i % 100 == 0:
        MAP = {key: value for key, value in MAP.items() if key > i - 20_000}  # type: ignore[operator]  # numbers


def without_what_is_so_much_older(i: int) -> None:
    MAP[i] = None
    MAP.pop(i - 20_000, None)


ENDING: dict[Callable[[int], None], float] = {
    under_a_remainder: 300_000,
    under_a_local: KEYS,
    under_a_local_that_is_reduced: KEYS,
    under_a_text: KEYS,
    under_a_formatted_text: KEYS,
    under_one_of_a_list: 2,
    under_two_remainders: 700,
    into_a_set_under_a_mask: 65_536,
    by_a_method: KEYS,
    by_keyword: KEYS,
    by_position: KEYS,
    by_two_methods: KEYS,
    counts: 10,
    while_there_is_room: KEYS,
    while_another_test_holds_too: KEYS,
    unless_it_is_full: KEYS,
    else_it_is_full: KEYS,
    not_while_it_is_full: KEYS,
    unless_the_object_is_full: inf,
    under_what_a_function_returns: KEYS,
    under_a_drawn_number: 50_001,
    while_a_heap_has_room: KEYS,
    trimmed_to_its_newest: 20_000,
    trimmed_as_it_is_made: 20_000,
    trimmed_in_place: 20_000,
    without_what_is_older_than_that: 20_000,
    without_what_is_so_much_older: 20_000,
}
"""How many entries there can be, as the source says; inf where the number is in an object."""


def under_what_another_function_returns(i: int) -> None:
    MAP[new_key_of(i)] = None


def new_key_of(i: int) -> str:
    """A key that comes once."""
    return f"user-{i}"


def without_the_one_before(i: int) -> None:
    MAP[i] = None
    MAP.pop(i - 1_000_000, None)
    MAP[-i] = None


def under_a_new_text(i: int) -> None:
    MAP["user-%d" % i] = None  # noqa: UP031  # as above


def under_a_text_by_a_named_format(i: int) -> None:
    MAP[FORMAT % i] = None


def under_new_bytes(i: int) -> None:
    MAP[b"user-%d" % i] = None


def under_a_token(i: int) -> None:
    MAP[secrets.token_hex(16)] = i % 3


def under_encoded_text(i: int) -> None:
    MAP[f"user-{i}".encode("utf-8")] = i % 3  # noqa: UP012  # an argument beside the receiver


def under_a_new_object(i: int) -> None:
    MAP[Exception(i % 3)] = None


def under_a_part_of_a_new_text(i: int) -> None:
    name = str(i) + "-%d" % (i % 3)  # noqa: UP031  # as above
    MAP[name[:-2]] = None


def under_one_that_changes(i: int) -> None:
    user = i % 100
    QUEUE[user] += 1
    MAP[QUEUE[user]] = None


def under_the_newest(i: int) -> None:
    QUEUE[-1] += i % 3
    MAP[QUEUE[-1]] = None


def under_a_wide_mask(i: int) -> None:
    MAP[i & ~1] = None


def under_a_hash(i: int) -> None:
    MAP[hash(i) & 0xFFFF_FFFF_FFFF_FFFF] = None


def under_a_remainder_of_more(i: int) -> None:
    MAP[i % (i + 1)] = None


def under_a_fraction(i: int) -> None:
    MAP[(i * 0.1) % 1] = None


def under_a_local_that_is_seldom_reduced(i: int) -> None:
    key = i
    if key < 0:
        key %= 10
    MAP[key] = None


def under_a_count(i: int) -> None:
    key = i % 3
    key += i
    MAP[key] = None


def under_a_normed_key(i: int) -> None:
    cache.put_normed(i)


def under_itself(i: int) -> None:
    cache.register()
    KEPT.append(i % 3)


def under_whatever_is_unpacked(i: int) -> None:
    key, _ = i, i % 3
    MAP[key] = None


class Owner:
    """What has a limit, or none, or one that it raises."""

    def __init__(self) -> None:
        self.rows: list[object] = []
        self.limit: int | None = None
        self.capacity = 8
        self.name = "user"

    def keep_a_page(self, i: int) -> None:
        self.rows.append(i)
        if self.limit is not None:
            self.rows = self.rows[-self.limit :]

    def look_at_a_page(self, i: int) -> None:
        self.rows.append(i)
        rows = self.rows[-self.capacity :]
        for row in rows:
            assert row is not None

    def make_room(self, i: int) -> None:
        if len(self.rows) >= self.capacity:
            self.capacity *= 2
        if len(self.rows) < self.capacity:
            self.rows.append(i)

    def put_by_name(self, i: int) -> None:
        self.name = f"user{i}"
        MAP[FORMAT % self.name] = None


owner, other = Owner(), Owner()


def with_a_limit_of_none(i: int) -> None:
    owner.keep_a_page(i)


def with_a_page_of_its_own(i: int) -> None:
    owner.look_at_a_page(i)


def with_a_limit_that_grows(i: int) -> None:
    owner.make_room(i)


def under_a_named_format_of_an_attribute(i: int) -> None:
    owner.put_by_name(i)


def while_another_objects_rows_have_room(i: int) -> None:
    if len(other.rows) < KEYS:
        owner.rows.append(i)


NONE_AT_ALL = 0


def trimmed_by_nothing(i: int) -> None:
    global KEPT  # noqa: PLW0603  # as above
    KEPT.append(i)
    KEPT = KEPT[-NONE_AT_ALL:]


def without_another_type_of_key(i: int) -> None:
    MAP[str(i)] = None
    MAP.pop(i - 1_000_000, None)


def without_what_is_not_all(i: int) -> None:
    MAP[i] = None
    MAP["meta", i] = None
    MAP.pop(i - 1_000_000, None)


def under_too_many_remainders(i: int) -> None:
    MAP[i % 100_003, i % 99_991] = None


def while_it_is_not_endless(i: int) -> None:
    if len(KEPT) < sys.maxsize:
        KEPT.append(i)


def under_the_time_of_day(i: int) -> None:
    now = time.time()
    MAP[now % 86_400] = i


def under_what_a_pattern_binds(i: int) -> None:
    key = i % 3
    match {"id": i}:
        case {"id": key}:
            pass
    MAP[key] = None


def put_by_somebody_else(i: int) -> None:
    cache.put(i % KEYS, None)
    list(map(cache.put, [i], [i]))


def under_a_huge_drawn_number(i: int) -> None:  # noqa: ARG001  # as above
    MAP[random.randrange(2**2_048)] = None  # noqa: S311  # as above


def under_a_remainder_and_more(i: int) -> None:
    MAP[i % 10, i] = None


def a_remainder_as_a_value(i: int) -> None:
    cache.put(i, i % 3)


def with_stars(i: int) -> None:
    cache.put(*(i, i % 3))


def now_and_then(i: int) -> None:
    if i % 3 == 0:
        MAP[i] = None


def with_another_store(i: int) -> None:
    MAP[i % 10] = None
    MAP[i] = None


def with_an_update(i: int) -> None:
    MAP[i % 10] = None
    MAP.update({i: None})


def with_a_store_into_two(i: int) -> None:
    MAP[i % 10] = None
    MAP[i], COUNTS[0] = i, 1


def with_an_alias(i: int) -> None:
    MAP[i % 10] = None
    other = MAP
    other[i] = None


def with_a_function_that_stores(i: int) -> None:
    if len(QUEUE) < KEYS:
        QUEUE.append(i)
    heapq.heappush(QUEUE, i)


def with_an_addition(i: int) -> None:
    global KEPT  # noqa: PLW0603  # the store that it is about
    if len(KEPT) < KEYS:
        KEPT.append(i)
    KEPT += [i]


def into_a_list(i: int) -> None:
    KEPT.append(i % 10)


def beside_a_list(i: int) -> None:
    COUNTS[i % 5_000] = i
    KEPT.append([i])


def while_it_is_full(i: int) -> None:
    if len(KEPT) >= 0:
        KEPT.append(i)


def while_it_has_not_just_so_many(i: int) -> None:
    if len(KEPT) != 3:
        KEPT.append(i)


def while_it_has_fewer_than_steps(i: int) -> None:
    if len(MAP) < i + 10:
        MAP[i] = None


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


ENDLESS = [
    under_a_new_text, under_a_text_by_a_named_format, under_new_bytes, under_a_token, under_encoded_text,
    under_a_new_object, under_a_part_of_a_new_text, under_the_newest, under_a_wide_mask, under_a_hash,
    under_a_remainder_of_more, under_a_fraction, under_a_local_that_is_seldom_reduced, under_a_count,
    under_a_normed_key, under_itself, under_whatever_is_unpacked, under_a_remainder_and_more,
    a_remainder_as_a_value, with_stars, now_and_then, with_another_store, with_an_update,
    with_a_store_into_two, with_an_alias, with_a_function_that_stores, with_an_addition, into_a_list,
    beside_a_list, while_it_is_full, while_it_has_not_just_so_many, while_it_has_fewer_than_steps,
    while_another_has_room, while_one_of_two_tests_holds, whether_it_is_full_or_not,
    under_what_another_function_returns, without_the_one_before, under_one_that_changes, with_a_limit_of_none,
    with_a_page_of_its_own, with_a_limit_that_grows, under_a_named_format_of_an_attribute,
    while_another_objects_rows_have_room, trimmed_by_nothing, without_another_type_of_key,
    without_what_is_not_all, under_too_many_remainders, while_it_is_not_endless, under_the_time_of_day,
    under_what_a_pattern_binds, put_by_somebody_else, under_a_huge_drawn_number,
]  # fmt: skip
CALLS: dict[Callable[[int], None], tuple[Callable[..., object], ...]] = {
    by_a_method: (Cache.put,),
    by_keyword: (Cache.put,),
    by_position: (Cache.put_by_position,),
    by_two_methods: (Cache.put, Cache.put_user),
    unless_the_object_is_full: (Cache.put_if_room,),
    under_a_normed_key: (Cache.put_normed,),
    under_itself: (Cache.register,),
    a_remainder_as_a_value: (Cache.put,),
    with_stars: (Cache.put,),
    under_what_a_function_returns: (key_of,),
    with_a_limit_of_none: (Owner.keep_a_page,),
    with_a_page_of_its_own: (Owner.look_at_a_page,),
    with_a_limit_that_grows: (Owner.make_room,),
    under_a_named_format_of_an_attribute: (Owner.put_by_name,),
    put_by_somebody_else: (Cache.put,),
    under_what_another_function_returns: (new_key_of,),
}


def codes_of(step: Callable[[int], None]) -> list[CodeType]:
    """The code that a step runs."""
    return [function.__code__ for function in (step, *CALLS.get(step, ()))]


def stored_by(step: Callable[[int], None]) -> set[str]:
    """The containers that a step puts something into."""
    names = {name for code in codes_of(step) for name in (*code.co_names, *code.co_freevars)} & NAMES
    read = (under_one_of_a_list, under_one_that_changes, under_the_newest)
    return names - {"QUEUE"} if step in read else names


def soon() -> float:
    return time.perf_counter() + 60.0


@pytest.fixture(autouse=True)
def _is_found_by_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "test_ending_stores", sys.modules[__name__])


@pytest.mark.parametrize("step", ENDING)
def test_what_is_stored_there_is_only_so_much(step: Callable[[int], None]) -> None:
    found = ending_stores(codes_of(step), stored_by(step), soon())
    assert {most for *_, most in found} == {ENDING[step]}
    assert may_end(codes_of(step), soon())


@pytest.mark.parametrize("step", ENDLESS)
def test_what_is_stored_there_may_go_on(step: Callable[[int], None]) -> None:
    assert ending_stores(codes_of(step), stored_by(step), soon()) == []


def test_a_number_stores_nothing_new_into_a_list() -> None:
    def ring(i: int) -> None:
        if len(KEPT) < KEYS:
            KEPT.append(i)
        else:
            KEPT[i] = None

    assert ending_stores([ring.__code__], {"KEPT"}, soon()) == []
    assert len(ending_stores([ring.__code__], {"KEPT"}, soon(), lists={"KEPT"})) == 1


def test_what_is_gone_with_the_call_ends_nothing() -> None:
    def fills_a_buffer(i: int) -> None:
        buffer: list[int] = []
        while len(buffer) < 4_096:
            buffer.append(i)

    assert all_ending_stores([fills_a_buffer.__code__], soon()) == []
    assert not may_end([fills_a_buffer.__code__], soon())
    assert [most for *_, most in all_ending_stores(codes_of(under_a_remainder), soon())] == [300_000]


def test_each_of_two_containers_has_to_end() -> None:
    codes = [*codes_of(under_a_remainder), *codes_of(while_there_is_room)]
    assert len(ending_stores(codes, {"MAP", "KEPT"}, soon())) == 2
    assert ending_stores(codes, {"MAP", "COUNTS"}, soon()) == []


def test_a_function_without_its_source_may_do_anything() -> None:
    written: dict[str, Callable[[int], None]] = {}
    exec("def unseen(i):\n    MAP[i] = None\n", written)  # noqa: S102  # what an interpreter's prompt does
    codes = [*codes_of(under_a_remainder), written["unseen"].__code__.replace(co_filename="gone.py")]
    assert ending_stores(codes, {"MAP"}, soon()) == []


def test_reading_ends_in_time(tmp_path: Path) -> None:
    """Each of six functions returns a sum of calls of the next: 25 to the fifth of them."""
    calls = [" + ".join([f"f{n + 1}(i)"] * 25) for n in range(5)]
    functions = [f"def f{n}(i):\n    return {each}\n" for n, each in enumerate([*calls, "i % 7"])]
    file = tmp_path / "many.py"
    file.write_text("".join(functions) + "def step(i):\n    MAP[f0(i)] = None\n", encoding="utf-8")
    written: dict[str, Callable[[int], None]] = {}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), written)  # noqa: S102  # written above
    codes = [written[name].__code__ for name in ("step", *(f"f{n}" for n in range(6)))]
    began = time.perf_counter()
    assert ending_stores(codes, {"MAP"}, began + 0.05) == []
    assert may_end(codes, began + 0.05)
    assert time.perf_counter() - began < 5.0


def test_where_there_is_no_time_nothing_is_claimed_and_nothing_excluded() -> None:
    codes = codes_of(under_a_remainder)
    assert ending_stores(codes, {"MAP"}, time.perf_counter() - 1.0) == []
    assert may_end(codes, time.perf_counter() - 1.0)


@pytest.mark.slow
@pytest.mark.parametrize(("path", "lines"), [("test_ending_stores.MAP", 1), ("test_ending_stores.MAP[*]", 0)])
def test_what_grows_inside_an_entry_does_not_stop_with_the_keys(path: str, lines: int) -> None:
    found = find_dormant(under_a_remainder, 0, {path: "dict"}, budget_seconds=0.1)
    assert [line["most_entries"] for line in found["dormant"]] == [300_000] * lines


@pytest.mark.slow
def test_such_a_map_is_doubted_without_being_known() -> None:
    assert may_remove(under_a_remainder, 0, budget_seconds=0.2)[0]
