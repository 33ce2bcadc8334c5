"""One series of readings on the ladder -> does it grow without bound? Pure: numbers in, a Trend out.

The ladder is geometric, so a leak shows itself by its shape and not by its size. In each octave (from n
to 2n steps) a leak grows by twice what it grew in the octave before; a table that resizes is one spike an
octave and even in the long run; a one-off is one spike for good; a cache that fills stops; noise, a sawtooth
or a window goes down as often as up. No number here is a threshold in bytes per step.

The proofs of growth, and of its end, are in `proofs`. What proves neither is `inconclusive`, with the number
of steps that may decide: how far noise, or a rise that dies down, has to be outgrown is a guess.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from leakbench.ladder import Ladder, deepest_fall, ladder_of
from leakbench.proofs import (
    NO_FASTER,
    OCTAVES_NEEDED,
    floor_rises,
    grows_above_noise,
    grows_evenly,
    no_longer_speeds_up,
    rises,
    saturates,
    smallest_seen,
    steps_until_quiet,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["leak", "bounded", "steady", "inconclusive"]


class Trend(NamedTuple):
    """The judgement of one series, in the series' own unit (bytes, threads, descriptors)."""

    kind: Kind
    per_step: float
    """The leak's rate over the last whole octaves, where resizing averages out. Exactly 0.0 unless `leak`."""
    interval: tuple[float, float]
    """Lowest and highest rate of the last three octaves, for a leak widened by one allocation event, by the
    noise, and by three standard errors where growth comes by chance; for every other kind it includes 0."""
    smallest_detectable_per_step: float
    """A leak so fast, coming at least `RARE_EVENTS` times in the last octave, would not have been called
    `bounded` or `steady` had it been there besides. Where nothing else grows it is a `leak`: always if it
    comes evenly, in nine of ten ladders if by chance. Says nothing where the verdict is `inconclusive`."""
    noise: float
    """The deepest fall in the last four octaves; never below the series' floor. 0.0 for exact readings."""
    retained: int
    """Last reading minus first; may be negative."""
    began_at_step: int | None
    """The rung from which growth never stopped; None unless `leak`."""
    evidence: str
    """One sentence that a person can check against the readings."""
    wanted_steps: int | None
    """How long a ladder may decide; None unless `inconclusive`."""


def judge_series(
    steps: Sequence[int], values: Sequence[int], *, floor: int = 0, quantum: int = 1, warm_up: int = 0
) -> Trend:
    """Judge one series of readings; steps strictly increase and may begin with 0.

    floor: deltas up to it are noise by nature (0 for exact readings). quantum: the smallest growth there is.
    warm_up: growth that ended and came to no more than this in all still counts as `steady`.
    """
    ladder = ladder_of(steps, values)
    if len(ladder.octaves) < OCTAVES_NEEDED:
        return _too_short(ladder, floor, quantum)
    noise = float(max(floor, deepest_fall(values[ladder.octaves[3].first :])))
    if grows_evenly(ladder, noise):
        newest, second = map(ladder.rate, ladder.octaves[:2])
        pace = "as fast as before" if newest <= NO_FASTER * second else "and ever faster"
        return _leak(ladder, noise, quantum, f"it rose in every stretch of the last octave, {pace}")
    if grows_above_noise(ladder, noise):
        return _leak(ladder, noise, quantum, "each octave grew about twice as much as the one before")
    return _without_proof_of_growth(ladder, noise, floor, quantum, warm_up)


def _without_proof_of_growth(ladder: Ladder, noise: float, floor: int, quantum: int, warm_up: int) -> Trend:
    last_step = ladder.steps[-1]
    quarter, sixteenth = ladder.octaves[1].first, ladder.octaves[3].first
    fall_before = deepest_fall(ladder.values[sixteenth : quarter + 1])
    fall_recent = deepest_fall(ladder.values[quarter:])
    risen = sum(max(0, later - earlier) for earlier, later in pairwise(ladder.values[sixteenth:]))
    if min(fall_recent, risen) > max(floor, warm_up, 3 * fall_before):
        reason = f"it fell by {fall_recent:,} in the last two octaves and never so deep before"
        return _inconclusive(ladder, noise, quantum, reason, 4 * last_step)
    threshold = floor if noise == floor else 1.5 * noise
    quiet_at = steps_until_quiet(rises(ladder, threshold))
    if noise > floor and floor_rises(ladder, noise):
        reason = "it falls as often as it rises, but its lowest readings rise ever faster"
        return _inconclusive(ladder, noise, quantum, reason, 2 * last_step)
    if quiet_at <= last_step:
        return _no_leak(ladder, noise, quantum, warm_up, "nothing rose above the noise for long enough")
    if no_longer_speeds_up(ladder):
        deltas = [abs(ladder.delta(octave)) for octave in ladder.octaves[:2]]
        return _no_leak(ladder, max(noise, *deltas), quantum, warm_up, "what still rises no longer speeds up")
    why = "it still rises, but ever more slowly" if saturates(ladder) else "it still rises, and not evenly"
    return _inconclusive(ladder, noise, quantum, why, min(quiet_at, 4.0 * last_step))


