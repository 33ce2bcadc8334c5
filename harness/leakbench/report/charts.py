"""The charts of a scenario: growth of all mitigations, and memory against speed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from leakbench.report import svg, units

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOG_FLOOR_BYTES = 1024.0
LABEL_GAP = 14
_MARK_GAP = 84
BENEATH = "beneath"
"""In a verdict's place: a line that has none, drawn as a pale band for others to lie upon."""
_LEVEL = ("steady", "bounded", BENEATH)
_TOGETHER = 5  # pixels between the ends of lines that are seen as one
_LOG_FROM_RATIO = 8
_SEEN_SHARE = 0.02
_MARKER = {
    "leak": "m0-6l6 11h-12z",
    "filling": "m-5-5h10v10h-10z",
    "bounded": "m0-5a5 5 0 1 1-.1 0z",
    "steady": "m-6-2.5h12v5h-12z",
    "unreturned": "m0-6l6 6l-6 6l-6-6z",
    "inconclusive": "m0-6a6 6 0 1 1-.1 0zm0 4a2 2 0 1 1-.1 0z",
}
"""A verdict's shape around the point where the path stands: told apart without colour."""
_OTHER_MARKER = "m-5-5l10 10m0-10l-10 10"


class Series(NamedTuple):
    """One mitigation's growth: `bytes` above the first rung, at `steps`."""

    name: str
    verdict: str
    steps: Sequence[int]
    bytes: Sequence[int]
    rate: float | None = None  # of the verdict `leak`, with its interval
    interval: tuple[float, float] | None = None


class Dot(NamedTuple):
    """One mitigation on the chart of memory against speed. `sound`: loses nothing, serves nothing stale."""

    name: str
    verdict: str
    ops_per_second: float
    bytes: float
    sound: bool


def marker(verdict: str, x: float, y: float, css: str = "") -> str:
    shape = _MARKER.get(verdict, _OTHER_MARKER)
    return f'<path d="M{x:.1f} {y:.1f}{shape}" class="mark v-{escape(verdict)} {css}"/>'


def growth(
    series: Sequence[Series], *, logarithmic: bool, quantity: str = "live heap above baseline"
) -> Markup:
    """Bytes above the first rung, against steps; a leak's interval is a band.

    A leak stops its ladder early: linear steps end there, lest what climbs on level takes the width.
    """
    frame = svg.Frame()
    whole = [s for s in series if s.steps]
    series = whole if logarithmic else _as_far_as_leaks(whole)
    top = max((reach for s in series for reach in _reaches(s)), default=1)
    low = min((b for s in series for b in s.bytes), default=0)
    steps = max((n for s in series for n in s.steps), default=1)
    if logarithmic:
        first = min((n for s in series for n in s.steps if n > 0), default=1)
        x = svg.logarithmic(first, steps, frame.x_range)
        y = svg.logarithmic(_LOG_FLOOR_BYTES, max(top, _LOG_FLOOR_BYTES * 2), frame.y_range)
    else:
        x = svg.linear(0, steps, frame.x_range, base=2)
        y = svg.linear(foot(low, top), max(top, 1), frame.y_range, base=2)
    body = [svg.axes(frame, x, y, ("steps", quantity), (_steps, units.show_round_bytes))]
    ends = svg.spread(
        [y.place(s.bytes[-1]) + 4 for s in series], LABEL_GAP, frame.top + 4, frame.height - frame.bottom + 4
    )
    body += [_line(one, x, y, logarithmic=logarithmic) for one in series]
    tips = [(x.place(s.steps[-1]), y.place(s.bytes[-1])) for s in series]
    body += _names(series, tips, ends, frame)
    title = f"Growth: {quantity}"
    ends_said = (f"{s.name}: {units.show_bytes(s.bytes[-1])} after {s.steps[-1]:,} steps" for s in whole)
    told = "The same on logarithmic axes" if logarithmic else "; ".join(ends_said)
    return svg.svg(frame, title, told, body)


def _as_far_as_leaks(series: Sequence[Series]) -> Sequence[Series]:
    """Cut all series where the last leak's ends; leave them whole where nothing leaks."""
    last = max((s.steps[-1] for s in series if s.verdict == "leak"), default=None)
    if last is None:
        return series
    counts = [sum(n <= last for n in s.steps) for s in series]
    return [
        s._replace(steps=s.steps[:count], bytes=s.bytes[:count])
        for s, count in zip(series, counts, strict=True)
        if count
    ]


def _reaches(one: Series) -> Sequence[float]:
    """Give every height that a line has on the chart, the upper end of its rate's interval among them."""
    if not (one.rate and one.interval and one.steps):
        return one.bytes
    middle = len(one.steps) // 2
    return [*one.bytes, one.bytes[middle] + one.interval[1] * (one.steps[-1] - one.steps[middle])]


def foot(low: float, top: float) -> float:
    """Give the axis's lower end: zero, unless what lies below it would be seen as more than a line."""
    return low if low < -_SEEN_SHARE * max(top, 1) else 0


def _names(
    drawn: Sequence[Series], tips: Sequence[tuple[float, float]], at: Sequence[float], frame: svg.Frame
) -> list[str]:
    """Write the lines' names beside the plot; those that end together share one leader and a bracket."""
    right = frame.x_range[1]
    names = [
        f'<g class="v-{escape(s.verdict)}">{svg.text(right + 18, y, s.name, css="name")}</g>'
        for s, y in zip(drawn, at, strict=True)
    ]
    bundles: list[list[int]] = []
    for n in sorted(range(len(drawn)), key=lambda n: at[n]):
        if bundles and abs(tips[n][1] - tips[bundles[-1][-1]][1]) < _TOGETHER:
            bundles[-1].append(n)
        else:
            bundles.append([n])
    for bundle in bundles:
        tip_x, tip_y = max(tips[n] for n in bundle)
        top, bottom = at[bundle[0]] - 4, at[bundle[-1]] - 4
        bracket = f"M{right + 13} {top - 5:.0f}V{bottom + 5:.0f}" if len(bundle) > 1 else ""
        leader = f"M{tip_x + 5:.0f} {tip_y:.0f}L{right + 13} {(top + bottom) / 2:.0f}"
        names.append(f'<path class="leader" d="{leader}{bracket}"/>')
    return names


