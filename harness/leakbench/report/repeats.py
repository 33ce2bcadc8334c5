"""One verdict of all repeats', as a person would say it. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_LEAK = ("steady", "bounded", "filling", "unreturned")
"""Verdicts that say no leak, from the least that was seen to the most."""


class Together(NamedTuple):
    """What all repeats say. `note` tells of those that say otherwise; empty where all agree."""

    verdict: str
    note: str = ""


def together(verdicts: Sequence[str]) -> Together:
    """Draw one verdict from one or more repeats'.

    Of verdicts that all say no leak the most that was seen counts; where only some say so, nothing is
    settled: inconclusive.

    >>> together(["bounded", "steady", "bounded"])
    Together(verdict='bounded', note='steady in 1 of 3')
    >>> together(["leak", "steady"])
    Together(verdict='inconclusive', note='leak in 1 of 2, steady in 1 of 2')
    """
    counts = Counter(verdicts)
    if len(counts) == 1:
        return Together(verdicts[0])
    settled = max(counts, key=NO_LEAK.index) if counts.keys() <= set(NO_LEAK) else "inconclusive"
    others = [f"{verdict} in {n} of {len(verdicts)}" for verdict, n in counts.items() if verdict != settled]
    return Together(settled, ", ".join(others))
