"""Samples of one ladder -> verdict. Pure: no clock, no process, no file; equal samples, equal verdict.

What one series of readings says is decided in `trend`; here the series of a run are put together. Of the two
verdicts that need more than that, `filling` (a cache with a declared bound explains the growth) is a function
here; the other (the live heap is back, the resident memory is not) is in `unreturned`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from leakbench.ladder import rungs
from leakbench.trend import Kind, Trend, judge_series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "BoundedCache",
    "Filling",
    "Growth",
    "Resource",
    "Sample",
    "Trend",
    "filling",
    "judge",
    "judge_series",
    "rungs",
]

EXPLAINED_SHARE = 0.95  # of the growth, by caches that have not reached their bound, for `filling`


class Sample(NamedTuple):
    """One quiescent point of the ladder: collected, nothing running."""

    steps: int  # done since the baseline; 0 is the baseline itself
    heap_bytes: int  # live; exact under PYTHONMALLOC=malloc
    outside_bytes: int  # resident anonymous memory that the heap's counters do not see; in pages, so noisy
    threads: int
    fds: int
    processes: int
    heap_is_counted: bool = True  # False: libc counts nothing, and resident memory stands in for live heap


class Resource(StrEnum):
    """What can leak."""

    HEAP = "heap"
    OUTSIDE = "outside heap"
    THREADS = "threads"
    DESCRIPTORS = "file descriptors"
    PROCESSES = "child processes"


class _Scale(NamedTuple):
    field: str  # of Sample
    floor: int  # deltas up to it are noise by nature
    quantum: int  # the smallest growth there is
    warm_up: int  # growth that ended and came to no more than this is no growth


_SCALES = {
    # glibc's smallest chunk is 32 bytes; first calls of anything leave a few hundred bytes, a page at most.
    Resource.HEAP: _Scale("heap_bytes", floor=0, quantum=32, warm_up=4096),
    # The kernel maps and the allocator trims by pages and in batches of 1 MiB, two threads two of them.
    Resource.OUTSIDE: _Scale("outside_bytes", floor=2 << 20, quantum=4096, warm_up=2 << 20),
    # Two helpers more or less at the moment of reading are normal: a thread that ends, a pipe that closes.
    Resource.THREADS: _Scale("threads", floor=2, quantum=1, warm_up=2),
    Resource.DESCRIPTORS: _Scale("fds", floor=2, quantum=1, warm_up=2),
    Resource.PROCESSES: _Scale("processes", floor=2, quantum=1, warm_up=2),
}
MEMORY = (Resource.HEAP, Resource.OUTSIDE)


class Growth(NamedTuple):
    """The judgement of a run. Byte figures that name neither are of the heap and what is outside together."""

    verdict: Kind
    leaking: tuple[Resource, ...]
    """Every resource that leaks, memory first; empty unless `leak`."""
    leak_bytes_per_step: float
    """Sum over the leaking kinds of memory; exactly 0.0 where none leaks, also where only threads,
    descriptors or processes do (their rate is in their trend)."""
    interval_bytes_per_step: tuple[float, float]
    smallest_detectable_bytes_per_step: float
    """Of the heap's alone, and below of the memory outside it, which is seen less sharply: see `Trend`."""
    smallest_detectable_outside_bytes_per_step: float
    noise_bytes: float
    retained_heap_bytes: int
    retained_outside_bytes: int
    steps: int
    """Steps at the last sample."""
    began_at_step: int | None
    """The rung from which the first leaking resource never stopped growing."""
    evidence: str
    wanted_steps: int | None
    """How long a ladder may decide; None unless `inconclusive`."""
    trends: Mapping[Resource, Trend]


class BoundedCache(NamedTuple):
    """A cache of an allow-listed type whose bound counts entries, followed over the ladder."""

    name: str
    entries: tuple[int, ...]  # at each sample
    bound: int  # entries it may hold at most
    bytes_per_entry: float  # marginal, measured apart from the ladder, e.g. by what clearing it gives back
    bytes_per_entry_error: float = 0.0  # how far that may be off


class Filling(NamedTuple):
    """Growth explained by caches that have not reached their bound."""

    ceiling_bytes: float  # what the caches will hold at their bounds
    full_at_step: int  # where the last of them reaches its bound at the present rate
    explained_share: float  # of the growth over the last three octaves


def judge(samples: Sequence[Sample], *, heap_floor_bytes: int = 0) -> Growth:
    """Judge every series of a run. `leak` where one leaks, `inconclusive` where none does but one may.

    heap_floor_bytes: heap deltas up to it are noise; 0 where the heap's count is exact. A heap that is not
    counted is judged as coarsely as the memory outside of one: it is read in pages.

    Raises ValueError for no samples, and where the steps do not strictly increase.
    """
    steps = [sample.steps for sample in samples]
    counted = all(sample.heap_is_counted for sample in samples)
    heap = _SCALES[Resource.HEAP]._replace(floor=heap_floor_bytes)
    in_pages = _SCALES[Resource.OUTSIDE]._replace(field=heap.field)
    scales = {**_SCALES, Resource.HEAP: heap if counted else in_pages}
    trends = {
        resource: judge_series(
            steps,
            [getattr(sample, scale.field) for sample in samples],
            floor=scale.floor,
            quantum=scale.quantum,
            warm_up=scale.warm_up,
        )
        for resource, scale in scales.items()
    }
    return _combine(trends, steps[-1])


