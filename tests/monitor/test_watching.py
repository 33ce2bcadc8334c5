"""What is watched is not kept alive, what cannot be watched is said plainly, and no scrape ever breaks."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import cachebox
import cachetools
import pytest
from leakbench.monitor import MonitoredMap, MonitorError, Registry, monitored
from leakbench.monitor.guarded import GuardedMap


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def _no_collector() -> Iterator[None]:
    """What dies now dies by reference count: a cycle would stay."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("wrapped", [dict, lambda: cachetools.LRUCache(9), lambda: cachebox.LRUCache(9)])
def test_a_dropped_map_is_gone_at_once_and_takes_its_name_with_it(registry: Registry, wrapped: Any) -> None:
    class Session:
        pass

    watched: Any = MonitoredMap(wrapped(), name="sessions", registry=registry)
    watched["a"] = session = Session()
    registry.readings()
    registry.readings()
    map_alive, session_alive = weakref.ref(watched), weakref.ref(session)
    del watched, session
    assert map_alive() is None
    assert session_alive() is None
    assert registry.names() == []
    MonitoredMap(name="sessions", registry=registry)  # the name is free again


@pytest.mark.usefixtures("_no_collector")
def test_a_reading_keeps_no_key_that_could_die(registry: Registry) -> None:
    class Key:
        pass

    watched: Any = MonitoredMap(weakref.WeakKeyDictionary(), name="by-object", registry=registry)
    key = Key()
    watched[key] = 1
    assert registry.readings()[0][1].entries == 1
    del key
    assert registry.readings()[0][1].entries == 0


def test_counting_leaves_no_memory_behind() -> None:
    def round_trip(watched: Any, times: int) -> None:
        for key in range(times):
            watched[key] = key
            watched[key] = None
            watched.get(key)
            watched.get(-1)
            watched.setdefault(key, 0)
            watched |= {key: 1}
            watched.update(x=1)
            del watched[key]
        watched.clear()
        watched.reading()

    watched: Any = MonitoredMap()
    round_trip(watched, 5_000)
    before = sys.getallocatedblocks()
    round_trip(watched, 5_000)
    between = sys.getallocatedblocks()
    round_trip(watched, 20_000)
    after = sys.getallocatedblocks()
    # A block an operation would be 45,000 blocks and 180,000.
    assert abs(between - before) < 50
    assert abs(after - between) < 50


