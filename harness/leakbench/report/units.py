"""Every unit of the report's figures as text; never so few digits that something reads as nothing.

Bytes and rates are leakbench.units' own, so that pages and terminal say the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from leakbench.units import format_bytes, format_rate

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUS = "−"
_SECONDS_A_DAY = 86_400

show_bytes = format_bytes
show_rate = format_rate


def digits(value: float, significant: int = 3) -> str:
    """Give a plain decimal with so many significant digits at least, thousands grouped; 0 only for 0."""
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    sign, size = (_MINUS if value < 0 else ""), abs(value)
    if size < 1e-6:  # noqa: PLR2004  # a decimal would be mostly zeros
        return f"{sign}{size:.{significant - 1}e}"
    decimals = max(0, significant - 1 - math.floor(math.log10(size)))
    text = f"{size:,.{decimals}f}"
    return sign + (text.rstrip("0").rstrip(".") if "." in text else text)


def show_round_bytes(value: float) -> str:
    """Bytes on an axis: round figures, without the zeros after the point."""
    amount, _, unit = show_bytes(value).partition(" ")
    return f"{amount.rstrip('0').rstrip('.') if '.' in amount else amount} {unit}"


def show_ns(value: float) -> str:
    """Nanoseconds, in the unit that leaves one to three digits before the point."""
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if abs(value) >= size:
            return f"{digits(value / size)} {unit}"
    return f"{digits(value)} ns"


def show_seconds(value: float) -> str:
    """Seconds: below one as ms, µs or ns, above two minutes as "3 min 12 s"."""
    if value == 0:
        return "0 s"
    if abs(value) < 1:
        return show_ns(value * 1e9)
    if value < 120:  # noqa: PLR2004  # two minutes are still read in seconds
        return f"{digits(value)} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def show_speed(value: float) -> str:
    """Operations a second, with k and M."""
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{digits(value / size)}{prefix} op/s"
    return f"{digits(value)} op/s"


def show_share(value: float) -> str:
    """A share of one, as a percentage; what is not quite all never reads as 100 %."""
    if 0.9995 <= value < 1:  # noqa: PLR2004  # would round to 100.0 %
        return f"{math.floor(value * 1e6) / 1e4:g} %"
    return f"{digits(value * 100)} %"


def show_days(value: float) -> str:
    """Days, or the smaller unit that a person would say."""
    if value < 1:
        return show_seconds(value * _SECONDS_A_DAY)
    if value > 3_650:  # noqa: PLR2004  # ten years
        return f"{digits(value / 365.25)} years"
    return f"{digits(value)} days"


def show_times(value: float) -> str:
    """Give a ratio: "1.24×", "1.00×"; what is not quite equal may read as 1.00×."""
    return f"{value:.2f}×" if 0.1 <= value < 10 else f"{digits(value)}×"  # noqa: PLR2004  # two places suffice


_BY_UNIT: dict[str, Callable[[float], str]] = {
    "B": show_bytes,
    "B/op": show_rate,
    "ns": show_ns,
    "s": show_seconds,
    "op/s": show_speed,
    "1": show_share,
    "×": show_times,
}


def show(value: float, unit: str) -> str:
    """Give a figure of any unit that results/README.md names; others are counts."""
    return _BY_UNIT.get(unit, _show_count)(value)


def _show_count(value: float) -> str:
    return digits(value, max(3, len(str(abs(int(value))))))
