"""The ledger probe's inside: climbs the ladder and reads the counters at each quiescent rung.

Runs under PYTHONMALLOC=malloc with glibc's thread cache off, so that live heap is exact to the byte.
"""

import _thread
import gc
import os
import sys
import time
from itertools import islice

from leakbench.child.departing import Departing, fill_stack_cache
from leakbench.child.gauges import (
    Heap,
    Memory,
    child_count,
    descriptor_count,
    difference,
    thread_count,
    trim,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Sequence
    from typing import Any

    from leakbench.child.channel import Channel

_COLLECTIONS = 3
STRETCH_STEPS = 64  # between two looks at the clock: a step may grow slow from one to the next
_THREADS_CAP = 256
_PROCESSES_CAP = 128
_MOST_READINGS, _BETWEEN_READINGS_SECONDS = 4, 0.0005
# CPython's cache of looked-up attributes holds 4,096 names, and finds a name by its address. C code that asks
# by a C string (PyObject_GetAttrString) makes a new name each time, and fills the cache with them: by chance,
# ever more slowly, up to 256 KiB. The first of the two is there from 3.13 on, which deprecates the second.
_drop_names = getattr(sys, "_clear_internal_caches", None) or getattr(sys, "_clear_type_cache", None)


class Ladder:
    """Climbs to given numbers of steps and reports a rung at each.

    `first` is the index of the first step to be done. Rungs count the steps since the baseline. With
    `cache_sizes`, what it returns is reported at each rung too: the same array each time. Slow steps want a
    stretch of one: then the clock is looked at after each.
    """

    def __init__(
        self,
        channel: "Channel",
        step: "Callable[[int], object]",
        first: int,
        cache_sizes: "Callable[[], array[int]] | None" = None,
        outside_bytes: "Callable[[], int] | None" = None,
        *,
        stretch_steps: int = STRETCH_STEPS,
    ) -> None:
        self._channel = channel
        self._step = step
        self._first = first
        self._cache_sizes = cache_sizes
        self._outside_bytes = outside_bytes
        self._stretch_steps = stretch_steps
        self._memory = Memory()
        self._heap = Heap(self._memory)
        self._began = time.perf_counter()
        self._fds_cap = _descriptor_limit() // 2
        self._departing = Departing()
        self.done = 0
        self._aside_bytes = 0
        self._report()  # the first report warms free lists and the encoder up; the second is the baseline
        self._base = self._report()

    @property
    def heap_kind(self) -> "str | None":
        kind: str | None = self._heap.kind
        return kind

    def climb(self, rungs: "Sequence[int]", growth_cap_bytes: int, stop_at_seconds: float) -> str:
        """Climb the rungs in turn; returns why it stopped: "top", "growth cap", "time", or what runs out."""
        for rung in rungs:
            self._run_to(rung, stop_at_seconds)
            now = self._report()
            spent = self._spent(now, growth_cap_bytes)
            late = now["seconds"] > stop_at_seconds
            del now  # or it would be live at the next reading, and at all but the first
            if spent or late:
                return spent or "time"
        return "top"

    def run_on(self, steps: int, seconds: float) -> None:
        """Do so many steps more, or as many as there is time for, without a rung."""
        self._run_to(self.done + steps, time.perf_counter() - self._began + seconds)

    def interrupt(self, look: "Callable[[Callable[[int], object], int], tuple[bool, int]]") -> bool:
        """Let something look on while a few steps run: it gives its answer, and how many ran.

        What it leaves in the heap, as the modules it imports, counts with no reading to come. The heap has
        been read just before. None comes where the answer is no.
        """
        before = self._heap.live_bytes()
        answer, steps = look(self._step, self._first + self.done)
        self.done += steps
        if answer:
            collect()
            self._aside_bytes += self._heap.live_bytes() - before
        return answer

    def _run_to(self, rung: int, stop_at_seconds: float) -> None:
        """Do the steps up to a rung, or as many as there is time for: a step may grow slow."""
        step, clock, stretch = self._step, time.perf_counter, self._stretch_steps
        stop_at = self._began + stop_at_seconds
        start = self._first + self.done
        last = self._first + rung - 1
        numbers = iter(range(start, last + 1))
        i = start - 1
        try:
            while i < last:
                for i in islice(numbers, stretch):  # cheap to come back to: many a step takes no longer
                    step(i)
                if clock() > stop_at:
                    break
        except BaseException:
            self._channel.emit("fell", step=i)
            raise
        # A rung that is reached is the order's own number: a new one would be live at the next reading.
        self.done = rung if i == last else i + 1 - self._first

    def _spent(self, now: "dict[str, Any]", growth_cap_bytes: int) -> "str | None":
        """What the next octave would run out of, or None."""
        base = self._base
        if now["heap_bytes"] - base["heap_bytes"] > growth_cap_bytes:
            return "growth cap"
        if (difference(now["anonymous_bytes"], base["anonymous_bytes"]) or 0) > growth_cap_bytes:
            return "growth cap"
        if now["fds"] > self._fds_cap:
            return "file descriptors"
        if now["threads"] - base["threads"] > _THREADS_CAP:
            return "threads"
        if now["processes"] - base["processes"] > _PROCESSES_CAP:
            return "child processes"
        return None

    def live_bytes(self) -> int:
        return self._heap.live_bytes()

    def readings(self) -> "dict[str, Any]":
        """All counters now; collects before it reads, and lets threads that were joined come to their end."""
        collect()
        self._departing.wait()
        live, taken = self._at_rest()
        live -= self._aside_bytes
        anonymous = self._memory.anonymous_bytes()
        if anonymous is not None and self._outside_bytes is not None:
            # What the workload holds in a process of its own (a server) counts as memory outside this heap.
            anonymous += self._outside_bytes()
        return {
            "steps": self.done,
            "heap_bytes": live,
            "taken_bytes": taken,
            "anonymous_bytes": anonymous,
            "rss_bytes": self._memory.resident_bytes(),
            "threads": thread_count(),
            "fds": descriptor_count(),
            "processes": child_count(),
            "seconds": time.perf_counter() - self._began,
        }

    def _at_rest(self) -> "tuple[int, int]":
        """The heap's counters; where other threads run, once two readings agree, or a few were taken.

        A worker that has given its result lets go of what it was given a moment later.
        """
        read = self._heap.read()
        for _ in range(_MOST_READINGS if _thread._count() else 0):  # noqa: SLF001  # as in `gauges`
            time.sleep(_BETWEEN_READINGS_SECONDS)  # lets the other threads run; none says that it has let go
            before, read = read, self._heap.read()
            if read == before:
                break
        return read

    def _report(self) -> "dict[str, Any]":
        sizes = self._cache_sizes() if self._cache_sizes is not None else None
        readings = self.readings()
        if sizes is None:
            self._channel.emit("rung", **readings)
        else:
            self._channel.emit("rung", cache_entries=list(sizes), **readings)
        return readings


def _descriptor_limit() -> int:
    """How many may be open; asked without `resource`, a name that services have for files of their own."""
    limit = os.sysconf("SC_OPEN_MAX")
    return limit if limit > 0 else 1 << 30


def collect() -> None:
    """Collect until nothing is found: a finalizer may have let go of the next cycle.

    A program that has switched the collector off is not helped: its cycles do stay.
    """
    if _drop_names is not None:
        _drop_names()
    if not gc.isenabled():
        return
    for _ in range(_COLLECTIONS):
        if not gc.collect():
            return


def run(job: "dict[str, Any]", channel: "Channel") -> None:
    """Climb a fixed ladder: the same rungs, whatever the clock says, so that figures repeat to the bit.

    With ``job["more"]`` further octaves are climbed for as long as the parent says go.
    """
    from leakbench.child import work  # a check has no scenario

    scenario, mitigation = work.load(job)
    channel.emit("ready")
    workload = work.start(job, scenario, mitigation)
    outside_bytes = getattr(workload, "outside_bytes", None)
    if not mitigation.deterministic:  # stacks leave their trace in the heap, of which no two are equal
        fill_stack_cache()
    ladder = Ladder(channel, workload.step, job["warmup"], outside_bytes=outside_bytes)
    for rungs in job["octaves"]:
        reached = ladder.climb(rungs, job["growth_cap_bytes"], float("inf"))
        channel.emit(
            "top", reason=reached, heap_kind=ladder.heap_kind, allocator=os.environ.get("PYTHONMALLOC")
        )
        if reached != "top" or not job["more"] or channel.word() != b"go":
            break
    trim()
    channel.emit("settled", **ladder.readings())