@pytest.mark.slow
def test_the_ladder_reads_nothing(tmp_path: Path) -> None:
    """Leakbench check on a step that goes through every route and a reading."""
    target = tmp_path / "service.py"
    target.write_text(
        "from leakbench.monitor import MonitoredMap\n"
        "WATCHED = MonitoredMap(name='sessions')\n"
        "def step(i):\n"
        "    key = i % 64\n"
        "    WATCHED[key] = i\n"
        "    WATCHED.get(key), WATCHED.get(-1), WATCHED.setdefault(key, 0)\n"
        "    WATCHED.update({key: 1})\n"
        "    if i % 1000 == 0:\n"
        "        WATCHED.reading()\n"
        "    del WATCHED[key]\n"
    )
    command = [sys.executable, "-m", "leakbench", "check", f"{target}::step", "--json", "--only-verdict"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert (answer["verdict"], answer["leak_bytes_per_op"]) == ("steady", 0)


def test_an_lru_cache_tells_what_it_counts_itself(registry: Registry) -> None:
    @lru_cache(maxsize=4)
    def square(number: int) -> int:
        return number * number

    assert monitored(square, name="squares", registry=registry) is square
    for number in (1, 2, 1):
        square(number)
    name, reading = registry.readings()[0]
    assert (name, reading.entries, reading.hits, reading.misses) == ("squares", 2, 1, 2)
    assert (reading.bound_entries, reading.fill_ratio) == (4, 0.5)
    assert reading.insertions is None, "a call that raised was a miss and stored nothing"


def test_an_lru_cache_without_a_bound_has_none(registry: Registry) -> None:
    @cache
    def square(number: int) -> int:
        return number * number

    monitored(square, name="squares", registry=registry)
    assert registry.readings()[0][1].bound_entries is None


def test_a_function_of_cachetools_tells_too(registry: Registry) -> None:
    @cachetools.cached(cachetools.LRUCache(3), info=True)
    def square(number: int) -> int:
        return number * number

    monitored(square, name="squares", registry=registry)
    square(2)
    assert registry.readings()[0][1][:1] == (1,)
    assert registry.readings()[0][1].bound_entries == 3


def test_a_deque_tells_its_length(registry: Registry) -> None:
    jobs = deque([1, 2], maxlen=8)
    assert monitored(jobs, name="jobs", registry=registry) is jobs
    assert registry.readings()[0][1].fill_ratio == 0.25


@pytest.mark.parametrize("cache", [cachetools.TTLCache(4, ttl=9), cachebox.TTLCache(4, 9), {}])
def test_maps_come_back_wrapped(registry: Registry, cache: Any) -> None:
    watched = monitored(cache, name="cache", registry=registry)
    watched["a"] = 1
    assert isinstance(watched, MonitoredMap)
    assert isinstance(watched, GuardedMap) == (type(cache) is not dict)
    assert registry.readings()[0][1].insertions == 1


def test_reading_a_cache_does_not_touch_it(registry: Registry) -> None:
    """An LRU cache whose oldest entry was looked at would take it for the newest."""
    bounded: list[Any] = [cachetools.LRUCache(2), cachebox.LRUCache(2)]
    for lru in bounded:
        watched: Any = MonitoredMap(lru, registry=registry)
        watched["old"] = watched["new"] = 1
        watched.reading()
        watched["third"] = 1
        assert sorted(watched) == ["new", "third"]


# What bad input gets.


def test_a_name_is_given_once(registry: Registry) -> None:
    first = MonitoredMap[str, int](name="sessions", registry=registry)
    with pytest.raises(MonitorError, match=r"'sessions' is monitored already and still alive.*close\(\)"):
        MonitoredMap(name="sessions", registry=registry)
    first.publish("sessions")  # its own: nothing to say against
    first.close()
    second = MonitoredMap[str, int](name="sessions", registry=registry)
    with pytest.raises(MonitorError, match="published as 'sessions'"):
        second.publish("people")


@pytest.mark.parametrize("name", ["", "1st", "a b", 'quo"te', "a\nb", "x" * 101, 7, b"sessions"])
def test_a_name_that_is_no_label_is_refused(registry: Registry, name: Any) -> None:
    with pytest.raises(MonitorError, match="is no name for a map"):
        MonitoredMap(name=name, registry=registry)


def test_a_name_for_each_user_is_refused() -> None:
    registry = Registry(names_max=3)
    for number in range(3):
        MonitoredMap(name=f"user-{number}", registry=registry)
    assert registry.names() == [], "none of them lives"
    with pytest.raises(
        MonitorError, match=r"'user-3' would be map name number 4.*a series that Prometheus keeps"
    ):
        MonitoredMap(name="user-3", registry=registry)
    MonitoredMap(name="user-0", registry=registry)  # known: no new series


@pytest.mark.parametrize("thing", [[1], {1}, "text", iter(""), object()])
def test_what_is_no_map_is_refused(registry: Registry, thing: Any) -> None:
    with pytest.raises(MonitorError, match="is no mutable mapping"):
        MonitoredMap(thing)
    with pytest.raises(MonitorError, match=f"cannot monitor '{type(thing).__name__}'"):
        monitored(thing, name="thing", registry=registry)


@pytest.mark.parametrize("bound", [0, -1, 1.5, True, "10"])
def test_a_bound_that_is_no_number_of_entries_is_refused(bound: Any) -> None:
    with pytest.raises(MonitorError, match="bound_entries must be a whole number"):
        MonitoredMap(bound_entries=bound)


def test_options_for_maps_are_refused_for_others(registry: Registry) -> None:
    with pytest.raises(MonitorError, match="bound_entries: for maps only"):
        monitored(deque[int](), name="jobs", registry=registry, bound_entries=3)


def test_options_for_a_map_that_is_monitored_already_are_refused(registry: Registry) -> None:
    watched = MonitoredMap[str, int](registry=registry)
    with pytest.raises(MonitorError, match="monitored already: bound_entries is given where it is made"):
        monitored(watched, name="sessions", registry=registry, bound_entries=3)
    with pytest.raises(MonitorError, match="monitored already: registry is given where it is made"):
        monitored(watched, name="sessions")
    assert monitored(watched, name="sessions", registry=registry) is watched


def test_a_subclass_that_counts_without_a_lock_takes_no_cache() -> None:
    class Sessions(MonitoredMap[str, int]):
        pass

    assert Sessions({"a": 1})["a"] == 1
    with pytest.raises(MonitorError, match=r"'LRUCache' does not allow: derive it from .*GuardedMap"):
        Sessions(cachetools.LRUCache(3))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("wrapped", [dict, lambda: cachetools.LRUCache(9)])
def test_a_child_that_was_forked_while_a_lock_was_held_does_not_wait_for_ever(
    registry: Registry, wrapped: Any
) -> None:
    watched: Any = MonitoredMap(wrapped(), name="sessions", registry=registry)
    watched["a"] = 1
    held, forked = threading.Event(), threading.Event()

    def hold() -> None:
        with registry._lock, watched._observer._lock, watched._lock:
            held.set()
            forked.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    child = os.fork()
    if child == 0:  # nothing of pytest's may run here
        signal.alarm(20)
        del watched["a"]
        os._exit(registry.readings()[0][1].deletions or 0)
    forked.set()
    holder.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1, "one deletion, and no alarm"


def test_an_estimator_that_is_no_function_is_refused() -> None:
    nonsense: Any = 100
    with pytest.raises(MonitorError, match=r"estimate_bytes must be a function .* not 100"):
        MonitoredMap(estimate_bytes=nonsense)


@pytest.mark.parametrize("nonsense", ["many", -1, float("nan"), float("inf")])
def test_a_size_that_is_none_is_not_told(nonsense: Any) -> None:
    watched = MonitoredMap({"a": 1}, estimate_bytes=lambda _key, _value: nonsense)
    reading = watched.reading()
    assert (reading.entries, reading.size_bytes, reading.sample_failures) == (1, None, 1)


def test_an_estimator_that_raises_reaches_nobody(registry: Registry) -> None:
    def broken(_key: str, _value: int) -> float:
        raise ZeroDivisionError

    watched = MonitoredMap[str, int](name="sessions", registry=registry, estimate_bytes=broken)
    watched["a"] = 1
    assert watched.get("a") == 1
    _name, reading = registry.readings()[0]
    assert (reading.entries, reading.insertions, reading.size_bytes) == (1, 1, None)
    assert reading.sample_failures == 1
    assert watched.reading().sample_failures == 2


def test_a_key_that_cannot_be_compared_reaches_nobody(registry: Registry) -> None:
    class Grumpy:
        def __hash__(self) -> int:
            return 1

        def __eq__(self, other: object) -> bool:
            raise RuntimeError

    watched = MonitoredMap[Grumpy, int](registry=registry)
    key = Grumpy()
    watched[key] = 1
    watched.reading()
    del watched[key]
    watched[Grumpy()] = 2  # the sample compares the new key with the old one
    assert watched.reading().entries == 1


def test_one_broken_map_does_not_hide_the_others(registry: Registry) -> None:
    class Broken(dict[str, int]):
        broken = False

        def __len__(self) -> int:
            if self.broken:
                raise RuntimeError
            return super().__len__()

    inner = Broken()
    broken = MonitoredMap(inner, name="a-broken", registry=registry)
    well = MonitoredMap[str, int](name="well", registry=registry)
    inner.broken = True
    assert [name for name, _reading in registry.readings()] == ["well"]
    inner.broken = False
    assert [name for name, _reading in registry.readings()] == ["a-broken", "well"]
    del broken, well


# What a few entries tell.


def test_the_age_is_that_of_the_oldest_entry_seen(registry: Registry) -> None:
    now = [0.0]
    watched = MonitoredMap[str, object](registry=registry, clock=lambda: now[0])
    assert watched.reading().oldest_age_seconds is None
    for moment, key in ((10.0, "a"), (20.0, "b"), (30.0, "c")):
        now[0] = moment
        watched[key] = object()
        watched.reading()
    now[0] = 100
    assert watched.reading().oldest_age_seconds == 90
    del watched["a"]
    assert watched.reading().oldest_age_seconds == 80
    watched["b"] = object()  # refreshed: it is as old as its last value
    assert watched.reading().oldest_age_seconds == 70
    watched.clear()
    assert watched.reading().oldest_age_seconds is None


class Plain:
    """Allows weak references."""


@pytest.mark.parametrize(
    ("key", "known"),
    [("a", True), (1, True), (("user", 1), True), (Plain(), True), ((Plain(),), False), (frozenset(), True)],
)
def test_only_keys_that_hold_nothing_are_remembered(registry: Registry, key: Any, known: bool) -> None:  # noqa: FBT001
    watched = MonitoredMap({key: 1}, registry=registry)
    assert (watched.reading().oldest_age_seconds is not None) == known


def test_forgotten_entries_are_found_among_many_that_leave(registry: Registry) -> None:
    now = [0.0]
    watched = MonitoredMap[int, None](registry=registry, clock=lambda: now[0])
    for key in range(1_000):
        now[0] += 1
        watched[key] = None
        watched.reading()
        if key >= 10 and key % 10:
            watched.pop(key - 10, None)
    # One in ten stays, so the first of them was seen at the latest after a few dozen looks.
    age_seconds = watched.reading().oldest_age_seconds
    assert age_seconds is not None
    assert age_seconds > 900


def test_the_size_comes_with_its_error(registry: Registry) -> None:
    watched = MonitoredMap[int, bytes](registry=registry)
    for key in range(3):
        watched[key] = bytes(100)
    few = watched.reading()
    table = sys.getsizeof(watched.wrapped)
    weight = sys.getsizeof(1) + sys.getsizeof(bytes(100))
    assert (few.size_bytes, few.size_error_bytes) == (
        table + 3 * weight - (sys.getsizeof(1) - sys.getsizeof(0)),
        0,
    )
    for key in range(10_000):
        watched[key] = bytes(100 if key % 2 else 1_100)
    for _ in range(7):  # four entries a look, 32 are remembered
        watched.reading()
    many = watched.reading()
    assert many.size_bytes is not None
    assert many.size_error_bytes is not None
    true_bytes = sys.getsizeof(watched.wrapped) + sum(
        sys.getsizeof(key) + sys.getsizeof(value) for key, value in watched.items()
    )
    # 32 entries of two sizes 1,000 apart: a standard error of 500/√32 = 88 an entry, 1.96 times that a side.
    assert many.size_error_bytes == pytest.approx(1.96 * 500 / 32**0.5 * 10_000, rel=0.15)
    assert abs(many.size_bytes - true_bytes) < many.size_error_bytes


def test_readings_from_many_threads_do_not_disturb_each_other(registry: Registry) -> None:
    watched = MonitoredMap({n: n for n in range(100)}, name="shared", registry=registry)
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.extend(registry.readings())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reading.entries for _name, reading in results] == [100] * 8
    assert len(watched) == 100
