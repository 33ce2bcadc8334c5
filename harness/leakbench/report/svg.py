"""Charts as SVG text: axes, ticks and marks, coloured by the page's own style sheet.

Drawn here and not by a plotting library, because a chart takes a millisecond and five kilobytes so,
follows the reader's light or dark scheme, and is the same bytes every time.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_TICKS = 5
_LOG_DECADES_PER_TICK = 8
_LABELS_APART = 8  # pixels that neighbouring labels keep between them


class Scale(NamedTuple):
    """Maps values onto pixels. `ticks` lie within the shown range."""

    place: Callable[[float], float]
    ticks: tuple[float, ...]


class Frame(NamedTuple):
    """The drawing's size and the plot's margins, in pixels."""

    width: int = 760
    height: int = 340
    left: int = 88
    right: int = 170
    top: int = 16
    bottom: int = 46

    @property
    def x_range(self) -> tuple[float, float]:
        return self.left, self.width - self.right

    @property
    def y_range(self) -> tuple[float, float]:
        return self.height - self.bottom, self.top


def linear(low: float, high: float, pixels: tuple[float, float], base: int = 10) -> Scale:
    """Give a scale from `low` to `high`, stretched to round ticks; `base` 2 gives powers of two for bytes."""
    if high <= low:
        high = low + 1
    raw = (high - low) / _TICKS
    if base == 2:  # noqa: PLR2004
        size = 2.0 ** math.ceil(math.log2(raw))
    else:
        power = 10.0 ** math.floor(math.log10(raw))
        size = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * (1 - 1e-9))
    first, last = math.floor(low / size + 1e-9), math.ceil(high / size - 1e-9)
    start, stop = first * size, last * size
    width = pixels[1] - pixels[0]

    def place(value: float) -> float:
        return pixels[0] + (value - start) / (stop - start) * width

    return Scale(place, tuple(n * size for n in range(first, last + 1)))


def exact(low: float, high: float, pixels: tuple[float, float]) -> Scale:
    """Give a linear scale that begins and ends with its values; its ends are its ticks."""

    def place(value: float) -> float:
        return pixels[0] + (value - low) / ((high - low) or 1) * (pixels[1] - pixels[0])

    return Scale(place, (low, high))


def logarithmic(floor: float, high: float, pixels: tuple[float, float], base: int = 2) -> Scale:
    """Give a logarithmic scale; what lies below `floor`, zero and negative values too, is drawn there."""
    low_power = math.floor(math.log(floor, base) + 1e-9)
    high_power = max(low_power + 1, math.ceil(math.log(max(high, floor), base) - 1e-9))
    width = pixels[1] - pixels[0]
    stride = max(1, math.ceil((high_power - low_power) / _LOG_DECADES_PER_TICK))

    def place(value: float) -> float:
        power = math.log(max(value, base**low_power), base)
        return pixels[0] + (power - low_power) / (high_power - low_power) * width

    return Scale(place, tuple(float(base) ** n for n in range(low_power, high_power + 1, stride)))


def labelled(scale: Scale, shows: Callable[[float], str]) -> list[tuple[float, str]]:
    """Give a lying axis's labels, each with its place: every tick's, or every n-th where they would touch."""
    labels = [(scale.place(value), shows(value)) for value in scale.ticks]
    return next(labels[::n] for n in range(1, len(labels) + 1) if _is_legible(labels[::n]))


def _is_legible(labels: Sequence[tuple[float, str]]) -> bool:
    return all(
        (len(one) + len(other)) / 2 * _CHARACTER_WIDTH + _LABELS_APART <= abs(there - here)
        for (here, one), (there, other) in pairwise(labels)
    )


Point = tuple[float, float]


def points(xs: Sequence[float], ys: Sequence[float], x: Scale, y: Scale) -> str:
    """Give a line's corners; those whose absence nobody would see are left out."""
    placed = [(x.place(a), y.place(b)) for a, b in zip(xs, ys, strict=True)]
    return " ".join(f"{_short(a)},{_short(b)}" for a, b in simplify(placed))


def _short(pixels: float) -> str:
    return f"{pixels:.1f}".removesuffix(".0")


def simplify(line: Sequence[Point], tolerance: float = 0.5) -> list[Point]:
    """Leave out corners less than `tolerance` pixels from the line without them (Douglas and Peucker)."""
    if len(line) < 3:  # noqa: PLR2004  # both ends stay
        return list(line)
    first, last = line[0], line[-1]
    far, at = max((_distance(point, first, last), n) for n, point in enumerate(line[1:-1], 1))
    if far <= tolerance:
        return [first, last]
    return simplify(line[: at + 1], tolerance)[:-1] + simplify(line[at:], tolerance)


def _distance(point: Point, first: Point, last: Point) -> float:
    """Give a point's distance from the line through two others, or from the first where they are one."""
    along, across = last[0] - first[0], last[1] - first[1]
    length = math.hypot(along, across)
    if length == 0:
        return math.dist(point, first)
    return abs(along * (first[1] - point[1]) - across * (first[0] - point[0])) / length


