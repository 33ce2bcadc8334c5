"""The rss probe's inside: peak by the kernel's mark, speed, collector pauses, and what is left behind."""

import gc
import time

from leakbench.child import work
from leakbench.child.gauges import Memory, child_count, descriptor_count, difference, thread_count, trim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from leakbench.child.channel import Channel

_JOIN_SECONDS = 1.0
_PAUSES_KEPT = 32


class Pauses:
    """Collector pauses, in nanoseconds: their sum, and the longest with the time at which each began.

    Both lists have their length from the beginning, and most collections are shorter than the shortest kept:
    what they cost is two readings of the clock, an addition and a comparison.
    """

    __slots__ = ("_began", "_least", "_lengths", "_starts", "total_ns")

    def __init__(self) -> None:
        self._began = 0
        self._least = 0  # where in the lists the shortest of the longest stands
        self._lengths = [0] * _PAUSES_KEPT
        self._starts = [0] * _PAUSES_KEPT
        self.total_ns = 0

    def __call__(self, phase: str, _info: "dict[str, int]") -> None:
        if phase == "start":
            self._began = time.perf_counter_ns()
            return
        pause = time.perf_counter_ns() - self._began
        self.total_ns += pause
        lengths = self._lengths
        if pause > lengths[self._least]:
            lengths[self._least] = pause
            self._starts[self._least] = self._began
            self._least = lengths.index(min(lengths))

    @property
    def longest_ns(self) -> int:
        return max(self._lengths)

    def since(self, began_ns: int) -> "list[tuple[int, int]]":
        """The longest pauses in the order of time: when each began after `began_ns`, and how long it was."""
        kept = sorted(zip(self._starts, self._lengths))
        return [(start - began_ns, length) for start, length in kept if length > 0]


def run(job: "dict[str, Any]", channel: "Channel") -> None:
    """Measure one case without any instrument but the kernel's own counters."""
    memory = Memory()
    bare = memory.resident_bytes()
    threads, descriptors, children = thread_count(), descriptor_count(), child_count()
    scenario, mitigation = work.load(job)
    imports = difference(memory.resident_bytes(), bare)
    channel.emit("ready", resident_bytes=bare)
    workload = work.start(job, scenario, mitigation)
    step = workload.step
    warmup = job["warmup"]
    stop = warmup + job["scale"]
    gc.collect()
    reset = memory.reset_peak()
    baseline = memory.resident_bytes()
    pauses = Pauses()
    gc.callbacks.append(pauses)
    began = time.perf_counter_ns()
    work.do_steps(job, step, warmup, stop)
    wall_ns = time.perf_counter_ns() - began
    gc.callbacks.remove(pauses)
    peak = memory.peak_bytes()
    counts = work.census(workload)
    settled = settle(memory)
    channel.emit(
        "rss",
        peak_rss_bytes=peak,
        peak_since="baseline" if reset else "exec",
        baseline_rss_bytes=baseline,
        imports_rss_bytes=imports,
        settled_rss_bytes=settled,
        ops=job["scale"],
        wall_ns=wall_ns,
        gc_pause_ns=pauses.total_ns,
        gc_pause_max_ns=pauses.longest_ns,
        gc_longest_pauses_ns=pauses.since(began),
        counts=counts,
    )
    del workload, step
    join_what_ends()
    channel.emit(
        "left",
        threads_left=thread_count() - threads,
        fds_left=descriptor_count() - descriptors,
        processes_left=child_count() - children,
    )


def settle(memory: Memory) -> "int | None":
    """Resident bytes once everything collectable is collected and free pages are given back.

    `ctypes` is needed to trim and comes in only now; the pages it brings are taken off again.
    """
    gc.collect()
    before = memory.resident_bytes()
    import ctypes  # noqa: F401

    brought = difference(memory.resident_bytes(), before)
    trim()
    return difference(memory.resident_bytes(), brought)


def join_what_ends() -> None:
    """Collect what was dropped and give threads that are on their way out the time to go."""
    import sys

    gc.collect()
    threading = sys.modules.get("threading")
    if threading is None:
        return
    deadline = time.monotonic() + _JOIN_SECONDS
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
    from leakbench.child.departing import Departing

    Departing().wait()  # a thread is joined before the kernel has it gone