def _line(one: Series, x: svg.Scale, y: svg.Scale, *, logarithmic: bool) -> str:
    shown = [(n, b) for n, b in zip(one.steps, one.bytes, strict=True) if n > 0 or not logarithmic]
    css = f"v-{escape(one.verdict)}"
    parts = [f'<g class="series {css}">']
    if one.rate and one.interval:
        from_steps, from_bytes = shown[len(shown) // 2]
        last = shown[-1][0]
        low, high = (y.place(from_bytes + rate * (last - from_steps)) for rate in one.interval)
        start = f"{x.place(from_steps):.1f},{y.place(from_bytes):.1f}"
        end = x.place(last)
        parts.append(f'<polygon class="band" points="{start} {end:.0f},{low:.1f} {end:.0f},{high:.1f}"/>')
    line = svg.points([n for n, _ in shown], [b for _, b in shown], x, y)
    parts.append(f'<polyline class="line" points="{line}"/>')
    shape = _MARKER.get(one.verdict, _OTHER_MARKER)
    # What stays level is told from its end: marks all along would bury what grows.
    gap = math.inf if one.verdict in _LEVEL else _MARK_GAP
    marked = svg.thin([(x.place(n), y.place(b)) for n, b in shown], gap)
    marks = "".join(f"M{a:.0f} {b:.0f}{shape}" for a, b in marked)
    parts.append(f'<path class="mark small" d="{marks}"/>')
    return "".join([*parts, "</g>"])


def _steps(value: float) -> str:
    return f"{value / 1024:g}Ki" if value >= 1024 and value % 1024 == 0 else f"{value:g}"  # noqa: PLR2004


def pareto(dots: Sequence[Dot], *, quantity: str = "peak memory") -> Markup:
    """Memory against speed: right is faster, down is smaller; hollow marks lose entries or go stale."""
    frame = svg.Frame(right=36, bottom=50)
    sizes = [max(dot.bytes, 1.0) for dot in dots]
    x = svg.linear(0, max(dot.ops_per_second for dot in dots), frame.x_range)
    if max(sizes) > _LOG_FROM_RATIO * min(sizes):
        y = svg.logarithmic(min(sizes) / 1.5, max(sizes) * 1.5, frame.y_range)
    else:
        y = svg.linear(0.85 * min(sizes), 1.05 * max(sizes), frame.y_range, base=2)
    labels = ("operations a second →", quantity)
    body = [svg.axes(frame, x, y, labels, (_speed, units.show_round_bytes))]
    body += _bounds(dots, frame, y)
    front = sound_front(dots)
    if len(front) > 1:
        corners = _stairs([(x.place(dot.ops_per_second), y.place(dot.bytes)) for dot in front])
        body.append(f'<polyline class="front" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in corners)}"/>')
    places = [(x.place(dot.ops_per_second), y.place(dot.bytes)) for dot in dots]
    labelled = svg.place_labels(places, [dot.name for dot in dots], frame)
    body += [_dot(dot, at, label) for dot, at, label in zip(dots, places, labelled, strict=True)]
    told = "; ".join(
        f"{d.name}: {units.show_bytes(d.bytes)} at {units.show_speed(d.ops_per_second)}" for d in dots
    )
    return svg.svg(frame, "Memory against speed", told, body)


def _speed(value: float) -> str:
    return units.show_speed(value).removesuffix(" op/s")


def _bounds(dots: Sequence[Dot], frame: svg.Frame, y: svg.Scale) -> list[str]:
    left, right = frame.x_range
    lines = []
    for dot in dots:
        if dot.name in ("none", "ideal"):
            at = y.place(dot.bytes)
            lines.append(f'<line class="bound" x1="{left}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
    return lines


def _dot(dot: Dot, at: tuple[float, float], label: svg.Label) -> str:
    told = f"{dot.name}: {units.show_bytes(dot.bytes)} at {units.show_speed(dot.ops_per_second)}"
    mark = marker(dot.verdict, *at, "" if dot.sound else "hollow")
    leader = f'<path class="leader" d="M{at[0]:.1f} {at[1]:.1f}L{label.x:.1f} {label.y - 4:.1f}"/>'
    name = svg.text(label.x, label.y, dot.name, css="name", anchor=label.anchor)
    css = f'class="series v-{escape(dot.verdict)}"'
    return f"<g {css}><title>{escape(told)}</title>{leader}{mark}{name}</g>"


def sound_front(dots: Sequence[Dot]) -> list[Dot]:
    """Those that no other sound one beats, the bounds apart; the stepped line joins them if there are two."""
    return pareto_front([dot for dot in dots if dot.sound and dot.name not in ("none", "ideal")])


def pareto_front(dots: Sequence[Dot]) -> list[Dot]:
    """Those that no other beats in both memory and speed, from fastest to smallest."""
    front: list[Dot] = []
    for dot in sorted(dots, key=lambda d: (-d.ops_per_second, d.bytes)):
        if not front or dot.bytes < front[-1].bytes:
            front.append(dot)
    return front


def _stairs(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    stairs = [corners[0]]
    for x, y in corners[1:]:
        stairs += [(x, stairs[-1][1]), (x, y)]
    return stairs
