"""Who holds it: the containers whose size follows the steps, and the way to each from a root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakbench.launch import exact_heap_environ
from leakbench.probes import Place, base_order, last, listen

if TYPE_CHECKING:
    from leakbench.plan import Task
    from leakbench.spawn import Child, Order

_BUDGET_SECONDS = 0.25
_SHOWN = 4
_FIELDS = ("path", "type", "entries", "chain", "root", "bytes_share")

follow = listen
REQUIRES: tuple[str, ...] = ()


def order(task: Task, place: Place) -> Order:
    return base_order("holder", task, place, exact_heap_environ(), budget_seconds=_BUDGET_SECONDS)


def values(child: Child) -> dict[str, Any]:
    """`holder`, that of the largest share of the growth, and `other_holders`; neither where nothing grows."""
    holders = last(child, "holders").get("holders", [])
    if not holders:
        return {}
    shown = [{name: holder[name] for name in _FIELDS} for holder in holders]
    return {"holder": shown[0], "other_holders": shown[1:_SHOWN]}
