"""Every way of changing a map is counted, and counted as what it was."""

import copy
import pickle
from collections import OrderedDict, UserDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import cachebox
import cachetools
import pytest
from leakbench.monitor import MonitoredMap, mutations_per_second


class Counted(NamedTuple):
    """What a route must add to a map that held a=1 and b=2."""

    insertions: int = 0
    overwrites: int = 0
    deletions: int = 0
    hits: int = 0
    misses: int = 0


def pop_missing(watched: Any) -> None:
    with pytest.raises(KeyError):
        watched.pop("z")


def get_missing(watched: Any) -> None:
    with pytest.raises(KeyError):
        watched["z"]


def delete_missing(watched: Any) -> None:
    with pytest.raises(KeyError):
        del watched["z"]


def merge(watched: Any) -> None:
    before = watched
    watched |= {"a": 0, "c": 3}
    assert watched is before, "|= changes the map, it does not make another"


def delete(watched: Any) -> None:
    del watched["a"]


ROUTES: dict[str, tuple[Callable[[Any], object], Counted]] = {
    "set new": (lambda watched: watched.__setitem__("c", 3), Counted(insertions=1)),
    "set known": (lambda watched: watched.__setitem__("a", 3), Counted(overwrites=1)),
    "delete": (delete, Counted(deletions=1)),
    "delete missing": (delete_missing, Counted()),
    "update with a mapping": (lambda watched: watched.update({"a": 0, "c": 3}), Counted(1, 1)),
    "update with pairs": (lambda watched: watched.update([("c", 3), ("c", 4)]), Counted(1, 1)),
    "update with an iterator": (lambda watched: watched.update(iter([("c", 3), ("d", 4)])), Counted(2)),
    "update with keywords": (lambda watched: watched.update(a=0, d=4), Counted(1, 1)),
    "update with both": (lambda watched: watched.update({"c": 3}, d=4), Counted(2)),
    "update with nothing": (lambda watched: watched.update(), Counted()),
    "|=": (merge, Counted(1, 1)),
    "setdefault new": (lambda watched: watched.setdefault("c", 3), Counted(insertions=1, misses=1)),
    "setdefault known": (lambda watched: watched.setdefault("a", 3), Counted(hits=1)),
    "pop": (lambda watched: watched.pop("a"), Counted(deletions=1)),
    "pop with a default": (lambda watched: watched.pop("z", None), Counted()),
    "pop missing": (pop_missing, Counted()),
    "popitem": (lambda watched: watched.popitem(), Counted(deletions=1)),
    "clear": (lambda watched: watched.clear(), Counted(deletions=2)),
    "[] known": (lambda watched: watched["a"], Counted(hits=1)),
    "[] missing": (get_missing, Counted(misses=1)),
    "get known": (lambda watched: watched.get("a"), Counted(hits=1)),
    "get missing": (lambda watched: watched.get("z", 0), Counted(misses=1)),
    "in, len and walks": (
        lambda watched: ("a" in watched, len(watched), list(watched), list(watched.items())),
        Counted(),
    ),
}  # fmt: skip


def still() -> float:
    """A clock that stands; a lambda could not be pickled."""
    return 0.0


def pickled(watched: Any) -> Any:
    return pickle.loads(pickle.dumps(watched))  # noqa: S301 - our own bytes


class OwnDict(dict[str, int]):
    """A subclass of dict may do anything, and so is guarded."""


