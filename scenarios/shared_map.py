"""One map for several threads (article, section 4.2).

Mechanism: a map that many threads use is put behind something: a lock, a lock for readers and writers, shards
with a lock each, versions that are never changed. All of them cost time, some lose updates, and one leaks: a
lock an entry, made when the entry is first asked for and never taken away.

Who retains: ``KEY_LOCKS``, the locks of all keys that ever were.

Seen in the wild: a dict of asyncio or threading locks by user, file or session, in most code bases that
have one.

A step is one round of `THREADS` threads that work at the same time: each puts a new key, removes the one
that it put `WINDOW_STEPS` steps before, adds to two counters that all share and reads four entries. Lost are
entries of the window that are missing; `lost_updates` are additions that did not arrive. What the
map can do a second, by kind of traffic and number of threads, is measured in `counts`, in real time.
"""

import threading
from functools import partial
from time import perf_counter, perf_counter_ns, sleep

from leakbench.contract import Parameter, Run, Scenario
from leakbench.mitigations.copy_on_write import CopyOnWriteMap, persistent_map
from leakbench.mitigations.locks import LockedMap, ReadWriteLock
from leakbench.mitigations.shards import ShardedMap
from leakbench.mitigations.team import Team

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any

THREADS = 4
WINDOW_STEPS = 256
_COUNTERS = ("served", "refused")
_READS = 4
_FULL_STEPS = 4_096
_KEYS = 1_024
_CHUNK = 32  # operations between two looks at the clock
_RACE_ADDITIONS = 25
_RACE_WALKS = 4
_RACE_WALKED = 16  # entries
_PAUSE_SECONDS = 1e-6  # the shortest there is; the kernel makes it some 50 µs

WRITES_PERCENT = {"read_mostly": 1, "balanced": 50, "write_heavy": 90, "growing_keys": 50}
"""Kinds of traffic. What is written goes to known keys; in `growing_keys` to new ones, of which each pushes
one out that was put some time before."""

KEY_LOCKS: "dict[Any, threading.Lock]" = {}


class Pausing(int):
    """A number whose addition lets other threads run in its middle, as the work of a real program would."""

    def __add__(self, other: int) -> int:
        sleep(_PAUSE_SECONDS)
        return int(self) + other

    __radd__ = __add__


class PlainMap(dict):  # type: ignore[type-arg]  # a base with parameters would be looked up at run time
    """No lock: each operation of a dict is one by itself, but two in a row are not."""

    def add(self, key: "Any", amount: int) -> None:
        self[key] = self.get(key, 0) + amount

    def total(self) -> int:
        return sum(self.values())


class KeyLockedMap(PlainMap):
    """A lock for each key, so that only those who want the same entry wait for each other."""

    def __setitem__(self, key: "Any", value: "Any") -> None:
        with KEY_LOCKS.setdefault(key, threading.Lock()):
            super().__setitem__(key, value)

    def add(self, key: "Any", amount: int) -> None:
        with KEY_LOCKS.setdefault(key, threading.Lock()):
            super().__setitem__(key, self.get(key, 0) + amount)


