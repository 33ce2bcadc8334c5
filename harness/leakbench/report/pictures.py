"""The view -> charts: picks what each chart shows from a scenario's cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from leakbench.columns import RUNGS
from leakbench.report import charts, claim_charts, time_charts, view
from leakbench.report.advice import set_apart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakbench.report.view import CaseView, ScenarioView

_NS = 1e9
_AT = {column.name: n for n, column in enumerate(RUNGS)}


class Picture(NamedTuple):
    """A chart; `log` is empty where it has one form only, `note` where nothing is to be said of its lines."""

    lin: Markup
    log: Markup = Markup()
    note: str = ""


def ladder(case: CaseView, name: str) -> list[Any]:
    """One column of a case's ladder, from the rungs of its first repeat."""
    rungs = case.lines.get("ledger", {}).get("ladder") or ()
    return [rung[_AT[name]] for rung in rungs if len(rung) == len(RUNGS)]


def _above_first(values: Sequence[int | None]) -> list[int]:
    known = [value if value is not None else 0 for value in values]
    return [value - known[0] for value in known]


class Quantity(NamedTuple):
    """A figure that a chart shows, and what it is called: shortly, and in words."""

    column: str
    name: str
    words: str


_HEAP = Quantity("heap_bytes", "heap", "live heap")
_ANONYMOUS = Quantity("anonymous_bytes", "anonymous", "anonymous memory")
_PEAK = Quantity("peak_own_bytes", "", "peak memory")
_SERVER_PEAK = Quantity("server_peak_rss_bytes", "", "the server's peak memory")


def quantity(cases: Sequence[CaseView]) -> Quantity:
    """Choose what is drawn: live heap, unless what leaks lies outside it (a server's memory, a wheel's own).

    Anonymous memory holds both.
    """
    leaking = [case.lines.get("ledger", {}).get("leaking") or () for case in cases]
    outside = any("outside heap" in found and "heap" not in found for found in leaking)
    return _ANONYMOUS if outside else _HEAP


def peak(cases: Sequence[CaseView]) -> Quantity:
    """Choose whose peak is a mitigation's price: the server's where the entries are kept there."""
    return _SERVER_PEAK if any(_SERVER_PEAK.column in case.figures for case in cases) else _PEAK


def growth(scenario: ScenarioView) -> Picture | None:
    drawn = quantity(scenario.cases)
    series = [_series(case, drawn) for case in scenario.cases if len(ladder(case, "steps")) > 1]
    if not series:
        return None
    lin, log = (
        charts.growth(series, logarithmic=logarithmic, quantity=f"{drawn.words} above baseline")
        for logarithmic in (False, True)
    )
    return Picture(lin, log)


def _series(case: CaseView, drawn: Quantity) -> charts.Series:
    heap = _above_first(ladder(case, drawn.column))
    interval = case.lines["ledger"].get("leak_interval_bytes_per_op")
    leaks = case.verdict == "leak" and isinstance(interval, list) and len(interval) == 2  # noqa: PLR2004  # low, high
    return charts.Series(
        name=view.clip(case.label, 24),
        verdict=case.verdict,
        steps=ladder(case, "steps"),
        bytes=heap,
        rate=case.number("leak_bytes_per_op") if leaks else None,
        interval=(interval[0], interval[1]) if leaks and interval else None,
    )


def pareto(scenario: ScenarioView) -> Picture | None:
    price = peak(scenario.cases)
    apart = [each.case for each in set_apart(scenario.cases)]
    dots = [
        charts.Dot(
            view.clip(case.label, 24),
            case.verdict,
            case.number("ops_per_second"),
            case.number(price.column),
            case.is_sound,
        )
        for case in scenario.cases
        if case not in apart and "ops_per_second" in case.figures and price.column in case.figures
    ]
    if len(dots) < 2:  # noqa: PLR2004  # one dot is no comparison
        return None
    return Picture(charts.pareto(dots, quantity=price.words), note=_front_note(charts.sound_front(dots)))


def _front_note(front: Sequence[charts.Dot]) -> str:
    if len(front) > 1:
        return "The dashed steps join those that no other sound one beats in both."
    return f"Of the sound ones {front[0].name} is both the fastest and the smallest." if front else ""


def over_time(cases: Sequence[CaseView]) -> dict[str, Markup]:
    """Draw memory and collector pauses of each case against time, by its anchor.

    All have one scale of bytes: what is flat beside the leak is seen to be flat.
    """
    drawn = quantity(cases)
    courses = {case.anchor: _course(case, drawn) for case in cases}
    seen = [value for course in courses.values() if course for value in (*course.heap, *course.rss)]
    return {
        case.anchor: Markup().join(
            chart
            for course in [courses[case.anchor]]
            for chart in (course and time_charts.memory(course, min(seen), max(seen)), _pauses(case))
            if chart
        )
        for case in cases
    }


def _course(case: CaseView, drawn: Quantity) -> time_charts.Course | None:
    """Give heap and RSS against time, or nothing where the ladder has too few rungs."""
    seconds, heap, rss = (ladder(case, name) for name in ("seconds", drawn.column, "rss_bytes"))
    if len(seconds) < 3 or None in heap or None in rss:  # noqa: PLR2004  # two points are no course
        return None
    zeroed = tuple(second - seconds[0] for second in seconds)
    return time_charts.Course(zeroed, tuple(_above_first(heap)), tuple(_above_first(rss)), drawn.name)


def _pauses(case: CaseView) -> Markup:
    """The collector's longest pauses in the run without instruments; nothing where it did not run."""
    values = case.lines.get("rss", {})
    kept = values.get("gc_longest_pauses_ns") or ()
    found = [time_charts.Pause(at / _NS, length / _NS) for at, length in kept]
    return time_charts.pauses(found, values.get("wall_seconds") or 0.0) if found else Markup()


def claim(document: Mapping[str, Any] | None) -> Markup:
    """Draw a claim's chart, or nothing where it has none."""
    chart = claim_charts.read(document)
    return claim_charts.draw(chart) if chart else Markup()
