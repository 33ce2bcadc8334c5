"""Which figures of a run show a claim to the eye. Pure: figures in, points out, which the report draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

Read: TypeAlias = tuple[str, str]
"""A value's address: (case id, name of the value)."""
Figures: TypeAlias = Mapping[Read, Any]
"""The median over a value's repeats, the text that most of them say, or the first ladder."""


class Series(NamedTuple):
    """One figure a point."""

    name: str
    reads: tuple[tuple[str | float, Read], ...]  # x, and where its y is found

    def points(self, known: Figures) -> list[list[Any]]:
        return [[x, known[read]] for x, read in self.reads if read in known]


class Climb(NamedTuple):
    """A case's ladder: live heap, above what it was at the baseline, over the steps."""

    name: str
    case: str

    def points(self, known: Figures) -> list[list[Any]]:
        rungs = known.get((self.case, "ladder"), [])
        return [[steps, heap_bytes - rungs[0][1]] for steps, heap_bytes, *_ in rungs]


class Quoted(NamedTuple):
    """The article's own figures: the only ones that do not come from the run."""

    name: str
    quoted: tuple[tuple[float, float], ...]

    def points(self, _known: Figures) -> list[list[Any]]:
        return [list(point) for point in self.quoted]


class Chart(NamedTuple):
    """`x` and `y` name the axes, `unit` is that of every y, as in `leakbench.columns`."""

    title: str
    x: str
    y: str
    unit: str
    series: tuple[Series | Climb | Quoted, ...]


def draw(chart: Chart, known: Figures) -> dict[str, Any] | None:
    """The chart as claims.json has it, with those series of which there is a point; None without any.

    All x are texts (categories, in their order) or all are numbers, ascending. A quotation alone is no chart.
    """
    series = [(one, one.points(known)) for one in chart.series]
    if not any(points for one, points in series if not isinstance(one, Quoted)):
        return None
    drawn = [{"name": one.name, "points": points} for one, points in series if points]
    return {**chart._asdict(), "series": drawn}


def bars(
    title: str, y: str, unit: str, name: str, cases: Mapping[str, str], *, x: str = "mitigation"
) -> Chart:
    """One value of several cases; `cases` are their ids by what stands below their bars."""
    reads = tuple((label, (case, name)) for label, case in cases.items())
    return Chart(title, x, y, unit, (Series(y, reads),))


def bars_of(
    title: str,
    y: str,
    unit: str,
    names: Mapping[str, str],
    cases: Mapping[str, str],
    *,
    x: str = "mitigation",
) -> Chart:
    """Several values of several cases; `names` are the values' by what the legend calls them."""
    series = tuple(
        Series(called, tuple((label, (case, name)) for label, case in cases.items()))
        for called, name in names.items()
    )
    return Chart(title, x, y, unit, series)


def climbs(title: str, cases: Mapping[str, str]) -> Chart:
    """Live heap over the steps, a line a case; `cases` are their ids by the lines' names."""
    lines = tuple(Climb(name, case) for name, case in cases.items())
    return Chart(title, "steps", "live heap above the baseline", "B", lines)
