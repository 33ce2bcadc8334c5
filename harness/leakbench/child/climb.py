"""Runs the step to geometric rungs, takes a census at each, and tells what grows in proportion."""

from __future__ import annotations

import gc
import time
from math import inf

from leakbench.child.census import ATEXIT_ID, OBJECTS_CAP, Census, find_objects, size_of, take_census

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEFAULT_RUNGS = (512, 1024, 2048)
_TRIAL_STEPS = 4
_FEWEST_STEPS = 8
_FEWEST_EVENTS = 4  # in the last octave: less may be chance
# An octave's growth over that of the octave before: 2 for a leak; the width is for rare or irregular ones.
_LEAST_RATIO, _GREATEST_RATIO = 1.4, 2.9
_NEXT_OCTAVE_FACTOR = 2.2  # it has twice the steps, and a larger census
_ODD_SHARE = 0.37  # of the steps run: far from every simple fraction
_UNDECIDED_SHARE = 0.25  # of the budget, spent to learn whether a rare growth goes on


class Climb:
    """The last three censuses of a climb, and the heap's growth between them where it was read."""

    __slots__ = (
        "base_steps",
        "budget_seconds",
        "censuses",
        "growth_cap_bytes",
        "heap_bytes",
        "heap_growth_bytes",
        "objects_cap",
        "rejected",
        "started",
        "steps_done",
    )

    def __init__(
        self,
        budget_seconds: float,
        heap_bytes: Callable[[], int] | None,
        objects_cap: int = OBJECTS_CAP,
        growth_cap_bytes: float = inf,
    ) -> None:
        self.censuses: list[Census] = []
        self.heap_growth_bytes: list[int] = []  # an octave's, without what the censuses take
        self.heap_bytes = heap_bytes
        self.budget_seconds = budget_seconds
        self.growth_cap_bytes = growth_cap_bytes  # of the heap: above it a cache of large entries may be full
        self.objects_cap = objects_cap
        self.base_steps = 0  # of the first rung
        self.rejected: set[int] = set()  # grew by the rungs, but not between them
        self.steps_done = 0
        self.started = time.perf_counter()

    def to(self, step: Callable[[int], object], first_step: int, rungs: Sequence[int] | None) -> None:
        """Run the step to the last rung given, or until what grows is clear or the budget is spent."""
        base = rungs or self._rungs_for(step, first_step)
        self.base_steps = base[0]
        heap_after = 0
        done = 0 if rungs else _TRIAL_STEPS
        rung, position = base[0], 0
        while True:
            octave_started = time.perf_counter()
            for i in range(first_step + done, first_step + rung):
                step(i)
            done = self.steps_done = rung
            gc.collect()
            heap_before = self.heap_bytes() if self.heap_bytes else 0
            if self.censuses:
                self.heap_growth_bytes.append(heap_before - heap_after)
            self._count(rung)
            heap_after = self.heap_bytes() if self.heap_bytes else 0
            position += 1
            if position < len(base):
                rung = base[position]
                continue
            if rungs:
                return
            if not self._goes_on(time.perf_counter() - octave_started):
                done = self.steps_done = self._confirm(step, first_step, rung)
                if not self._goes_on(time.perf_counter() - octave_started):
                    return
            rung *= 2

    def _rungs_for(self, step: Callable[[int], object], first_step: int) -> tuple[int, ...]:
        """Three rungs that a step's own time allows, and what it keeps; runs the trial steps."""
        step(first_step)  # may import and set up: no measure of the others
        before = self.heap_bytes() if self.heap_bytes else 0
        started = time.perf_counter()
        for i in range(first_step + 1, first_step + _TRIAL_STEPS):
            step(i)
        step_seconds = (time.perf_counter() - started) / (_TRIAL_STEPS - 1)
        kept_bytes = self.heap_bytes() - before if self.heap_bytes else 0
        most_kept_bytes = (_TRIAL_STEPS - 1) * self.growth_cap_bytes
        base = DEFAULT_RUNGS[0]
        if 4 * base * kept_bytes > most_kept_bytes and self.heap_bytes:
            gc.collect()
            kept_bytes = self.heap_bytes() - before
        while base > _FEWEST_STEPS and (
            4 * base * step_seconds > self.budget_seconds / 2 or 4 * base * kept_bytes > most_kept_bytes
        ):
            base //= 2
        return base, 2 * base, 4 * base

    def _count(self, steps: int) -> None:
        own = {id(self), id(self.censuses), id(self.heap_growth_bytes), id(self.rejected)}
        own.add(id(own))
        for census in self.censuses:
            own |= census.own_ids()
        census = take_census(steps, own, self.objects_cap)
        del self.censuses[:-2]
        self.censuses.append(census)

    def _confirm(self, step: Callable[[int], object], first_step: int, done: int) -> int:
        """Drop what does not grow at its rate between rungs too; returns the steps run by then.

        Rungs that double meet a sawtooth at phases that may double as well.
        """
        rates = self.growing()
        if not rates:
            return done
        extra_steps = max(3, int(done * _ODD_SHARE))
        for i in range(first_step + done, first_step + done + extra_steps):
            step(i)
        gc.collect()
        found = find_objects(set(rates), self.objects_cap)
        for identity, rate in rates.items():
            if identity == ATEXIT_ID:
                continue
            expected = rate * extra_steps
            grown = size_of(found[identity]) - self.censuses[-1].sizes[identity] if identity in found else -1
            if not expected / 2 - _FEWEST_EVENTS / 2 <= grown <= 2 * expected + _FEWEST_EVENTS / 2:
                self.rejected.add(identity)
        return done + extra_steps

    def _goes_on(self, octave_seconds: float) -> bool:
        spent_seconds = time.perf_counter() - self.started
        next_ends_seconds = spent_seconds + _NEXT_OCTAVE_FACTOR * octave_seconds
        if 2 * sum(self.heap_growth_bytes) > self.growth_cap_bytes:
            return False
        if self.growing() or self.growing_types() or self._is_native():
            return self.is_undecided() and next_ends_seconds < _UNDECIDED_SHARE * self.budget_seconds
        return next_ends_seconds < self.budget_seconds

    def heap_bytes_per_step(self) -> float:
        """The heap's growth over the last two octaves; 0 where it was not read."""
        if self.heap_bytes is None:
            return 0.0
        return sum(self.heap_growth_bytes[-2:]) / (self.censuses[-1].steps - self.censuses[0].steps)

    def heap_may_grow(self) -> bool:
        """Tell whether there is growth to explain, for all that is known."""
        return self.heap_bytes is None or self.heap_growth_bytes[-1] > 0

    def _is_native(self) -> bool:
        """Tell whether the heap grew in proportion: what grows is there to be seen then, or never will be."""
        earlier, later = self.heap_growth_bytes[-2:]
        return bool(self.heap_bytes) and is_proportional(0, earlier, earlier + later)

    def growing(self) -> dict[int, float]:
        """Entries a step of every container that grows in proportion to the steps, by identity."""
        first, middle, last = self.censuses
        before, between = first.sizes, middle.sizes
        rates = {}
        for identity, size in last.sizes.items():
            half = between.get(identity)
            if half is None or half >= size:
                continue
            start = before.get(identity)
            if identity in self.rejected or start is None:
                continue
            if is_proportional(start, half, size):
                rates[identity] = (size - start) / (last.steps - first.steps)
        return rates

    def growing_types(self) -> dict[int, float]:
        """Objects a step of every type whose tracked instances grow in proportion, by the type's identity."""
        first, middle, last = self.censuses
        return {
            identity: (count - first.types.get(identity, 0)) / (last.steps - first.steps)
            for identity, count in last.types.items()
            if is_proportional(first.types.get(identity, 0), middle.types.get(identity, 0), count)
        }

    def is_undecided(self) -> bool:
        """Tell whether anything that was there all along grew in the last octave, but too little to judge."""
        first, middle, last = self.censuses
        growing = self.growing()
        between, before = middle.sizes, first.sizes
        return any(
            0 < size - between.get(identity, size) < 2 * _FEWEST_EVENTS
            and identity in before  # a younger one may be the end of a chain, which has grown by a link
            and identity not in growing
            for identity, size in last.sizes.items()
        )


def is_proportional(start: int, half: int, end: int) -> bool:
    """Tell whether growth over two octaves doubles, with events enough.

    >>> is_proportional(100, 612, 1636)  # +512 over 512 steps, then +1024 over 1024
    True
    >>> is_proportional(100, 612, 700)  # a cache that has reached its bound
    False
    >>> is_proportional(0, 1, 3)
    False
    """
    earlier, later = half - start, end - half
    if earlier < 1 or later < _FEWEST_EVENTS:
        return False
    return _LEAST_RATIO * earlier <= later <= _GREATEST_RATIO * earlier
