"""A holder as plain data: its fields, several alike told as one, and each one's share."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Record = dict[str, Any]

_FEWEST_ALIKE = 3  # containers of one pattern that are told as one


def make_record(**known: Any) -> Record:
    """A holder's record with every field; those not given are null or false."""
    return {
        "path": None,
        "type": None,
        "entries": 0,
        "entries_per_step": 0.0,
        "objects_per_step": None,
        "deep_bytes_per_entry": 0.0,
        "bytes_share": None,
        "bound": None,
        "bound_counts_entries": False,
        "bound_hint": None,
        "allow_listed": False,
        "root": "unknown",
        "chain": [],
        "turns_over": False,  # of constant size: it does let go of its entries, but not of what hangs on them
        "opaque": False,  # C code holds the entries out of sight: their bytes are the heap's remainder
        "weak": False,  # holds nothing: it grows because something else keeps its entries alive
        **known,
    }


def gathered(holders: list[Record]) -> list[Record]:
    """One record for many containers alike (a list for each key of a dict), and for one path found twice."""
    by_pattern: dict[tuple[str | None, str], list[Record]] = {}
    for holder in holders:
        path = holder["path"]
        pattern = path if path is None else re.sub(r"\[[^\]]*\]", "[*]", path)
        by_pattern.setdefault((pattern, holder["type"]), []).append(holder)
    told: list[Record] = []
    for (pattern, _), alike in by_pattern.items():
        distinct = {each["path"]: each for each in reversed(alike)}  # the first of each path stays
        if len(alike) == 1 or (pattern is not None and len(distinct) < _FEWEST_ALIKE):
            told += distinct.values()
            continue
        entries = sum(each["entries"] for each in alike)
        weight = sum(each["entries"] * each["deep_bytes_per_entry"] for each in alike)
        told.append(
            {
                **alike[0],
                "path": pattern,
                "entries": entries,
                "entries_per_step": sum(each["entries_per_step"] for each in alike),
                "deep_bytes_per_entry": weight / max(entries, 1),
            }
        )
    return told


def shared_out(holders: list[Record], heap_bytes_per_step: float) -> list[Record]:
    """Give each its share of the bytes, of the heap's growth where that was read.

    The largest comes first, and what holds its entries weakly comes last.
    """
    weights = [_bytes_per_step(each) for each in holders]
    opaque = [index for index, each in enumerate(holders) if each["opaque"]]
    if len(opaque) == 1 and heap_bytes_per_step > sum(weights):
        weights[opaque[0]] += heap_bytes_per_step - sum(weights)
        each = holders[opaque[0]]
        each["deep_bytes_per_entry"] = weights[opaque[0]] / each["entries_per_step"]
    whole = max(sum(weights), heap_bytes_per_step)
    shared = [
        {**each, "bytes_share": weight / whole if whole else 0.0} for each, weight in zip(holders, weights)
    ]
    return sorted(shared, key=lambda each: (each["weak"], -each["bytes_share"]))


def _bytes_per_step(holder: Record) -> float:
    return float((holder["objects_per_step"] or holder["entries_per_step"]) * holder["deep_bytes_per_entry"])