def _recent_rates(ladder: Ladder) -> list[float]:
    return [ladder.rate(octave) for octave in ladder.octaves[:3]]


def _leak(ladder: Ladder, noise: float, quantum: int, why: str) -> Trend:
    newest, second, third = ladder.octaves[:3]
    rates = _recent_rates(ladder)
    per_step = (ladder.values[-1] - ladder.values[third.first]) / (
        ladder.steps[-1] - ladder.steps[third.first]
    )
    event = min(growth for octave in ladder.octaves for growth, _ in ladder.inner(octave) if growth > 0)
    slack = max(event, noise) / (ladder.steps[newest.last] - ladder.steps[newest.first]) + _chance_error(
        ladder
    )
    deltas = ", ".join(f"+{ladder.delta(octave):,}" for octave in (third, second, newest))
    return Trend(
        kind="leak",
        per_step=per_step,
        interval=(min(rates) - slack, max(rates) + slack),
        smallest_detectable_per_step=smallest_seen(ladder, noise, quantum),
        noise=noise,
        retained=ladder.values[-1] - ladder.values[0],
        began_at_step=_began_at_step(ladder, per_step),
        evidence=f"{deltas} in the last three octaves up to step {ladder.steps[-1]:,}: {why}",
        wanted_steps=None,
    )


def _chance_error(ladder: Ladder) -> float:
    """Three standard errors of the rate over three octaves where growth comes by chance; 0.0 where evenly.

    Taken from how far the intervals of the last two octaves lie from their octave's calm rate, each octave's
    steepest left out: in a growth by independent events the squared distance grows with the steps.
    """
    squares: list[float] = []
    for octave in ladder.octaves[:2]:
        rate = ladder.calm_rate(octave)
        squares += sorted((growth - rate * steps) ** 2 / steps for growth, steps in ladder.inner(octave))[:-1]
    covered = ladder.steps[-1] - ladder.steps[ladder.octaves[2].first]
    return 3 * math.sqrt(sum(squares) / max(1, len(squares)) / covered)


def _began_at_step(ladder: Ladder, per_step: float) -> int:
    """The oldest rung from which every octave up to the last grew at least half as fast as the leak does."""
    began = ladder.steps[ladder.octaves[2].first]
    for octave in ladder.octaves[3:]:
        if ladder.rate(octave) < per_step / 2:
            break
        began = ladder.steps[octave.first]
    return began


def _no_leak(ladder: Ladder, noise: float, quantum: int, warm_up: int, why: str) -> Trend:
    rates = _recent_rates(ladder)
    retained = ladder.values[-1] - ladder.values[0]
    kind: Kind = "bounded" if retained > max(warm_up, 2 * noise) else "steady"
    return Trend(
        kind=kind,
        per_step=0.0,
        interval=(min(0.0, *rates), max(0.0, *rates)),
        smallest_detectable_per_step=smallest_seen(ladder, noise, quantum),
        noise=noise,
        retained=retained,
        began_at_step=None,
        evidence=f"{retained:+,} after {ladder.steps[-1]:,} steps: {why}",
        wanted_steps=None,
    )


def _inconclusive(ladder: Ladder, noise: float, quantum: int, why: str, wanted: float) -> Trend:
    """Round wanted up to the last step times a power of two, at least twice the last step."""
    rates = _recent_rates(ladder) or [0.0]
    wanted_steps = 2 * max(1, ladder.steps[-1])
    while wanted_steps < wanted:
        wanted_steps *= 2
    return Trend(
        kind="inconclusive",
        per_step=0.0,
        interval=(min(0.0, *rates), max(0.0, *rates)),
        smallest_detectable_per_step=smallest_seen(ladder, noise, quantum),
        noise=noise,
        retained=ladder.values[-1] - ladder.values[0],
        began_at_step=None,
        evidence=f"{why}; {wanted_steps:,} steps may decide",
        wanted_steps=wanted_steps,
    )


def _too_short(ladder: Ladder, floor: int, quantum: int) -> Trend:
    octaves = len(ladder.octaves)
    said = f"{octaves} octave{'s say' if octaves != 1 else ' says'} too little"
    missing = OCTAVES_NEEDED - octaves
    return _inconclusive(ladder, float(floor), quantum, said, ladder.steps[-1] * 2.0**missing)
