"""WeakCache keeps nothing alive, loses nothing that lives, and never waits for itself."""

from __future__ import annotations

import gc
import threading
import weakref
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leakbench.mitigations.expiring import ScriptedClock
from leakbench.mitigations.sweeper import WeakSweeper
from leakbench.mitigations.weak_cache import WeakCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_SECONDS = 20.0
"""How long a thread that hangs is waited for; one that does not hang ends in a fraction of a second."""


class Value:
    """Something that can be weakly referenced."""


def sweepers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sweeper"]


def in_time(work: Callable[[], None]) -> None:
    """Do the work in a thread; a deadlock fails the test instead of stopping it."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # told in the test's own thread
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "it waits for itself"
    if raised:
        raise raised[0]


@pytest.fixture
def eager_collector() -> Iterator[None]:
    """The collector runs at nearly every allocation."""
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    yield
    gc.set_threshold(*before)


def test_an_entry_goes_with_its_value() -> None:
    cache: WeakCache[str, Value] = WeakCache()
    value = Value()
    cache["a"] = value
    assert cache.get("a") is value
    assert cache.items() == [("a", value)]
    del value
    assert (cache.get("a"), "a" in cache, len(cache), cache.items()) == (None, False, 0, [])


def test_a_replaced_value_does_not_take_the_new_entry_with_it() -> None:
    """The article's loses it as soon as a reader holds the old reference object."""
    cache: WeakCache[str, Value] = WeakCache()
    old, new = Value(), Value()
    cache["a"] = old
    reader = cache._weak.copy()
    cache["a"] = new
    del old
    assert reader["a"]() is None
    assert cache.get("a") is new


@pytest.mark.parametrize(
    "value", ["text", 1, b"bytes", [1], {1: 2}, (1,), datetime(2026, 1, 1, tzinfo=UTC), None], ids=repr
)
def test_what_cannot_be_weakly_referenced_is_kept_within_the_bound(value: object) -> None:
    cache: WeakCache[int, object] = WeakCache(strong_entries=2)
    for key in range(3):
        cache[key] = value
    assert (0 in cache, 1 in cache, 2 in cache, len(cache)) == (False, True, True, 2)
    assert cache.get(1, "absent") == value


def test_use_saves_a_strongly_held_value_from_eviction() -> None:
    cache: WeakCache[int, str] = WeakCache(strong_entries=2)
    cache[0], cache[1] = "zero", "one"
    cache.get(0)
    cache[2] = "two"
    assert dict(cache.items()) == {0: "zero", 2: "two"}


def test_without_a_strong_hold_such_a_value_is_refused_with_the_way_out() -> None:
    cache: WeakCache[int, Any] = WeakCache(strong_entries=0)
    with pytest.raises(TypeError, match=r"a str cannot be weakly referenced.*strong_entries=N"):
        cache[0] = "text"
    with pytest.raises(TypeError, match="a list cannot"):
        cache.setdefault(0, [])
    assert len(cache) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strong_entries": -1}, "strong_entries must be 0 or more, not -1"),
        ({"strong_seconds": 0.0}, "strong_seconds must be more than 0 or None, not 0.0"),
    ],
)
def test_bounds_out_of_range_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WeakCache(**arguments)


def test_a_strongly_held_value_is_not_answered_past_its_time_and_swept() -> None:
    clock = ScriptedClock()
    with WeakCache[str, str](strong_seconds=1_000, clock=clock) as cache:
        cache["a"] = "text"
        clock.now = 999
        cache["b"] = "later"
        assert cache.get("a") == "text"
        clock.now = 1_000
        assert cache.get("a") is None
        assert cache.items() == [("b", "later")]
        assert len(cache) == 2
        assert (cache.sweep(), cache.sweep(), len(cache)) == (1, 0, 1)


def test_a_key_holds_one_value_weak_or_strong() -> None:
    cache: WeakCache[str, object] = WeakCache()
    value = Value()
    cache["a"] = "text"
    cache["a"] = value
    assert (cache.get("a"), len(cache)) == (value, 1)
    cache["a"] = "text again"
    del value
    assert (cache.get("a"), len(cache)) == ("text again", 1)
    assert cache.pop("a") == "text again"
    assert cache.pop("a", "none") == "none"


