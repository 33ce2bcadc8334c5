"""One formatter for every figure that is shown: binary prefixes, three significant digits, signs kept."""

from __future__ import annotations

import math
import re

from leakbench.errors import LeakbenchError

_PREFIXES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024
_SIZE = re.compile(r"\s*([0-9]{1,18})(?:\.([0-9]{1,18}))?\s*([kKmMgGtT]?)(i?[bB])?\s*")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class BadSizeError(LeakbenchError):
    """A size that cannot be read."""


def format_bytes(count: float) -> str:
    """1536 → "1.50 KiB"; below 1 KiB whole bytes stay whole and fractions keep three significant digits."""
    sign, size = "−" if count < 0 else "", abs(float(count))
    power = 0
    while round(size) >= _STEP and power < len(_PREFIXES) - 1:
        size /= _STEP
        power += 1
    whole = power == 0 and size == int(size)
    return f"{sign}{size:.0f} B" if whole else f"{sign}{_three_digits(size)} {_PREFIXES[power]}"


def _three_digits(value: float) -> str:
    """A positive figure, rounded before it is formatted: 9.999 is 10.0, and 1000.5 is no power of ten."""
    rounded = float(f"{value:.2e}")
    if rounded >= 100:  # noqa: PLR2004  # all its digits stand before the point
        return f"{value:.0f}"
    return f"{rounded:.1f}" if rounded >= 10 else f"{rounded:.2f}" if rounded >= 1 else f"{rounded:.3g}"  # noqa: PLR2004


def format_rate(bytes_per_op: float) -> str:
    """Bytes per operation: 0 is "0 B/op", everything else three significant digits."""
    return f"{format_bytes(bytes_per_op)}/op"


def format_seconds(seconds: float) -> str:
    """0.0000123 → "12.3 µs"; two minutes and more as minutes."""
    if seconds < 0:
        return f"−{format_seconds(-seconds)}"
    rounded = float(f"{seconds:.2e}")  # before the unit is chosen: 999.9 ms are 1 s
    if rounded >= 120:  # noqa: PLR2004
        return f"{seconds / 60:.1f} min"
    for per_second, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if rounded * per_second >= 1:
            return f"{rounded * per_second:.3g} {unit}"
    return f"{rounded * 1e9:.3g} ns"


def parse_size(text: str) -> int:
    """Read "256MiB", "2G", "4096" in bytes; decimal and binary prefixes alike are powers of 1,024."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise BadSizeError(f"{text!r} is no size; write 512MiB, 2GiB or a number of bytes")
    fraction = found[2] or ""
    return (int(found[1] + fraction) << 10 * _POWERS[found[3].lower()]) // int("1" + "0" * len(fraction))


def parse_rate(text: str) -> float:
    """Read "1000/s", "50/min" or "3600/h" as operations a second; a plain number is a second's."""
    number, _, unit = text.partition("/")
    seconds = {"": 1, "s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600}.get(unit.strip())
    try:
        rate = float(number)
    except ValueError:
        rate = 0.0
    if seconds is None or not 0 < rate < math.inf:  # nan neither
        raise BadSizeError(f"{text!r} is no rate; write 1000/s, 50/min or 3600/h")
    return rate / seconds
