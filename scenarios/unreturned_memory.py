"""The heap is free again and the process is as large as before (article, sections 2.1 and 3.2).

Mechanism: a burst fills many megabytes, and nearly all is freed again. What the allocator took from the
system it gives back only from the end, or by whole regions: a few small blocks that live on between the
others (survivors) hold the end up, and everything below it. And a large block that came and went teaches
glibc to keep twice as much free at the end. No reference is left over, no walk over the objects finds
anything, the live heap is what it was: what monitoring shows looks like a leak and is none.

Who retains: the allocator, for the survivors' sake or for its own.

Seen in the wild: rippled#6022 (allocator retention, not references).

From step `burst_at` on 32 MiB of blocks are there, at `freed_at` they go, but for one in `survives_every`.
Every other step makes and drops a few objects. `grown_rss_bytes` is what the burst added to resident
memory, `kept_rss_bytes` what was left of it when the run ended, before anybody else trims.
"""

import os
from time import perf_counter_ns

from leakbench.child.gauges import Memory, difference, trim
from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

BLOCK_BYTES = 1_000
BLOCKS = 32_768
_LARGE_BYTES = 24 << 20  # glibc raises its thresholds after a mapped block of up to 32 MiB
_TRIM_EVERY_STEPS = 256
_JEMALLOC = f"/usr/lib/{os.uname().machine}-linux-gnu/libjemalloc.so.2"  # where Debian puts it


class Burst:
    """A mitigation: the blocks of a burst, and what is done when they go.

    fill     makes the blocks; is given one in how many survives
    free     is given the blocks and the same number; returns the survivors
    on_step  called with the number of each step, or None
    """

    __slots__ = ("fill", "free", "on_step")

    def __init__(
        self,
        *,
        fill: "Callable[[int], list[bytes]] | None" = None,
        free: "Callable[[list[bytes], int], Any] | None" = None,
        on_step: "Callable[[int], None] | None" = None,
    ) -> None:
        self.fill = fill or _fill
        self.free = free or _leave_survivors
        self.on_step = on_step


def _fill(_survives_every: int) -> "list[bytes]":
    return [number.to_bytes(BLOCK_BYTES, "big") for number in range(BLOCKS)]


def _leave_survivors(blocks: "list[bytes]", survives_every: int) -> "list[bytes]":
    survivors = blocks[::survives_every]
    blocks.clear()
    return survivors


class UnreturnedMemory:
    """The workload: small steady traffic, and one burst."""

    def __init__(self, make: "Callable[[], Burst]", run: Run) -> None:
        self._burst = make()
        self._burst_at = run.params["burst_at"]
        self._freed_at = run.params["freed_at"]
        self._survives_every = run.params["survives_every"]
        self._memory = Memory()
        self._blocks: list[bytes] = []
        self._survivors: Any = ()
        self._before_bytes: int | None = None
        self._grown_bytes: int | None = None
        self._free_ns = self._step_ns = self._step_max_ns = 0

    def step(self, i: int) -> None:
        if i == self._burst_at:
            self._before_bytes = self._memory.resident_bytes()
            self._blocks = self._burst.fill(self._survives_every)
            self._grown_bytes = difference(self._memory.resident_bytes(), self._before_bytes)
        elif i == self._freed_at:
            began_ns = perf_counter_ns()
            self._survivors = self._burst.free(self._blocks, self._survives_every)
            self._blocks = []
            self._free_ns = perf_counter_ns() - began_ns
        [bytes(size) for size in (40, 600, 4_000)]
        if self._burst.on_step is not None:
            began_ns = perf_counter_ns()
            self._burst.on_step(i)
            took_ns = perf_counter_ns() - began_ns
            self._step_ns += took_ns
            self._step_max_ns = max(self._step_max_ns, took_ns)

    def counts(self) -> "dict[str, int | float]":
        """Survivors, of which lost are those that are not what they were; bytes; what giving back took."""
        resident = {
            "grown_rss_bytes": self._grown_bytes,
            "kept_rss_bytes": difference(self._memory.resident_bytes(), self._before_bytes),
        }
        wanted = range(0, BLOCKS, self._survives_every)
        found = {int.from_bytes(each, "big") for each in self._survivors}
        return {
            "live_entries": len(wanted),
            "retained_entries": len(self._survivors),
            "lost_entries": len(set(wanted) - found),
            **{name: value for name, value in resident.items() if value is not None},
            "free_ns": self._free_ns,
            "trim_ns": self._step_ns,
            "trim_max_ns": self._step_max_ns,
        }


SCENARIO = Scenario(
    "unreturned-memory",
    UnreturnedMemory,
    title="The heap is free again and the process is as large as before",
    section="2.1",
    steps={"quick": 16_384, "full": 131_072},
    warmup=256,
    params={
        "burst_at": Parameter(512, 1, 1 << 30, "the step at which the burst comes, warm-up included"),
        "freed_at": Parameter(1_536, 2, 1 << 30, "the step at which it goes"),
        "survives_every": Parameter(256, 1, BLOCKS, "one block in so many survives"),
    },
)


