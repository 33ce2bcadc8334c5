"""Latency of single steps, uninstrumented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakbench.probes import Place, base_order, last, listen

if TYPE_CHECKING:
    from leakbench.plan import Task
    from leakbench.spawn import Child, Order

follow = listen
REQUIRES: tuple[str, ...] = ()


def order(task: Task, place: Place) -> Order:
    return base_order("latency", task, place, {})


def values(child: Child) -> dict[str, Any]:
    """Nanoseconds, two clock readings included (`clock_p50_ns` is what these cost)."""
    seen = last(child, "latency")
    seen.pop("ops", None)
    return seen
