"""The geometric ladder: the rungs to read at, and the readings seen as octaves."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEWEST_TO_TRIM = 8  # readings: at the ladder's foot intervals are what rounding makes them
NEAR = 0.2  # of the half: with two rungs an octave, the nearest lies so far off where time ended the climb


def rungs(base: int, top: int, per_octave: int = 4) -> tuple[int, ...]:
    """Steps to read at, from base to at most top: base x 2**(k / per_octave), rounded, strictly increasing.

    Every base x 2**k up to top is among them.
    """
    if base < 1 or per_octave < 1:
        raise ValueError(f"base and per_octave must be at least 1, not {base} and {per_octave}")
    found: list[int] = []
    index = 0
    while (rung := round(base * 2 ** (index / per_octave))) <= top:
        if not found or rung > found[-1]:
            found.append(rung)
        index += 1
    return tuple(found)


class Octave(NamedTuple):
    """From n to 2n steps, give or take the rounding of rungs."""

    first: int  # index of the sample that opens it
    last: int  # index of the sample that closes it; the intervals between them are its inner intervals


class Ladder(NamedTuple):
    """The readings of one series, cut into octaves from the newest backwards."""

    steps: tuple[int, ...]
    values: tuple[int, ...]
    octaves: tuple[Octave, ...]  # newest first; the newest ends with the last sample

    def delta(self, octave: Octave) -> int:
        return self.values[octave.last] - self.values[octave.first]

    def rate(self, octave: Octave) -> float:
        return self.delta(octave) / (self.steps[octave.last] - self.steps[octave.first])

    def inner(self, octave: Octave) -> list[tuple[int, int]]:
        """(growth, steps) of each inner interval, oldest first."""
        return [
            (self.values[i + 1] - self.values[i], self.steps[i + 1] - self.steps[i])
            for i in range(octave.first, octave.last)
        ]

    def calm_rate(self, octave: Octave) -> float:
        """The octave's rate without its steepest interval: without the resize of a table."""
        inner = sorted(self.inner(octave), key=lambda interval: interval[0] / interval[1])
        kept = inner[:-1] or inner
        return sum(growth for growth, _ in kept) / sum(steps for _, steps in kept)


def ladder_of(steps: Sequence[int], values: Sequence[int]) -> Ladder:
    """Raise ValueError where there are no readings, lengths differ or steps do not strictly increase.

    A last reading close behind the one before it, where time ended the climb, is left out: a leak by rare
    events may miss so short an interval, and would look as if it had stopped.
    """
    if not steps:
        raise ValueError("no readings to judge")
    if len(steps) != len(values):
        raise ValueError(f"{len(steps)} steps but {len(values)} values")
    if any(later <= earlier for earlier, later in pairwise(steps)):
        raise ValueError(f"steps must strictly increase: {list(steps)}")
    if len(steps) >= _FEWEST_TO_TRIM and 2 * (steps[-1] - steps[-2]) < steps[-2] - steps[-3]:
        steps, values = steps[:-1], values[:-1]
    return Ladder(tuple(steps), tuple(values), tuple(_octaves(steps)))


def _octaves(steps: Sequence[int]) -> list[Octave]:
    """Halve the last step for as long as there is a rung near the half."""
    octaves: list[Octave] = []
    last = len(steps) - 1
    while last > 0:
        half = steps[last] / 2
        first = min(range(last), key=lambda index: abs(steps[index] - half))
        if abs(steps[first] - half) > NEAR * half:
            break
        octaves.append(Octave(first, last))
        last = first
    return octaves


def deepest_fall(values: Sequence[int]) -> int:
    """The largest fall from any value to a later one; 0 where the series never falls."""
    fall = 0
    highest = values[0]
    for value in values:
        highest = max(highest, value)
        fall = max(fall, highest - value)
    return fall
