"""The alert rules that come with the monitor, as they are or stretched to another pace."""

from __future__ import annotations

import math
import re
from pathlib import Path

_FOLDER = Path(__file__).parent
_DURATION = re.compile(r"(?<![\w.])(\d+)(s|m|h|d| \* 3600)\b")  # predict_linear takes a number of seconds
_SECONDS_MIN = 0.001  # Prometheus knows nothing shorter than a millisecond
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, " * 3600": 3600}


def rule_files() -> list[Path]:
    return sorted(_FOLDER.glob("*.yml"))


def prometheus_duration(seconds: float) -> str:
    """As rules and configurations say it, to the millisecond: `90s`, `2500ms`."""
    milliseconds = round(1000 * seconds)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def stretched(rules: str, factor: float) -> str:
    """The rule file with every duration multiplied, e.g. 36 for sessions that live a day.

    Comments and texts are stretched with the rest, so that they go on saying what the rules do. Raises
    ValueError where a duration would fall below a millisecond.
    """

    def stretch(found: re.Match[str]) -> str:
        seconds = int(found[1]) * _SECONDS[found[2]] * factor
        if not _SECONDS_MIN <= seconds < math.inf:
            raise ValueError(f"{found[0]} × {factor} is no duration that a rule can say")
        return f"{seconds:.0f}" if "*" in found[0] else prometheus_duration(seconds)

    return _DURATION.sub(stretch, rules)


def write_rules(folder: Path, factor: float = 1.0) -> list[Path]:
    """Write the rule files into `folder`, stretched; returns what was written."""
    written = []
    for source in rule_files():
        text = source.read_text(encoding="utf-8")
        target = folder / source.name
        target.write_text(text if factor == 1 else stretched(text, factor), encoding="utf-8")
        written.append(target)
    return written
