"""One case over time, small: live heap and resident memory, and below it the collector's pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from leakbench.report import svg, units
from leakbench.report.charts import LABEL_GAP, foot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

# On the right there is room for the longest name, "anonymous".
_FRAME = svg.Frame(width=400, height=138, left=72, right=88, top=10, bottom=22)
_LANE = svg.Frame(width=400, height=56, left=72, right=88, top=8, bottom=20)


class Course(NamedTuple):
    """Bytes above the first rung, at seconds since it."""

    seconds: Sequence[float]
    heap: Sequence[int]
    rss: Sequence[int]
    name: str = "heap"  # anonymous, where what grows is outside the heap


class Pause(NamedTuple):
    """One pause of the collector: when it began, counted from the first step, and how long it was."""

    at_seconds: float
    seconds: float


def memory(course: Course, low: int, high: int) -> Markup:
    """Live heap and resident memory of one case against time, on a scale from `low` to `high` bytes.

    Only the ends of the axes are labelled: the curve is to be seen, its figures stand beside it.
    """
    seconds, heap, rss, name = course
    end, bottom = max(seconds), foot(low, high)
    x = svg.exact(0, end, _FRAME.x_range)
    y = svg.exact(bottom, max(high, bottom + 1), _FRAME.y_range)
    levels = [(y.place(value), units.show_bytes(value)) for value in dict.fromkeys((bottom, 0, max(high, 1)))]
    body = [_axes(_FRAME, levels if len(levels) < 3 else levels[1:], end)]  # noqa: PLR2004  # zero and the top
    wanted = [y.place(line[-1]) + 4 for line in (heap, rss)]
    ends = svg.spread(wanted, LABEL_GAP, 14, _FRAME.height - _FRAME.bottom + 4)
    for each, css, line, at in zip((name, "RSS"), ("heap", "rss"), (heap, rss), ends, strict=True):
        drawn = f'<polyline class="line" points="{svg.points(seconds, line, x, y)}"/>'
        body.append(f'<g class="s-{css}">{drawn}{_name(_FRAME, at, each)}</g>')
    sizes = f"{name} {units.show_bytes(heap[-1])}, RSS {units.show_bytes(rss[-1])}"
    return svg.svg(_FRAME, "Memory over time", f"{sizes} after {units.show_seconds(end)}", body)


def pauses(found: Sequence[Pause], wall_seconds: float) -> Markup:
    """The collector's longest pauses, each a bar where it began; the steps took `wall_seconds`."""
    longest = max(pause.seconds for pause in found)
    end = max(wall_seconds, found[-1].at_seconds)
    x = svg.exact(0, end, _LANE.x_range)
    y = svg.exact(0, longest, _LANE.y_range)
    base = _LANE.y_range[0]
    bars = "".join(f"M{x.place(at):.0f} {base}V{y.place(length):.0f}" for at, length in found)
    body = [
        _axes(_LANE, [(y.place(longest), units.show_seconds(longest))], end),
        f'<g class="s-gc"><path class="line" d="{bars}"/>{_name(_LANE, base, "pauses")}</g>',
    ]
    return svg.svg(_LANE, "Collector pauses", f"the longest {units.show_seconds(longest)}", body)


def _axes(frame: svg.Frame, levels: Sequence[tuple[float, str]], end_seconds: float) -> str:
    """Draw the time axis, labelled at its end, and a line at each level."""
    left, right = frame.x_range
    base = frame.y_range[0]
    lines = "".join(f"M{left} {at:.0f}H{right}" for at, _ in levels if at != base)
    labels = [svg.text(left - 8, at + 4, label) for at, label in levels]
    labels.append(svg.text(right, base + 16, units.show_seconds(end_seconds)))
    return (
        f'<path class="grid" d="{lines}"/><path class="axis" d="M{left} {base}H{right}v4"/>'
        f'<g class="tick" text-anchor="end">{"".join(labels)}</g>'
    )


def _name(frame: svg.Frame, y: float, name: str) -> str:
    return svg.text(frame.x_range[1] + 6, y, name, css="name")