@SCENARIO.mitigation(
    "none",
    verdict="unreturned",
    summary="one block in 256 survives and holds all free memory below it",
    cost="the process stays at its high-water mark",
)
def none() -> Burst:
    return Burst()


@SCENARIO.mitigation(
    "malloc-trim",
    verdict="bounded",
    summary=f"malloc_trim(0) every {_TRIM_EVERY_STEPS} steps gives whole free pages back, wherever they lie",
    cost="a walk over all free memory under the allocator's lock; its pages are faulted in anew",
)
def malloc_trim() -> Burst:
    def on_step(i: int) -> None:
        if i % _TRIM_EVERY_STEPS == 0:
            trim()

    return Burst(on_step=on_step)


@SCENARIO.mitigation(
    "arena-max",
    verdict="unreturned",
    environ={"MALLOC_ARENA_MAX": "1"},
    summary="MALLOC_ARENA_MAX=1: one arena for all threads, as fragmented as before",
    cost="threads wait for each other; helps only where many arenas are the trouble",
)
def arena_max() -> Burst:
    return Burst()


@SCENARIO.mitigation(
    "trim-threshold",
    verdict="unreturned",
    environ={"MALLOC_TRIM_THRESHOLD_": "131072"},
    summary="MALLOC_TRIM_THRESHOLD_: gives the free end back sooner; here the survivors hold the end",
    cost="more calls to the system",
)
def trim_threshold() -> Burst:
    return Burst()


def _fill_after_a_large_block(survives_every: int) -> "list[bytes]":
    large = bytearray(_LARGE_BYTES)
    del large
    return _fill(survives_every)


def _free_but_for_copies(blocks: "list[bytes]", survives_every: int) -> "list[bytes]":
    """Leave no survivor behind: copies are made once the blocks are gone, in memory that is free anyway."""
    packed = bytearray().join(blocks[::survives_every])
    blocks.clear()
    return [bytes(packed[at : at + BLOCK_BYTES]) for at in range(0, len(packed), BLOCK_BYTES)]


@SCENARIO.mitigation(
    "high-water",
    verdict="unreturned",
    summary="nothing is in the way, but a block of 24 MiB came and went: glibc keeps 48 MiB free at the end",
    cost="the process stays at its high-water mark",
)
def high_water() -> Burst:
    return Burst(fill=_fill_after_a_large_block, free=_free_but_for_copies)


@SCENARIO.mitigation(
    "high-water-trim-threshold",
    verdict="bounded",
    environ={"MALLOC_TRIM_THRESHOLD_": "131072"},
    summary="the same with MALLOC_TRIM_THRESHOLD_: set by hand, it is not raised any more",
    cost="more calls to the system",
)
def high_water_trim_threshold() -> Burst:
    return Burst(fill=_fill_after_a_large_block, free=_free_but_for_copies)


@SCENARIO.mitigation(
    "copied-out",
    verdict="bounded",
    summary="survivors are copied into one buffer, and back when the rest is gone",
    cost="only the owner of the survivors can do it: nobody else may refer to the originals",
)
def copied_out() -> Burst:
    return Burst(free=_free_but_for_copies)


def _fill_in_a_worker(survives_every: int) -> "list[bytes]":
    """Let a child process have the burst, and take the survivors from it."""
    reading, writing = os.pipe()
    worker = os.fork()
    if not worker:
        blocks = _fill(survives_every)
        with os.fdopen(writing, "wb") as answer:
            answer.writelines(blocks[::survives_every])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        survivors = list(iter(lambda: answer.read(BLOCK_BYTES), b""))
    os.waitpid(worker, 0)
    return survivors


@SCENARIO.mitigation(
    "recycled-worker",
    verdict="bounded",
    summary="the burst is a child process's, which ends with it; the survivors come through a pipe",
    cost="a process, and what it needs and answers is copied; the parent must not run threads when it forks",
)
def recycled_worker() -> Burst:
    return Burst(fill=_fill_in_a_worker, free=lambda survivors, _survives_every: survivors)


@SCENARIO.mitigation(
    "jemalloc",
    verdict="bounded",
    environ={"LD_PRELOAD": _JEMALLOC, "MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0"},
    requires_files={_JEMALLOC: "apt-get install libjemalloc2"},
    summary="jemalloc, preloaded, told to give free pages back at once (by itself it waits 10 s)",
    cost="another allocator for everything; without the waiting, more page faults",
)
def jemalloc() -> Burst:
    return Burst()


@SCENARIO.mitigation(
    "ideal",
    verdict="bounded",
    summary="survivors are made before the burst, so that nothing lives between its blocks: the bound",
    cost="somebody must know beforehand what will survive",
)
def ideal() -> Burst:
    kept: list[bytes] = []

    def fill(survives_every: int) -> "list[bytes]":
        kept.extend(number.to_bytes(BLOCK_BYTES, "big") for number in range(0, BLOCKS, survives_every))
        return [number.to_bytes(BLOCK_BYTES, "big") for number in range(BLOCKS) if number % survives_every]

    def free(blocks: "list[bytes]", _survives_every: int) -> "list[bytes]":
        blocks.clear()
        return kept

    return Burst(fill=fill, free=free)
