"""The chart of a claim: what the article says beside what was measured, as lines or as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.report import svg, units
from leakbench.report.charts import LABEL_GAP, foot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from markupsafe import Markup

_ARTICLE = "the article"
_COLOURS = 6
_CHARACTER = 6.6  # pixels of a 12-pixel letter, on average
_BOLD_CHARACTER = 7.4
_LOG_FROM_RATIO = 50.0
_BAR_ROW = 20
_NAME_CHARACTERS = 36
_MARK_GAP = 24


class Series(NamedTuple):
    """A line or a colour of bars. `x` are all numbers, ascending, or all text."""

    name: str
    x: tuple[Any, ...]
    y: tuple[float, ...]


class Chart(NamedTuple):
    """A chart as claims.json has it; `unit` is that of every y."""

    title: str
    x: str
    y: str
    unit: str
    series: tuple[Series, ...]


def read(document: Mapping[str, Any] | None) -> Chart | None:
    """Give the chart of a claim; None where it has none, or none that can be drawn."""
    if not isinstance(document, dict):
        return None
    try:
        series = tuple(_series(each) for each in document.get("series") or () if each.get("points"))
    except (AttributeError, TypeError, ValueError):  # a file may say anything
        return None
    title, x, y, unit = (str(document.get(name) or "") for name in ("title", "x", "y", "unit"))
    return Chart(title, x, y, unit, series) if series else None


def _series(each: Mapping[str, Any]) -> Series:
    xs, ys = zip(*each["points"], strict=True)
    return Series(str(each.get("name") or ""), xs, tuple(map(float, ys)))


def draw(chart: Chart) -> Markup:
    """Draw lines where every x is a number, else a bar for each x and series."""
    numeric = all(isinstance(x, int | float) for one in chart.series for x in one.x)
    return (_lines if numeric else _bars)(chart)


def _told(chart: Chart, shows: Callable[[float], str]) -> str:
    """Say the chart in words: of each series its last or only value, of bars each."""
    said = (
        f"{one.name}: " + ", ".join(f"{shows(y)} at {x}" for x, y in zip(one.x, one.y, strict=True))
        for one in chart.series
    )
    return "; ".join(said)


def _colour(chart: Chart, one: Series) -> str:
    """Give a series' style: what was claimed is grey and dashed, what was measured coloured in its order."""
    if one.name == _ARTICLE:
        return "claimed"
    measured = [each for each in chart.series if each.name != _ARTICLE]
    return f"s-{measured.index(one) % _COLOURS}"


def _y_scale(chart: Chart, pixels: tuple[float, float], *, logarithmic: bool) -> svg.Scale:
    values = [y for one in chart.series for y in one.y]
    if not any(values):  # nothing to scale by: ticks between would be figures that nobody measured
        return svg.exact(0, 1, pixels)
    if logarithmic and 0 < _LOG_FROM_RATIO * min(values) < max(values):
        return svg.logarithmic(min(values) / 2, max(values), pixels, base=2 if chart.unit == "B" else 10)
    base = 2 if chart.unit in ("B", "B/op") else 10
    return svg.linear(foot(min(values), max(values)), max([*values, 1e-12]), pixels, base=base)


def _shows(unit: str) -> Callable[[float], str]:
    return lambda value: units.show(value, unit)


def _ticks(unit: str) -> Callable[[float], str]:
    if unit == "B/op":
        return lambda value: f"{units.show_round_bytes(value)}/op"
    return units.show_round_bytes if unit == "B" else _shows(unit)


