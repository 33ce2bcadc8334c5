"""Did caches that fill explain the growth? Proof by filling them again.

What clearing gives back is an entry's price only where a cache gives its tables back too, and to malloc:
theine keeps its tables, moka has an allocator of its own that keeps its pages. Filled again to the same
length, either stands where it stood before; a leak beside it stands twice as high. Pure: records in, a
judgement out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakbench import growth
from leakbench.probes.ledger import samples
from leakbench.verdict import Beside, Full

if TYPE_CHECKING:
    from collections.abc import Sequence

_AS_LONG = (0.95, 1.05)  # of the first length: a shorter second filling proves nothing
_LEFTOVER_BYTES = (
    16 << 10
)  # a second filling may stand so much higher in the heap: what clearing first leaves
_LAZY = frozenset({"_moka_py.Moka"})  # frees what it drops some hundred entries later


def growing_caches(sizes: Sequence[tuple[int, ...]], weighed: dict[str, Any]) -> list[dict[str, Any]]:
    """The cleared caches that had grown and are not full; none where a bound of theirs explains nothing."""
    caches = [cache for cache in weighed["caches"] if _last(sizes, cache) > sizes[cache["position"]][0]]
    fit = all(cache["bound"] is not None and cache["bound_counts_entries"] for cache in caches)
    if not fit or weighed["alive_at_start"] != weighed["alive_at_end"]:
        return []
    return [cache for cache in caches if _last(sizes, cache) < cache["bound"]]


def refill_steps(steps: int, sizes: Sequence[tuple[int, ...]], caches: Sequence[dict[str, Any]]) -> int:
    """Steps that fill the largest cache as far again, at the rate of the climb of so many steps."""
    entries: tuple[int, ...] = max(
        (sizes[cache["position"]] for cache in caches), key=lambda counts: counts[-1]
    )
    return round(steps * entries[-1] / (entries[-1] - entries[0]))


def are_lazy(caches: Sequence[dict[str, Any]]) -> bool:
    """Whether one of them reuses what it has dropped only from the second filling on."""
    return any(cache["type"] in _LAZY for cache in caches)


def is_as_full(
    sizes: Sequence[tuple[int, ...]], caches: Sequence[dict[str, Any]], refilled: dict[str, Any]
) -> bool:
    """Whether the second filling came as far as the first, give or take a twentieth."""
    shares = (refilled["cache_entries"][cache["position"]] / _last(sizes, cache) for cache in caches)
    return all(_AS_LONG[0] <= share <= _AS_LONG[1] for share in shares)


def explain(
    records: Sequence[dict[str, Any]],
    sizes: Sequence[tuple[int, ...]],
    caches: Sequence[dict[str, Any]],
    *refilled: dict[str, Any],
    left_bytes: int | None = None,
) -> Full | Beside | None:
    """Law 9 by further fillings as long as the first: whether memory stands where it stood before.

    Where live heap stands higher, and be it by little of a large growth, something leaks beside the caches.
    left_bytes: how much higher it stood once they were emptied again too, where that is known. It may be
    higher full alone: names with a number in them get longer, and entries with them. None where memory
    outside the heap stands higher, or nothing grew.
    """
    rungs = [record for record in records if record["record"] == "rung"]
    *first, again = samples([*rungs, *({**record, "record": "rung"} for record in refilled)])
    top, bottom = first[-1], first[0]
    at_top = first[-len(refilled)]  # of the climb
    entries = sum(_last(sizes, cache) for cache in caches)
    missing = entries - sum(refilled[-1]["cache_entries"][cache["position"]] for cache in caches)
    heap_bytes = max(0, top.heap_bytes - bottom.heap_bytes)
    outside_bytes = max(0, top.outside_bytes - bottom.outside_bytes)
    extra_heap_bytes = again.heap_bytes - top.heap_bytes + round(missing / entries * heap_bytes)
    extra_outside_bytes = max(0, again.outside_bytes - top.outside_bytes)
    grown_bytes = heap_bytes + outside_bytes
    if grown_bytes <= 0:
        return None
    error_bytes = _LEFTOVER_BYTES + round(abs(missing) / entries * heap_bytes)
    beside_bytes = extra_heap_bytes if left_bytes is None else min(extra_heap_bytes, left_bytes)
    if beside_bytes > error_bytes:
        return Beside(beside_bytes, error_bytes, again.steps - top.steps)
    explained = 1 - (max(0, extra_heap_bytes) + extra_outside_bytes) / grown_bytes
    if explained < growth.EXPLAINED_SHARE:
        return None
    # What the warm-up put in lies below the baseline. The bytes of several caches cannot be told apart: they
    # are shared out by length.
    added = {cache["position"]: _last(sizes, cache) - sizes[cache["position"]][0] for cache in caches}
    full_at_step = max(
        round(at_top.steps * (1 + (cache["bound"] - _last(sizes, cache)) / added[cache["position"]]))
        for cache in caches
    )
    bound = sum(cache["bound"] for cache in caches)
    ceiling_bytes = bound * grown_bytes / sum(added.values())
    return Full(growth.Filling(ceiling_bytes, full_at_step, explained), tuple(caches))


def _last(sizes: Sequence[tuple[int, ...]], cache: dict[str, Any]) -> int:
    entries: int = sizes[cache["position"]][-1]
    return entries