class SharedMap:
    """The workload: threads that work on one map in rounds."""

    def __init__(self, make: "Callable[[], Any]", run: Run) -> None:
        self._make = make
        self._map = make()
        self._team = Team(max(THREADS, run.params["most_threads"]))
        self._threads = [n for n in (1, 2, 4, 8, 16) if n <= run.params["most_threads"]]
        is_full = run.scale >= _FULL_STEPS
        self._cell_seconds = run.params["cell_ms"] / 1_000 * (10 if is_full else 1)
        if not is_full:
            self._threads = [n for n in self._threads if n in (1, THREADS)]
        self._steps = 0
        self._missing = [0] * THREADS

    def step(self, i: int) -> None:
        self._team.run([partial(self._work, thread, i) for thread in range(THREADS)])
        self._steps = i + 1

    def _work(self, thread: int, i: int) -> None:
        entries = self._map
        entries[i * THREADS + thread] = i
        for counter in _COUNTERS:
            entries.add(counter, 1)
        for age in range(1, _READS + 1):
            if i >= age:
                self._missing[thread] += entries.get((i - age) * THREADS + thread) is None
        if i >= WINDOW_STEPS:
            entries.pop((i - WINDOW_STEPS) * THREADS + thread)

    def counts(self) -> "dict[str, int | float]":
        """Exact counts, then what the map can do a second; on a quick run with one thread and four.

        `lost_updates` are of the run and of 100 additions that are interrupted in their middle,
        `iteration_errors` of 4 walks. `balanced_put_p99_ns` is of a put with four threads at work, two
        readings of the clock included.
        """
        live = min(self._steps, WINDOW_STEPS) * THREADS + (len(_COUNTERS) if self._steps else 0)
        added = sum(self._map.get(counter, 0) for counter in _COUNTERS)
        lost, errors = self._race()
        return {
            "live_entries": live,
            "retained_entries": len(self._map),
            "lost_entries": sum(self._missing),
            "lost_updates": lost + self._steps * THREADS * len(_COUNTERS) - added,
            "iteration_errors": errors,
            **{
                f"{traffic}_{threads}_threads_per_second": self._throughput(traffic, threads)
                for traffic in WRITES_PERCENT
                for threads in self._threads
            },
            **self._latency(),
        }

    def _race(self) -> "tuple[int, int]":
        """Additions that did not arrive, and walks that ended with an error."""
        entries = self._make()
        errors: list[RuntimeError] = []
        walked = threading.Event()

        def add() -> None:
            for _ in range(_RACE_ADDITIONS):
                entries.add("served", Pausing(1))

        def put_and_remove(thread: int) -> None:
            while not walked.is_set():
                entries[-thread] = Pausing(0)
                Pausing(0) + 0
                entries.pop(-thread)

        def walk() -> None:
            for _ in range(_RACE_WALKS):
                try:
                    entries.total()
                except RuntimeError as error:  # dictionary changed size during iteration
                    errors.append(error.with_traceback(None))
            walked.set()

        self._team.run([add] * THREADS)
        lost = THREADS * _RACE_ADDITIONS - entries.get("served", 0)
        for key in range(_RACE_WALKED):
            entries[key] = Pausing(0)
        self._team.run([walk, *(partial(put_and_remove, thread) for thread in range(1, THREADS))])
        return lost, len(errors)

    def _throughput(self, traffic: str, threads: int) -> float:
        entries, percent = self._filled(), WRITES_PERCENT[traffic]
        done = [0] * threads
        began = perf_counter()
        until = began + self._cell_seconds

        def work(thread: int) -> None:
            new = (thread + 1) << 32 if traffic == "growing_keys" else None
            while True:
                _operate(entries, done[thread], percent, new)
                done[thread] += _CHUNK
                if perf_counter() >= until:
                    return

        self._team.run([partial(work, thread) for thread in range(threads)])
        return sum(done) / (perf_counter() - began)

    def _latency(self) -> "dict[str, int]":
        entries = self._filled()
        times: list[list[int]] = [[] for _ in range(THREADS)]
        until = perf_counter() + 2 * self._cell_seconds

        def work(thread: int) -> None:
            number = 0
            while True:
                _operate(entries, number, WRITES_PERCENT["balanced"], None)
                number += _CHUNK
                began_ns = perf_counter_ns()
                entries[number % _KEYS] = number
                times[thread].append(perf_counter_ns() - began_ns)
                if perf_counter() >= until:
                    return

        self._team.run([partial(work, thread) for thread in range(THREADS)])
        ranked = sorted(took_ns for each in times for took_ns in each)
        return {f"balanced_put_p{p}_ns": ranked[len(ranked) * p // 100] for p in (50, 99)}

    def _filled(self) -> "Any":
        entries = self._make()
        for key in range(_KEYS):
            entries[key] = key
        return entries

    def close(self) -> None:
        self._team.close()


def _operate(entries: "Any", first: int, writes_percent: int, new: "int | None") -> None:
    """Some reads and writes, in the share that is wanted; writes to keys from `new` on, or to known ones."""
    for number in range(first, first + _CHUNK):
        if number * 37 % 100 >= writes_percent:
            entries.get(number % _KEYS)
        elif new is None:
            entries[number % _KEYS] = number
        else:
            entries[new + number] = number
            entries.pop(new + number - _KEYS, None)


SCENARIO = Scenario(
    "shared-map",
    SharedMap,
    title="One map for several threads",
    section="4.2",
    steps={"quick": 512, "full": 4_096},
    warmup=2 * WINDOW_STEPS,
    params={
        "most_threads": Parameter(8, 1, 64, "threads, at most, with which throughput is measured"),
        "cell_ms": Parameter(10, 1, 10_000, "time for each throughput, ten times as long on a full run"),
    },
)


def _rw_lock_of_library() -> LockedMap:
    from readerwriterlock.rwlock import RWLockFair

    lock = RWLockFair()
    return LockedMap(_Fresh(lock.gen_rlock), _Fresh(lock.gen_wlock))


class _Fresh:
    """A context manager that makes a new one at each entry, as readerwriterlock wants it, by thread."""

    __slots__ = ("_entered", "_make")

    def __init__(self, make: "Callable[[], AbstractContextManager[Any]]") -> None:
        self._make = make
        self._entered = threading.local()

    def __enter__(self) -> None:
        self._entered.lock = self._make()
        self._entered.lock.__enter__()

    def __exit__(self, *error: object) -> None:
        self._entered.lock.__exit__(*error)


def _rw_lock() -> LockedMap:
    lock = ReadWriteLock()
    return LockedMap(lock.reading, lock.writing)


for _name, _make, _summary, _cost in (
    ("none", PlainMap, "a dict as it is", "additions are lost, and to walk it raises RuntimeError"),
    ("lock", lambda: LockedMap(threading.Lock()), "a Lock around each operation", "all wait for one"),
    ("rlock", lambda: LockedMap(threading.RLock()), "an RLock around each operation", "all wait for one"),
    ("rw-lock", _rw_lock, "ReadWriteLock: readers together, writers alone", "three locks a read"),
    ("shards", ShardedMap, "16 shards with a lock each", "no picture of one instant"),
    (
        "copy-on-write",
        CopyOnWriteMap,
        "each write copies the dict",
        "a write costs a copy of the whole map",
    ),
):
    SCENARIO.mitigation(_name, verdict="bounded", deterministic=False, summary=_summary, cost=_cost)(_make)

SCENARIO.mitigation(
    "rw-lock-library",
    verdict="bounded",
    deterministic=False,
    requires=("readerwriterlock",),
    summary="readerwriterlock's RWLockFair: readers together, writers alone",
    cost="an object and several locks an operation",
)(_rw_lock_of_library)
SCENARIO.mitigation(
    "persistent-map",
    verdict="bounded",
    deterministic=False,
    requires=("immutables",),
    summary="immutables.Map, a hash trie: each write is a new version that shares most of the old",
    cost="several times a dict's time to read",
)(persistent_map)
SCENARIO.mitigation(
    "lock-per-key",
    verdict="leak",
    deterministic=False,
    holder="shared_map.KEY_LOCKS",
    summary="a lock for each key, made when it is first wanted",
    cost="no key's lock is ever taken away",
)(KeyLockedMap)