def _lines(chart: Chart) -> Markup:
    longest = max(len(_short(one.name)) for one in chart.series)
    frame = svg.Frame(width=520, height=260, left=72, right=round(longest * _CHARACTER) + 24)
    x = svg.linear(0, max(v for one in chart.series for v in one.x), frame.x_range)
    y = _y_scale(chart, frame.y_range, logarithmic=True)
    body = [svg.axes(frame, x, y, (chart.x, chart.y), (units.digits, _ticks(chart.unit)))]
    wanted = [y.place(one.y[-1]) + 4 for one in chart.series]
    ends = svg.spread(wanted, LABEL_GAP, frame.top + 4, frame.height - frame.bottom + 4)
    for one, label_y in zip(chart.series, ends, strict=True):
        marked = svg.thin([(x.place(a), y.place(b)) for a, b in zip(one.x, one.y, strict=True)], _MARK_GAP)
        marks = "".join(f"M{a:.0f} {b:.0f}m0-4a4 4 0 1 1-.1 0z" for a, b in marked)
        label = svg.text(frame.x_range[1] + 12, label_y, _short(one.name), css="name")
        body.append(
            f'<g class="series {_colour(chart, one)}"><polyline class="line" points="'
            f'{svg.points(one.x, one.y, x, y)}"/><path class="mark" d="{marks}"/>{label}</g>'
        )
    return svg.svg(frame, chart.title, _told(chart, _shows(chart.unit)), body)


def _bars(chart: Chart) -> Markup:
    """Draw lying bars: the names of mitigations are long, and a phone is narrow.

    Where there are several series, each x is a heading above its bars.
    """
    rows = list(_rows(chart.series))
    left = round(max(_name_width(row) for row in rows)) + 20
    frame = svg.Frame(width=460, height=_BAR_ROW * len(rows) + 60, left=left, right=84, top=6)
    scale = _y_scale(chart, frame.x_range, logarithmic=False)  # a bar's length is its figure
    foot_y = frame.y_range[0]
    grid = "".join(f"M{scale.place(v):.0f} {frame.top}V{foot_y}" for v in scale.ticks)
    ticks = [svg.text(at, foot_y + 16, label) for at, label in svg.labelled(scale, _ticks(chart.unit))]
    body = [f'<path class="grid" d="{grid}"/><g class="tick" text-anchor="middle">{"".join(ticks)}</g>']
    for n, row in enumerate(rows):
        top = frame.top + n * _BAR_ROW
        if row.series is None:
            body.append(svg.text(left - 8, top + 15, _short(row.name), css="name", anchor="end"))
        else:
            body.append(_bar(chart, row, left, top, scale))
    label = svg.text((left + frame.x_range[1]) / 2, frame.height - 6, chart.y, css="label", anchor="middle")
    return svg.svg(frame, chart.title, _told(chart, _shows(chart.unit)), [*body, label])


class _Row(NamedTuple):
    """A bar, or the heading above some: that has no series."""

    name: str
    series: Series | None
    value: float


def _rows(series: Sequence[Series]) -> Iterator[_Row]:
    for x in dict.fromkeys(x for one in series for x in one.x):
        here = [one for one in series if x in one.x]
        if len(series) > 1:
            yield _Row(str(x), None, 0.0)
        for one in here:
            yield _Row(one.name if len(series) > 1 else str(x), one, one.y[one.x.index(x)])


def _name_width(row: _Row) -> float:
    return len(_short(row.name)) * (_BOLD_CHARACTER if row.series is None else _CHARACTER)


def _bar(chart: Chart, row: _Row, left: int, top: int, scale: svg.Scale) -> str:
    assert row.series is not None  # noqa: S101  # a heading has no bar
    zero, end = scale.place(max(0.0, scale.ticks[0])), scale.place(row.value)
    name = svg.text(left - 8, top + 14, _short(row.name), anchor="end")
    value = svg.text(max(zero, end) + 6, top + 14, _shows(chart.unit)(row.value))
    return (
        f'<g class="series {_colour(chart, row.series)}">{name}<rect class="bar" x="{min(zero, end):.1f}" '
        f'y="{top + 3}" width="{abs(end - zero):.1f}" height="{_BAR_ROW - 6}"/>{value}</g>'
    )


def _short(name: str) -> str:
    return name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 1]}…"
