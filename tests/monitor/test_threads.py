"""Counts are exact however many threads write, and readings taken meanwhile never run backwards."""

import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import cachebox
import cachetools
import pytest
from leakbench.monitor import MonitoredMap

THREADS = 8
ROUNDS = 4_000


@pytest.fixture(autouse=True)
def _threads_switch_often() -> Iterator[None]:
    """2 µs instead of 5 ms: what can come between two bytecodes does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(2e-6)
    yield
    sys.setswitchinterval(usual)


def _in_threads(work: Callable[[int], None]) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(THREADS)

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - told in the main thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


MAPS: dict[str, Callable[[], Any]] = {
    "dict": dict,
    "OrderedDict": OrderedDict,
    "cachetools": lambda: cachetools.LRUCache(10**6),
    "cachebox": lambda: cachebox.LRUCache(10**6),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAPS)
def test_counts_are_exact_under_eight_threads(kind: str) -> None:
    watched: Any = MonitoredMap(MAPS[kind]())

    def hammer(number: int) -> None:
        for i in range(ROUNDS):
            watched[number, i] = i  # new: no other thread has this key
            watched["shared"] = i  # new once, for one of the threads
            watched[number, i]
            watched.get("absent")
            watched.setdefault((number, i), 0)
            if i % 2:
                del watched[number, i]
            if i % 4 == 1:
                assert watched.pop((number, i), None) is None

    _in_threads(hammer)
    reading = watched.reading()
    writes = THREADS * ROUNDS
    assert reading.insertions == writes + 1
    assert reading.overwrites == writes - 1  # all of "shared" but the first
    assert reading.deletions == writes // 2
    assert reading.entries == writes // 2 + 1
    assert reading.hits == 2 * writes  # [] and setdefault
    assert reading.misses == writes


@pytest.mark.parametrize("kind", ["dict", "cachebox"])
def test_clear_beside_writers_loses_no_entry(kind: str) -> None:
    watched: Any = MonitoredMap(MAPS[kind]())

    def hammer(number: int) -> None:
        for i in range(ROUNDS):
            watched[number, i] = i
            if number == 0 and i % 16 == 0:
                watched.clear()

    _in_threads(hammer)
    reading = watched.reading()
    assert reading.insertions == THREADS * ROUNDS
    assert reading.overwrites == 0
    assert reading.insertions - reading.deletions == reading.entries


@pytest.mark.parametrize("kind", MAPS)
def test_of_eight_threads_that_set_a_default_one_inserts(kind: str) -> None:
    """The others find it there, even those that had just been told that it was not."""
    watched: Any = MonitoredMap(MAPS[kind]())

    def hammer(_number: int) -> None:
        for i in range(ROUNDS):
            watched.setdefault(i, object())

    _in_threads(hammer)
    reading = watched.reading()
    assert (reading.insertions, reading.overwrites) == (ROUNDS, 0)
    assert reading.hits + reading.misses == THREADS * ROUNDS


def test_readings_beside_writers_never_fall_and_never_tell_too_much() -> None:
    watched: MonitoredMap[Any, int] = MonitoredMap()
    readings = []

    def hammer(number: int) -> None:
        for i in range(ROUNDS):
            if number == 0:
                readings.append(watched.reading())
            else:
                watched[number] = i
                watched[number, i] = i
                del watched[number, i]

    _in_threads(hammer)
    final = watched.reading()
    writers = THREADS - 1
    assert (final.insertions, final.overwrites) == (writers * (ROUNDS + 1), writers * (ROUNDS - 1))
    for field in ("insertions", "overwrites", "deletions", "peak_entries"):
        series = [getattr(reading, field) for reading in [*readings, final]]
        assert series == sorted(series), f"{field} fell"


def test_a_table_that_shrinks_at_any_moment_of_a_look_does_not_crash() -> None:
    """A backward iterator over it would (python/cpython#154709): see observing._newest_key.

    The program shrinks the table before each bytecode of the look in turn, with a new map each time. At
    87,381 entries a table of 2**17 slots is full: the next write moves the five that are left to a small one.
    """
    program = """
import sys
from leakbench.monitor import MonitoredMap, observing
LOOK = {observing.Observer._end_pairs.__code__, observing._newest_key.__code__}
FULL = dict.fromkeys(range(87_381))
def shrinks_before(moment):
    inner = FULL.copy()
    for key in range(len(FULL) - 5):
        del inner[key]
    left = moment
    def trace(frame, event, argument):
        nonlocal left
        if frame.f_code not in LOOK:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left == -1:
                inner[0] = None
                del inner[0]
        return trace
    watched = MonitoredMap(inner)
    sys.settrace(trace)
    failures = watched.reading().sample_failures
    sys.settrace(None)
    assert sys.getsizeof(inner) < 1_000 or left >= 0
    return left < 0, failures
moment = 0
while True:
    shrank, failures = shrinks_before(moment)
    assert failures == 0
    if not shrank:
        break
    moment += 1
print("looked at" if moment > 20 else "too few moments", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "looked at\n", "")
