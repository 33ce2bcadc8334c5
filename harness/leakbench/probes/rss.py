"""Peak resident memory by the kernel's own mark, speed, collector pauses, counts, and what is left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakbench.probes import Place, base_order, last, listen

if TYPE_CHECKING:
    from leakbench.plan import Task
    from leakbench.spawn import Child, Order

_NS = 1e9
_RESIDENT = ("baseline_rss_bytes", "imports_rss_bytes", "settled_rss_bytes")

follow = listen
REQUIRES: tuple[str, ...] = ()


def order(task: Task, place: Place) -> Order:
    return base_order("rss", task, place, {})


def values(child: Child) -> dict[str, Any]:
    """Bytes, seconds and counts; `peak_since` is "exec" where the kernel does not reset its mark.

    Where the system does not say what is resident, the peak stands alone.
    """
    seen = last(child, "rss")
    if not seen:
        return {"peak_seen_bytes": child.peak_seen_bytes}
    wall_seconds = seen["wall_ns"] / _NS
    resident = {name: seen[name] for name in _RESIDENT if seen[name] is not None}
    return {
        "peak_rss_bytes": seen["peak_rss_bytes"],
        "peak_since": seen["peak_since"],
        **resident,
        "wall_seconds": wall_seconds,
        "ops_per_second": seen["ops"] / wall_seconds if wall_seconds else None,
        "gc_pause_seconds": seen["gc_pause_ns"] / _NS,
        "gc_pause_max_seconds": seen["gc_pause_max_ns"] / _NS,
        "gc_longest_pauses_ns": seen["gc_longest_pauses_ns"],
        **seen["counts"],
        **last(child, "left"),
    }