def test_a_collector_that_runs_inside_a_put_does_not_stop_it() -> None:
    """The cycle's callback comes while the putting thread has the lock."""
    cache: WeakCache[Any, Value] = WeakCache()
    removed_inside = []

    class CollectingKey:
        def __hash__(self) -> int:
            gc.collect()
            removed_inside.append(cycle() is None)
            return 1

    dying: Any = Value()
    dying.itself = dying
    cycle = weakref.ref(dying)
    cache["cycle"] = dying
    del dying
    held = Value()
    in_time(lambda: cache.__setitem__(CollectingKey(), held))
    assert removed_inside[0]
    assert [value for _, value in cache.items()] == [held]


@pytest.mark.slow
def test_finalizers_that_use_the_cache_may_run_inside_its_methods() -> None:
    """Every look-up of the key makes garbage and collects it, in the thread that has the lock."""
    cache: WeakCache[Any, Any] = WeakCache(strong_entries=4)
    finalized = []

    class Finalized:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            cache.pop("a")
            cache["a"] = "died"
            cache.items()
            cache.sweep()
            finalized.append(len(cache))

    class CollectingKey:
        def __hash__(self) -> int:
            Finalized()
            gc.collect()
            return 1

    def use() -> None:
        key, value = CollectingKey(), Value()
        cache[key] = value
        assert cache.get(key) is value
        assert cache.pop(key) is value
        cache[key] = "text"
        assert cache.setdefault(key, "late") == "text"
        del value

    in_time(use)
    assert len(finalized) > 5
    assert cache.get("a") == "died"


def test_a_callback_does_not_wait_for_a_thread_that_has_the_lock() -> None:
    cache: WeakCache[str, Value] = WeakCache()
    values = [Value()]
    cache["a"] = values[0]
    with cache._lock:
        in_time(values.clear)
        assert len(cache._weak) == 1
    assert len(cache) == 0


def test_a_death_between_the_last_look_and_the_release_is_not_left_behind() -> None:
    cache: WeakCache[str, Value] = WeakCache()
    first, second = Value(), Value()
    cache["first"], cache["second"] = first, second
    late = cache._weak["second"]

    class Lock:
        """Another thread's callback comes before the first release, finds the lock taken and goes."""

        acquire = cache._lock.acquire
        came = False

        def release(self) -> None:
            if not self.came:
                self.came = True
                cache._died.append(late)
            real.release()

    real = cache._lock
    cache._lock = Lock()  # type: ignore[assignment]
    del first
    assert cache._weak == {}
    assert second is not None


def test_a_dropped_cache_is_collected_at_once_and_its_thread_ends() -> None:
    before = set(sweepers())
    cache: WeakCache[str, str] = WeakCache(strong_seconds=1_000.0)
    cache["a"] = "text"
    (thread,) = set(sweepers()) - before
    collected = weakref.ref(cache)
    del cache
    assert collected() is None
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_a_cache_in_a_cycle_is_collected_and_its_thread_ends() -> None:
    before = set(sweepers())
    cache: WeakCache[str, Any] = WeakCache(strong_seconds=1_000.0)
    cache["itself"] = [cache]
    (thread,) = set(sweepers()) - before
    collected = weakref.ref(cache)
    del cache
    gc.collect()
    assert collected() is None
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_without_a_time_limit_there_is_no_thread() -> None:
    before = len(sweepers())
    with WeakCache[str, str]() as cache:
        cache["a"] = "text"
        assert len(sweepers()) == before


def test_the_sweeper_removes_what_is_due_by_itself() -> None:
    let_go = threading.Event()

    class Told(list[int]):
        def __del__(self) -> None:
            let_go.set()

        __slots__ = ()  # and so it cannot be weakly referenced

    with WeakCache[str, Told](strong_seconds=0.01) as cache:
        cache["a"] = Told()
        assert let_go.wait(PATIENCE_SECONDS)
        assert len(cache) == 0


