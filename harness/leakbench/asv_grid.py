"""What asv's grid of benchmarks shows of leaks: the greatest rate among the cases.

asv draws the geometric mean of a benchmark's cases, which is 0 as long as one of them is 0: a leak would not
show before every case leaked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

GREATEST = ("track_leak_bytes_per_op", "track_lost_entries")
_SUMMARIES = "summary"


def show_greatest(html: Path) -> None:
    """Write the grid's graphs of GREATEST anew, from the graphs that asv has written of each case."""
    graphs = html / "graphs"
    for quantity in GREATEST:
        for summary in graphs.glob(f"{_SUMMARIES}/*.{quantity}.json"):
            cases = [path for path in graphs.rglob(summary.name) if path != summary]
            points = greatest(json.loads(path.read_text(encoding="utf-8")) for path in cases)
            summary.write_text(json.dumps(points), encoding="utf-8")


def greatest(graphs: Iterable[list[Any]]) -> list[list[float]]:
    """Graphs of [revision, value or a list of values] -> [revision, greatest value], by revision.

    A value may be null; a revision without any value is left out.
    """
    found: dict[int, float] = {}
    for graph in graphs:
        for revision, told in graph:
            values = [value for value in (told if isinstance(told, list) else [told]) if value is not None]
            if values:
                found[revision] = max(found.get(revision, 0.0), *values)
    return [[revision, found[revision]] for revision in sorted(found)]
