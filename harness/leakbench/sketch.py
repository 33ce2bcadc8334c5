"""What a verdict looks like in plain text: its mark, and the curve of its ladder. Imports nothing heavy."""

from __future__ import annotations

from itertools import pairwise

from leakbench.units import format_bytes

MARKS = {
    "leak": ("▲", "bold red"),
    "filling": ("■", "yellow"),
    "bounded": ("●", "green"),
    "steady": ("▬", "blue"),
    "unreturned": ("◆", "magenta"),
    "inconclusive": ("✕", "bold yellow"),
}
"""A shape beside each colour, the report's own: nobody has to tell red from green."""

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35"}
_EMPHASIS = frozenset({"bold", "dim"})
_CURVE_ROWS = 8
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def styled(text: str, style: str, *, colours: bool) -> str:
    """Text in a style such as "bold red", as escape codes; without `colours` its emphasis alone."""
    codes = [_CODES[word] for word in style.split() if colours or word in _EMPHASIS]
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes else text


def curve(points: list[tuple[int, int]], *, columns: int = 56, logarithmic: bool = False) -> list[str]:
    """Live heap against steps as a small chart: growth since the first point, from zero.

    Steps are linear, or `logarithmic` from 1 on: what stopped early would show as a block. No line where
    nothing has grown.
    """
    first = points[0][1]
    grown = [(steps, value - first) for steps, value in points]
    highest = max(value for _, value in grown)
    last = grown[-1][0]
    if highest <= 0 or last == 0:
        return []
    shares = [(column + 1) / columns for column in range(columns)]
    places = [last**share if logarithmic else last * share for share in shares]
    heights = [_at(grown, steps) / highest for steps in places]
    lines = []
    for row in reversed(range(_CURVE_ROWS)):
        filled = "".join(
            _EIGHTHS[max(0, min(8, round((height * _CURVE_ROWS - row) * 8)))] for height in heights
        )
        label = format_bytes(highest) if row == _CURVE_ROWS - 1 else ""
        lines.append(f"{label:>9} │{filled}".rstrip())
    axis = f"{last:,} steps{', logarithmic' if logarithmic else ''}"
    return [*lines, f"{'0':>9} └{'─' * columns}", " " * (11 + columns - len(axis)) + axis]


def _at(points: list[tuple[int, int]], steps: float) -> float:
    """The value at so many steps, between the two points around it."""
    for (left, low), (right, high) in pairwise(points):
        if steps <= right:
            return low + (high - low) * (steps - left) / (right - left)
    return points[-1][1]