def _combine(trends: Mapping[Resource, Trend], steps: int) -> Growth:
    order: tuple[Kind, ...] = ("leak", "inconclusive", "bounded", "steady")
    verdict = next(kind for kind in order if any(trend.kind == kind for trend in trends.values()))
    deciding = [resource for resource, trend in trends.items() if trend.kind == verdict]
    leaking = tuple(deciding) if verdict == "leak" else ()
    # Where no memory leaks the heap alone speaks: its readings are exact, those outside it come in pages.
    memory = [resource for resource in MEMORY if resource in leaking] or [Resource.HEAP]
    wanted = [trends[resource].wanted_steps or 0 for resource in deciding]
    return Growth(
        verdict=verdict,
        leaking=leaking,
        leak_bytes_per_step=sum(trends[resource].per_step for resource in memory),
        interval_bytes_per_step=(
            sum(trends[resource].interval[0] for resource in memory),
            sum(trends[resource].interval[1] for resource in memory),
        ),
        smallest_detectable_bytes_per_step=trends[Resource.HEAP].smallest_detectable_per_step,
        smallest_detectable_outside_bytes_per_step=trends[Resource.OUTSIDE].smallest_detectable_per_step,
        noise_bytes=sum(trends[resource].noise for resource in memory),
        retained_heap_bytes=trends[Resource.HEAP].retained,
        retained_outside_bytes=trends[Resource.OUTSIDE].retained,
        steps=steps,
        began_at_step=trends[leaking[0]].began_at_step if leaking else None,
        evidence="; ".join(f"{resource}: {trends[resource].evidence}" for resource in deciding[:2]),
        wanted_steps=max(wanted) if verdict == "inconclusive" else None,
        trends=trends,
    )


def filling(
    samples: Sequence[Sample], caches: Sequence[BoundedCache], caches_alive: Sequence[int] | None = None
) -> Filling | None:
    """What the growth amounts to if caches that have not reached their bound explain it; None if they do not.

    All must hold: every cache holds something and less than its bound; none has lost entries; their number
    (caches_alive, at each sample, where known) stays the same; they explain at least `EXPLAINED_SHARE` of the
    heap's growth over the last three octaves; what they do not explain is no leak by itself.
    A list that leaks beside the cache, ever more caches, and values that grow in a full cache all fail one.
    """
    if any(len(cache.entries) != len(samples) for cache in caches):
        raise ValueError("every cache needs its entries at each sample")
    growing = [cache for cache in caches if cache.entries and cache.entries[-1] < cache.bound]
    if not growing or any(cache.entries[-1] <= 0 for cache in growing):
        return None
    if caches_alive is not None and len(set(caches_alive)) > 1:
        return None
    return _explained(samples, growing)


def _explained(samples: Sequence[Sample], growing: Sequence[BoundedCache]) -> Filling | None:
    steps = [sample.steps for sample in samples]
    first = min(range(len(steps)), key=lambda index: abs(steps[index] - steps[-1] / 8))
    added = [cache.entries[-1] - cache.entries[first] for cache in growing]
    if min(added) < 0 or max(added) == 0:
        return None
    grown = samples[-1].heap_bytes - samples[first].heap_bytes
    explained = sum(n * cache.bytes_per_entry for n, cache in zip(added, growing, strict=True))
    uncertain = sum(n * cache.bytes_per_entry_error for n, cache in zip(added, growing, strict=True))
    if grown <= 0 or explained < EXPLAINED_SHARE * grown:
        return None
    residue = judge_series(
        steps, _residue(samples, growing), floor=round(uncertain), quantum=32, warm_up=4096
    )
    if residue.kind == "leak":
        return None
    still = [
        (cache.bound - cache.entries[-1]) * (steps[-1] - steps[first]) / n
        for n, cache in zip(added, growing, strict=True)
        if n > 0
    ]
    return Filling(
        ceiling_bytes=sum(cache.bound * cache.bytes_per_entry for cache in growing),
        full_at_step=steps[-1] + round(max(still)),
        explained_share=explained / grown,
    )


def _residue(samples: Sequence[Sample], growing: Sequence[BoundedCache]) -> list[int]:
    """The heap at each sample less what the caches hold there."""
    return [
        round(sample.heap_bytes - sum(cache.entries[index] * cache.bytes_per_entry for cache in growing))
        for index, sample in enumerate(samples)
    ]