KINDS: dict[str, Callable[[], Any]] = {
    "dict": dict,
    "OrderedDict": OrderedDict,
    "a subclass of dict": OwnDict,
    "cachetools LRU": lambda: cachetools.LRUCache(100),
    "cachetools TTL": lambda: cachetools.TTLCache(100, ttl=60, timer=still),
    "cachebox LRU": lambda: cachebox.LRUCache(100),
    "UserDict": UserDict,
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_route_is_counted_on_each_kind_of_map(kind: str, route: str) -> None:
    watched: Any = MonitoredMap(KINDS[kind]())
    watched.update(a=1, b=2)
    before = watched.reading()
    act, expected = ROUTES[route]
    act(watched)
    after = watched.reading()
    assert Counted(*(getattr(after, field) - getattr(before, field) for field in Counted._fields)) == expected
    assert after.insertions - after.deletions == after.entries == len(list(watched))
    assert after.evictions in (0, None)


def test_a_subclass_of_dict_would_not_hear_of_half_of_it() -> None:
    """Why MonitoredMap composes: dict's own methods do not come through an overridden __setitem__."""

    class Overriding(dict[str, int]):
        writes = 0

        def __setitem__(self, key: str, value: int) -> None:
            self.writes += 1
            super().__setitem__(key, value)

    naive = Overriding()
    naive.update(a=1)
    naive.setdefault("b", 2)
    naive |= {"c": 3}
    assert (len(naive), naive.writes) == (3, 0)


def test_entries_that_were_there_count_as_insertions_so_that_the_sum_closes() -> None:
    watched = MonitoredMap({"a": 1, "b": 2})
    watched["a"] = 3
    watched["c"] = 4
    del watched["b"]
    reading = watched.reading()
    # 2 at the start and 1 new; 1 overwritten; 1 deleted; 2 + 1 - 1 = 2 left.
    assert reading[:5] == (2, 3, 3, 1, 1)


def test_what_a_bound_throws_out_is_an_eviction() -> None:
    caches: list[Any] = [cachetools.LRUCache(3), cachebox.LRUCache(3)]
    for cache in caches:
        watched: Any = MonitoredMap(cache)
        for key in range(10):
            watched[key] = key
        watched[9] = 0
        del watched[9]
        reading = watched.reading()
        # 10 came in, 3 fit, 7 went by themselves, 1 was deleted: 10 - 7 - 1 = 2.
        assert (reading.insertions, reading.overwrites, reading.evictions) == (10, 1, 7)
        assert (reading.deletions, reading.entries) == (1, 2)
        assert (reading.bound_entries, reading.fill_ratio) == (3, 2 / 3)


def test_what_expires_is_an_eviction() -> None:
    now = [0.0]
    watched = MonitoredMap(cachetools.TTLCache[str, int](100, ttl=10, timer=lambda: now[0]))
    watched["a"] = 1
    now[0] = 11
    watched["a"] = 2
    reading = watched.reading()
    assert (reading.insertions, reading.overwrites, reading.evictions, reading.entries) == (2, 0, 1, 1)


def test_what_dies_is_an_eviction() -> None:
    class Session:
        pass

    watched: MonitoredMap[str, Session] = MonitoredMap(WeakValueDictionary())
    session = Session()
    watched["a"] = session
    del session
    assert (watched.reading().insertions, watched.reading().evictions) == (1, 1)


def test_a_defaultdict_that_answers_has_inserted() -> None:
    watched: MonitoredMap[str, list[int]] = MonitoredMap(defaultdict(list))
    watched["a"].append(1)
    watched["a"].append(2)
    reading = watched.reading()
    assert (reading.insertions, reading.misses, reading.hits, reading.evictions) == (1, 1, 1, 0)


def test_a_refused_write_is_not_counted() -> None:
    watched: Any = MonitoredMap()
    with pytest.raises(TypeError):
        watched[[]] = 1
    cache: Any = MonitoredMap(cachetools.LRUCache(2, getsizeof=lambda value: value))
    with pytest.raises(ValueError, match="too large"):
        cache["a"] = 3
    assert watched.reading().mutations == cache.reading().mutations == 0


def test_the_peak_is_the_size_before_it_fell() -> None:
    watched: MonitoredMap[int, None] = MonitoredMap()
    watched.update(dict.fromkeys(range(7)))
    watched.clear()
    watched[0] = None
    assert (watched.reading().entries, watched.reading().peak_entries) == (1, 7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, pickled, lambda watched: watched.copy()],
    ids=["copy", "deepcopy", "pickle", "method"],
)
def test_a_copy_counts_for_itself_and_is_not_published(kind: str, duplicate: Callable[[Any], Any]) -> None:
    original: Any = MonitoredMap(KINDS[kind](), bound_entries=100)
    original["a"] = 1
    twin = duplicate(original)
    twin["b"] = 2
    twin["a"] = 0
    assert type(twin) is type(original)
    assert type(twin.wrapped) is type(original.wrapped)
    assert dict(original.items()) == {"a": 1}
    assert twin.name is None
    assert (original.reading().insertions, original.reading().overwrites) == (1, 0)
    assert (twin.reading().insertions, twin.reading().overwrites) == (2, 1)
    assert twin.reading().bound_entries == 100


def test_a_union_is_a_map_of_its_own() -> None:
    left = MonitoredMap({"a": 1})
    assert dict(left | {"b": 2}) == {"a": 1, "b": 2}
    assert dict({"a": 0, "b": 2} | left) == {"a": 1, "b": 2}
    assert dict(left) == {"a": 1}
    with pytest.raises(TypeError):
        left | [("b", 2)]


def test_the_mutation_rate_is_all_changes_over_the_time_between_two_readings() -> None:
    watched = MonitoredMap({"a": 1})
    earlier = watched.reading()
    watched.update(a=2, b=3)
    del watched["a"]
    # One overwrite, one insertion, one deletion in two seconds.
    assert mutations_per_second(earlier, watched.reading(), seconds=2.0) == 1.5