def thin(line: Sequence[Point], gap: float) -> list[Point]:
    """Give the points to be marked: `gap` pixels from each other at least, the last among them."""
    kept: list[Point] = []
    for point in reversed(line):
        if not kept or math.dist(point, kept[-1]) >= gap:
            kept.append(point)
    return kept[::-1]


def text(x: float, y: float, content: str, *, css: str = "", anchor: str = "start") -> str:
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    kind = f' class="{css}"' if css else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{kind}{side}>{escape(content)}</text>'


def axes(
    frame: Frame, x: Scale, y: Scale, labels: tuple[str, str], shows: Sequence[Callable[[float], str]]
) -> str:
    """Grid, tick labels and axis titles, of which either may be empty."""
    left, right = frame.x_range
    bottom, _ = frame.y_range
    rows = "".join(f"M{left} {_short(y.place(v))}H{right}" for v in y.ticks)
    feet = "".join(f"M{_short(x.place(v))} {bottom}v5" for v in x.ticks)
    parts = [f'<path class="grid" d="{rows}"/><path class="axis" d="M{left} {bottom}H{right}{feet}"/>']
    parts.append('<g class="tick" text-anchor="end">')
    parts += [text(left - 8, y.place(v) + 4, shows[1](v)) for v in y.ticks]
    parts.append('</g><g class="tick" text-anchor="middle">')
    parts += [text(at, bottom + 18, label) for at, label in labelled(x, shows[0])]
    parts.append("</g>")
    if labels[0]:
        parts.append(text((left + right) / 2, frame.height - 8, labels[0], css="label", anchor="middle"))
    if labels[1]:
        middle = (frame.y_range[0] + frame.y_range[1]) / 2
        parts.append(
            f'<text transform="translate(12 {middle:.0f}) rotate(-90)" class="label" text-anchor="middle">'
            f"{escape(labels[1])}</text>"
        )
    return "".join(parts)


def spread(wanted: Iterable[float], gap: float, low: float, high: float) -> list[float]:
    """Move label positions apart so that neighbours are `gap` from each other, within [low, high]."""
    order = sorted(enumerate(wanted), key=lambda pair: pair[1])
    placed: list[tuple[int, float]] = []
    for index, at in order:
        placed.append((index, max(at, placed[-1][1] + gap) if placed else max(at, low)))
    over = placed[-1][1] - high if placed else 0.0
    if over > 0:
        below = math.inf
        for n in range(len(placed) - 1, -1, -1):
            index, at = placed[n]
            at = min(at, high if below is math.inf else below - gap)
            placed[n] = (index, at)
            below = at
    found = dict(placed)
    return [found[n] for n in range(len(found))]


class Label(NamedTuple):
    """Where a label stands, and on which side of that point it is written."""

    x: float
    y: float
    anchor: str


def place_labels(places: Sequence[tuple[float, float]], names: Sequence[str], frame: Frame) -> list[Label]:
    """Give each dot's label the nearest place where it covers no dot and no other label."""
    boxes = [(x - 7, y - 7, x + 7, y + 7) for x, y in places]
    labels = []
    for (x, y), name in zip(places, names, strict=True):
        label, box = _nearest_free(x, y, len(name) * _CHARACTER_WIDTH, boxes, frame)
        boxes.append(box)
        labels.append(label)
    return labels


_CHARACTER_WIDTH = 7.0  # of the charts' bold 12-pixel sans-serif, on the wide side
_Box = tuple[float, float, float, float]


def _nearest_free(
    x: float, y: float, width: float, boxes: Sequence[_Box], frame: Frame
) -> tuple[Label, _Box]:
    """Try right and left of the dot, then ever further above and below; the last try is taken anyway."""
    found: tuple[Label, _Box] | None = None
    for rise in (0, *(sign * rise for rise in range(16, 200, 16) for sign in (-1, 1))):
        for anchor, at, left in (("start", x + 12, x + 12), ("end", x - 12, x - 12 - width)):
            box = (left, y + rise - 8, left + width, y + rise + 6)
            inside = (
                box[0] > frame.left and box[2] < frame.width and frame.top <= box[1] <= frame.y_range[0] - 14
            )
            if inside and not any(_overlap(box, other) for other in boxes):
                return Label(at, y + rise + 4, anchor), box
            found = found or (Label(at, y + rise + 4, anchor), box)
    assert found is not None  # noqa: S101  # the loops above run at least once
    return found


def _overlap(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def svg(frame: Frame, title: str, description: str, body: Iterable[str]) -> Markup:
    """Wrap a drawing. A screen reader says `title` and `description`."""
    return Markup(  # noqa: S704  # everything that comes from a run went through escape()
        f'<svg viewBox="0 0 {frame.width} {frame.height}" class="chart" '
        f'role="img"><title>{escape(title)}</title><desc>{escape(description)}</desc>{"".join(body)}</svg>'
    )