def test_a_closed_cache_is_empty_takes_nothing_and_has_no_thread() -> None:
    before = len(sweepers())
    value = Value()
    with WeakCache[str, Any](strong_seconds=1_000.0) as cache:
        cache["a"], cache["b"] = value, "text"
    assert (len(cache), cache.get("a"), len(sweepers())) == (0, None, before)
    with pytest.raises(RuntimeError, match="closed"):
        cache["a"] = value
    with pytest.raises(RuntimeError, match="closed"):
        cache.setdefault("a", value)
    cache.close()


def test_all_threads_get_the_value_that_was_there_first() -> None:
    cache: WeakCache[str, Value] = WeakCache()
    start = threading.Barrier(8)
    got: list[Value] = []

    def race() -> None:
        mine = Value()
        start.wait()
        got.append(cache.setdefault("a", mine))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, got))) == 1


@pytest.mark.usefixtures("eager_collector")
def test_many_threads_find_their_own_values_and_leave_nothing() -> None:
    """Each thread owns its keys, so a look-up is right or wrong; cycles make callbacks come from anywhere."""
    cache: WeakCache[tuple[int, int], Any] = WeakCache(strong_entries=10_000)
    wrong: list[object] = []

    def work(thread: int) -> None:
        for turn in range(400):
            key = thread, turn % 7
            value: Any = Value()
            value.itself = value
            cache[key] = value
            if cache.get(key) is not value:
                wrong.append(key)
            cache.items()
            cache[thread, -1] = turn
            if cache.get((thread, -1)) != turn:
                wrong.append(turn)
        cache.pop((thread, -1))

    def all_of_them() -> None:
        threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    in_time(all_of_them)
    gc.collect()
    assert wrong == []
    assert len(cache) == 0
    assert not cache._died


class Model:
    """What a WeakCache is: a dict of values, of which the test drops the weak and the bound the strong."""

    def __init__(self, strong_entries: int) -> None:
        self.values: dict[int, Any] = {}
        self._used: list[int] = []  # keys held strongly, least used first
        self._strong_entries = strong_entries

    def put(self, key: int, value: object) -> None:
        self.remove(key)
        self.values[key] = value
        self.use(key)

    def use(self, key: int) -> None:
        if isinstance(self.values.get(key), str):
            self._used = [each for each in self._used if each != key] + [key]
        for late in self._used[: -self._strong_entries]:
            self.remove(late)

    def remove(self, key: int) -> object:
        self._used = [each for each in self._used if each != key]
        return self.values.pop(key, None)

    def drop(self, key: int) -> None:
        if isinstance(self.values.get(key), Value):
            self.remove(key)


KEYS = st.integers(0, 3)
OPERATIONS = st.lists(st.tuples(st.sampled_from(["weak", "strong", "drop", "pop", "get"]), KEYS), max_size=40)


@given(OPERATIONS)
def test_whatever_is_done_it_is_a_dict_of_what_lives(operations: list[tuple[str, int]]) -> None:
    cache: WeakCache[int, Any] = WeakCache(strong_entries=2)
    model = Model(strong_entries=2)
    for number, (operation, key) in enumerate(operations):
        if operation in ("weak", "strong"):
            value = Value() if operation == "weak" else str(number)
            cache[key] = value
            model.put(key, value)
            del value
        elif operation == "drop":
            model.drop(key)
        elif operation == "pop":
            assert cache.pop(key) is model.remove(key)
        else:
            assert cache.get(key) is model.values.get(key)
            model.use(key)
        assert dict(cache.items()) == model.values
        assert len(cache) == len(model.values)


def test_an_owner_whose_last_holder_is_the_sweeper_itself_ends_the_sweeper() -> None:
    class Owner:
        def sweep(self) -> None:
            held.clear()

    held = [Owner()]
    sweeper = WeakSweeper(held[0], 0.001)
    sweeper._thread.join(PATIENCE_SECONDS)
    assert not sweeper._thread.is_alive()
    sweeper.close()
