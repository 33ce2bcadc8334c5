"""One verdict of all repeats', as a person would say it. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from leakbench.model import matches_truth

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_LEAK = ("steady", "bounded", "filling", "unreturned")
"""Verdicts that say no leak, from the least that was seen to the most."""


class Together(NamedTuple):
    """What all repeats say. `note` tells of those that say otherwise; empty where all agree."""

    verdict: str
    note: str = ""


def together(verdicts: Sequence[str]) -> Together:
    """Draw one verdict from one or more repeats': that of more than half of them, else inconclusive.

    Verdicts that all say no leak are one in this, and so are bounded and steady among them; of those that are
    one, the most that was seen counts.

    >>> together(["bounded", "steady", "bounded"])
    Together(verdict='bounded', note='steady in 1 of 3')
    >>> together(["leak", "steady"])
    Together(verdict='inconclusive', note='leak in 1 of 2, steady in 1 of 2')
    """
    counts = Counter(verdicts)
    still = [verdict for verdict in verdicts if verdict in NO_LEAK]
    commonest, times = counts.most_common(1)[0]
    flat = [verdict for verdict in still if verdict in ("steady", "bounded")]
    if is_most(len(still), len(verdicts)):
        settled = max(flat if is_most(len(flat), len(verdicts)) else still, key=NO_LEAK.index)
    else:
        settled = commonest if is_most(times, len(verdicts)) else "inconclusive"
    others = [f"{verdict} in {n} of {len(verdicts)}" for verdict, n in counts.items() if verdict != settled]
    return Together(settled, ", ".join(others))


def say_truth(truth: str, verdicts: Sequence[str]) -> bool:
    """Whether most of a case's repeats say what its author declares."""
    return is_most(sum(matches_truth(truth, verdict) for verdict in verdicts), len(verdicts))


def is_most(times: int, repeats: int) -> bool:
    """Whether it is more than half: one reading in three may be the machine's, two are not."""
    return 2 * times > repeats
