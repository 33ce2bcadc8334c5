"""How far a check climbs, and when enough is known. Pure: readings in, the next rungs or a halt out."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from leakbench import growth

if TYPE_CHECKING:
    from collections.abc import Sequence

CERTAIN_STEPS = 524_288
"""No leak of quick steps before so many: a constant rate over 50,000 steps may be a cache of 200,000."""
RESTING_STEPS = 131_072
"""Enough for quick steps at rest: three octaves of it have 114,688 steps, and in them one of 100,000."""
_RESTING_OCTAVES = 3
_RESTING_SHARE = 0.25
FIRST_TOP_STEPS = 64
_MOST_STEPS = 1 << 32
_SLOWEST_RUNG_SECONDS = 0.02
_STILL_SHARE = 0.4  # of the budget, after which slow steps that do not grow are believed
_LARGE_STEP_BYTES = 1 << 18  # at a MiB a step the growth cap leaves 256 steps
_DEAREST_COLLECTION_SECONDS = 0.03  # above it, rungs are spaced wider: each begins with a collection
_DENSE, _SPARSE = 4, 2  # rungs an octave
_FEWEST_BASE_STEPS, _MOST_BASE_STEPS = 8, 64
_QUICK_STEP_SECONDS, _QUICK_STEP_BYTES = 1e-5, 1 << 12  # of such steps the first 256 need no rungs
_QUICK_BASE_STEPS = 256
_QUICK_STEP_FDS = 1 / 16  # a process may have 1,024 open: of one a step that is two octaves above 256
_CHUNK_ROUNDING_BYTES, _USUAL_CHUNK_BYTES = 16, 64
_MOVING_COUNT_BYTES = 8 * _CHUNK_ROUNDING_BYTES


class Pace(NamedTuple):
    """What the warm-up said about the target."""

    step_seconds: float
    collect_seconds: float
    grown_bytes_per_step: float = 0.0  # resident, garbage included
    fds_per_step: float = 0.0


class Bounds(NamedTuple):
    """What the person allows: so many seconds, or exactly so many steps."""

    budget_seconds: float
    steps: int | None
    growth_cap_bytes: int


def base_steps(pace: Pace) -> int:
    """Where the ladder begins: low enough that slow steps, and leaks of a MiB a step, get rungs too."""
    if pace.grown_bytes_per_step > _LARGE_STEP_BYTES:
        return 1
    is_quick = pace.step_seconds < _QUICK_STEP_SECONDS and pace.grown_bytes_per_step < _QUICK_STEP_BYTES
    if is_quick and pace.fds_per_step < _QUICK_STEP_FDS:
        return _QUICK_BASE_STEPS
    base = _FEWEST_BASE_STEPS
    if pace.collect_seconds > _DEAREST_COLLECTION_SECONDS:
        while base < _MOST_BASE_STEPS and base * pace.step_seconds < _SLOWEST_RUNG_SECONDS:
            base *= 2
    return base


def ladder(pace: Pace, top: int) -> list[int]:
    """Rungs up to `top`: four an octave, but two where collections are dear."""
    per_octave = _SPARSE if pace.collect_seconds > _DEAREST_COLLECTION_SECONDS else _DENSE
    return list(growth.rungs(base_steps(pace), top, per_octave))


def octaves(pace: Pace, bounds: Bounds, above: int = 0) -> list[list[int]]:
    """The ladder above so many steps, cut where the parent may call a halt.

    One piece where the number of steps is fixed; else the first rungs together, then octave by octave, up
    to more steps than any budget buys.
    """
    base = base_steps(pace)
    if bounds.steps is not None:
        fixed = ladder(pace, bounds.steps)
        return [fixed if fixed and fixed[-1] == bounds.steps else [*fixed, bounds.steps]]
    first_top = max(base, FIRST_TOP_STEPS * base // _FEWEST_BASE_STEPS)
    pieces: list[list[int]] = [[]]
    for rung in ladder(pace, _MOST_STEPS):
        if rung <= above:
            continue
        pieces[-1].append(rung)
        if rung >= first_top and (rung // base).bit_count() == 1 and rung % base == 0:
            pieces.append([])
    return [piece for piece in pieces if piece]


def judge(samples: Sequence[growth.Sample]) -> growth.Growth:
    """The judge's opinion, with the heap's count believed as far as glibc's rounding allows."""
    return growth.judge(samples, heap_floor_bytes=rounding_bytes(samples))


def rounding_bytes(samples: Sequence[growth.Sample]) -> int:
    """How far the same live objects may move the count; 0 where it never falls and little is kept.

    A chunk is 16 bytes larger than asked for where what was left over was too small for a chunk of its own.
    Over n chunks that come and go, of 64 bytes or so, it adds up to 16 * sqrt(n) by chance: a window of 500
    entries rose by 48, 64 and 176 bytes in three octaves under CPython 3.10, and the 1 KiB that threads leave
    behind them moves by 32. A leak outgrows it: to be even it wants four times as much in the last octave.

    A count that still falls is so moved, whatever is kept: where threads came and went, one that was between
    +32 and +64 all along read +80 once in 4,096 steps, and was back.
    """
    quarter = min(samples, key=lambda sample: abs(sample.steps - samples[-1].steps / 4))
    kept_bytes = quarter.heap_bytes - samples[0].heap_bytes
    rounding = round(_CHUNK_ROUNDING_BYTES * math.sqrt(max(0, kept_bytes) / _USUAL_CHUNK_BYTES))
    recent = [sample for sample in samples if sample.steps >= samples[-1].steps / 16]  # the last four octaves
    falls = any(later.heap_bytes < earlier.heap_bytes for earlier, later in pairwise(recent))
    return max(rounding, _MOVING_COUNT_BYTES) if falls else rounding


def enough(
    samples: Sequence[growth.Sample], seconds: float, bounds: Bounds, *, to_the_end: bool = False
) -> bool:
    """Whether the climb may end here, short of its budget.

    Quick steps climb to CERTAIN_STEPS at least, and on for as long as the judge cannot tell; those at rest to
    RESTING_STEPS. Slow ones never get there in their budget: what does not grow is believed sooner, what
    grows is watched to the end.
    """
    if bounds.steps is not None:
        return samples[-1].steps >= bounds.steps
    if seconds >= bounds.budget_seconds:
        return True
    quick = samples[-1].steps >= (RESTING_STEPS if at_rest(samples) else CERTAIN_STEPS)
    if not quick and seconds < _STILL_SHARE * bounds.budget_seconds:
        return False
    verdict = judge(samples).verdict
    if verdict == "inconclusive" or (to_the_end and verdict == "leak"):
        return False
    return quick or verdict != "leak"


def at_rest(samples: Sequence[growth.Sample]) -> bool:
    """Whether nothing has stood notably higher in the last three octaves than in the three before them.

    By a quarter of what it ranged over then. A rare leak in noise is looked for further up, and so is what
    has only just stopped.
    """
    last = samples[-1].steps
    recent = [sample for sample in samples if sample.steps >= last >> _RESTING_OCTAVES]
    before = [sample for sample in samples if last >> 2 * _RESTING_OCTAVES <= sample.steps <= recent[0].steps]
    for field in ("heap_bytes", "outside_bytes", "threads", "fds", "processes"):
        values = [getattr(sample, field) for sample in before]
        highest = max(values)
        risen = max(getattr(sample, field) for sample in recent) - highest
        if risen > _RESTING_SHARE * (highest - min(values)):
            return False
    return True
