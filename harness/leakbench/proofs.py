"""Does a ladder grow for good, or has it stopped? Each rule says yes or does not say; none guesses.

Growth has two proofs, either of which is enough:

* even: the series rises in nearly every interval of the last two octaves, never falls there, and does not
  rise more slowly than before. Each octave's one greatest spike may be left out, so that tables may resize;
* above noise: octave by octave the deltas double, and the last is at least `NOISE_MULTIPLE` times the noise.

So has its absence: nothing rose above the noise for `QUIET_MULTIPLE` times the longest pause ever seen
between two rises, or what still rises does not rise more than it did two octaves ago.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakbench.ladder import Ladder, Octave

OCTAVES_NEEDED = 4  # two deltas' ratio is chance, three need four points; one more tells a spike from a start
NOISE_MULTIPLE = 4.0  # stationary noise of range R moves by at most R between two rungs
QUIET_MULTIPLE = 3.0  # a single spike at step s is settled at 4 s: two octaves later
SLOWDOWN = 0.8  # least rate against two octaves ago: a list, resized by 1/8, has 0.82, growth as n**0.75 0.71
LEVEL = 0.95  # this near to the fastest of the last three octaves, a rate does not decline
MOST_COUNTING_ERROR = 0.3  # of too few events nothing can be said
SPEEDUP = 2.7  # greatest rate against one octave ago; a leak whose entries grow with the steps has 2
EVENNESS = (0.86, 1.16)  # how far resizing moves an octave's rate: deltas grow by 1.5 to 2.7
PATTERN_RISES = 6  # of eight intervals; fewer rises are no pattern to compare with
RARE_EVENTS = 32  # in an octave: then chance leaves none of its intervals empty
SEEN_NOISES = 8.0  # grown in an octave: twice what a proof wants, and noise has covered less of it
NO_FASTER = 1.5  # a leak rises four times as much in the last two octaves as in the two before
LEAST_SLOWING = 0.03  # from octave to octave: a random set of 6,000,000 keys has it at 524,288 steps
SLOWING_DOUBLES = (1.3, 3.0)  # its factor from octave to octave: of what saturates it is 2, less near the end
STALL = 0.9  # the newest interval may lie this far below all before it; a cache that fills up lies lower


def grows_evenly(ladder: Ladder, noise: float) -> bool:
    """Whether it rises nearly everywhere in the last two octaves and never falls there.

    The oldest of the three octaves need only have grown: a rare event may miss most of its intervals.
    """
    newest, second, third = ladder.octaves[:3]
    grown = [growth for growth, _ in ladder.inner(newest)]
    grown_before = [growth for growth, _ in ladder.inner(second)]
    if min(grown) <= 0 or min(grown_before) < 0 or grown_before.count(0) > len(grown_before) // 4:
        return False
    if ladder.delta(third) <= 0 or ladder.delta(newest) < NOISE_MULTIPLE * noise:
        return False
    return _keeps_pace(ladder) and not _stalls(ladder) and not saturates(ladder)


def _keeps_pace(ladder: Ladder) -> bool:
    """Whether the last two octaves grow as fast as the two before, with or without the steepest intervals.

    They need not where the last three are level among themselves: then a warm-up ended before them. Without
    its steepest interval the last may be slower by a table's resize, but not by more.
    """
    newest, second = (ladder.calm_rate(octave) for octave in ladder.octaves[:2])
    if second > SPEEDUP * newest:
        return False
    return _holds(ladder, ladder.rate) or _holds(ladder, ladder.calm_rate)


def _holds(ladder: Ladder, rate: Callable[[Octave], float]) -> bool:
    newest, second, third, fourth = (rate(octave) for octave in ladder.octaves[:4])
    recent, before = (
        (2 * newest + second) / 3,
        (2 * third + fourth) / 3,
    )  # an octave is half as long as the next
    level = newest >= LEVEL * max(second, third)
    if newest > SPEEDUP * second or second > SPEEDUP * newest:  # the latter: a table's last resize
        return False
    return level or recent >= (SLOWDOWN - _counting_error(ladder)) * before


def saturates(ladder: Ladder) -> bool:
    """Whether the rate falls, and from octave to octave by twice as large a part of itself.

    So does a set of random keys, long before it is full: what is new among n keys is exp(-steps / n), whose
    logarithm doubles with the steps. Tables that resize are seen without their steepest intervals. A leak
    beside such a set looks the same until the set is nearly full.
    """
    rates = [ladder.calm_rate(octave) for octave in ladder.octaves[:OCTAVES_NEEDED]]
    if min(rates) <= 0:
        return False
    slowing = [1 - later / earlier for later, earlier in pairwise(rates)]
    least, most = SLOWING_DOUBLES
    return slowing[0] >= LEAST_SLOWING and all(
        0 < least * before <= now <= most * before for now, before in pairwise(slowing)
    )


def _counting_error(ladder: Ladder) -> float:
    """How far chance may move a ratio of rates; 0 where events are too many to show one by one.

    Rare events show by intervals without growth. Of c events expected, sqrt(c) more or less come by chance.
    """
    growths = [growth for octave in ladder.octaves[:4] for growth, _ in ladder.inner(octave)]
    if 0 not in growths:
        return 0.0
    event = min((growth for growth in growths if growth > 0), default=0)
    newest, second, third, fourth = (max(ladder.delta(octave), 1) for octave in ladder.octaves[:4])
    return min(MOST_COUNTING_ERROR, 2 * math.sqrt(event / (newest + second) + event / (third + fourth)))


def _stalls(ladder: Ladder) -> bool:
    """Whether the newest interval is slower than the seven before it and their own spread explain."""
    newest, second = ladder.octaves[:2]
    rates = [growth / steps for growth, steps in ladder.inner(second) + ladder.inner(newest)]
    before = sorted(rates[:-1])
    lowest, median = before[0], before[len(before) // 2]
    return rates[-1] < STALL * (lowest - (median - lowest))


def grows_above_noise(ladder: Ladder, noise: float) -> bool:
    """Whether the last octaves double, and the newest outgrows the noise and all that did not double."""
    newest = ladder.octaves[0]
    risen = sum(growth > 0 for growth, _ in ladder.inner(newest))
    if risen < 3 * len(ladder.inner(newest)) // 4 or _stalls(ladder) or saturates(ladder):
        return False
    if ladder.delta(newest) < NOISE_MULTIPLE * max(noise, _uneven_delta(ladder), 1):
        return False
    return _one_rate_fits(ladder, noise) and (noise > 0 or _keeps_pace(ladder))


def _one_rate_fits(ladder: Ladder, noise: float) -> bool:
    """Whether one constant rate explains the last three octaves, each delta off by the noise at most."""
    low, high = EVENNESS
    slowest, fastest = 0.0, float("inf")
    for octave in ladder.octaves[:3]:
        delta, steps = ladder.delta(octave), ladder.steps[octave.last] - ladder.steps[octave.first]
        slowest = max(slowest, (low * delta - noise) / steps)
        fastest = min(fastest, (high * delta + noise) / steps)
    return slowest <= fastest


def _uneven_delta(ladder: Ladder) -> int:
    """The largest delta of the octaves before the last three that is out of proportion to them."""
    low, high = EVENNESS
    rate = ladder.rate(ladder.octaves[0])
    older = [octave for octave in ladder.octaves[3:] if not low * rate <= ladder.rate(octave) <= high * rate]
    return max((abs(ladder.delta(octave)) for octave in older), default=0)


def rises(ladder: Ladder, threshold: float) -> list[tuple[int, int]]:
    """(steps before, steps after) of each rise by more than the threshold above the lowest since the last."""
    found: list[tuple[int, int]] = []
    low_value, low_step = ladder.values[0], ladder.steps[0]
    for step, value in zip(ladder.steps[1:], ladder.values[1:], strict=True):
        if value - low_value > threshold:
            found.append((low_step, step))
            low_value, low_step = value, step
        elif value <= low_value:
            low_value, low_step = value, step
    return found


def steps_until_quiet(risen: list[tuple[int, int]]) -> float:
    """The ladder's length at which these rises, if no other follows, are over; 0 where there are none."""
    if not risen:
        return 0.0
    ends = [0, *(end for _, end in risen)]
    starts = [0, *(start for start, _ in risen[:-1])]
    pause = max(end - start for start, end in zip(starts, ends[1:], strict=True))
    return ends[-1] + QUIET_MULTIPLE * pause


def no_longer_speeds_up(ladder: Ladder) -> bool:
    """Whether the last two octaves rose no more than the two before them, their greatest spike aside.

    A leak rises four times as much; logarithmic growth, and noise that dies down, no more than before.
    """
    newest, second, third, fourth = ladder.octaves[:4]
    before = [growth for octave in (fourth, third) for growth, _ in ladder.inner(octave) if growth > 0]
    if len(before) < PATTERN_RISES:
        return False
    if ladder.delta(newest) + ladder.delta(second) > NO_FASTER * max(
        0, ladder.delta(third) + ladder.delta(fourth)
    ):
        return False
    recent = sum(abs(growth) for octave in (second, newest) for growth, _ in ladder.inner(octave))
    return recent <= NO_FASTER * (sum(before) - max(before))


def smallest_seen(ladder: Ladder, noise: float, quantum: int) -> float:
    """Growth a step that these readings could not have hidden, if it comes `RARE_EVENTS` times in an octave.

    Had it been added to them, none of the proofs above would have called its absence proved: it makes rises
    above the noise up to the end, and rises faster than growth that is about to stop may.
    """
    if not ladder.octaves:
        return max(RARE_EVENTS * quantum, SEEN_NOISES * noise) / max(1, ladder.steps[-1])
    newest = ladder.octaves[0]
    octave_steps = ladder.steps[newest.last] - ladder.steps[newest.first]
    above_noise = max(RARE_EVENTS * quantum, SEEN_NOISES * noise) / octave_steps
    return max(above_noise, _hidden_by_what_slows_down(ladder, octave_steps / RARE_EVENTS))


def _hidden_by_what_slows_down(ladder: Ladder, event_steps: float) -> float:
    """The fastest even growth with which the ladder would still count as one that `no_longer_speeds_up`."""
    if len(ladder.octaves) < OCTAVES_NEEDED:
        return 0.0
    newest, second, third, fourth = ladder.octaves[:4]
    recent_steps = ladder.steps[newest.last] - ladder.steps[second.first]
    before_steps = ladder.steps[third.last] - ladder.steps[fourth.first]
    recent = ladder.delta(newest) + ladder.delta(second)
    before = ladder.delta(third) + ladder.delta(fourth)
    one_more_or_less = (1 + NO_FASTER) * event_steps
    return (NO_FASTER * before - recent) / (recent_steps - NO_FASTER * before_steps - one_more_or_less)


def floor_rises(ladder: Ladder, noise: float) -> bool:
    """Whether the octaves' lowest readings rise ever faster, by a third of the noise or more.

    Noise covers the top of a slow leak; at its bottom the leak shows an octave earlier.
    """
    newest, second, third, fourth = (
        min(ladder.values[octave.first + 1 : octave.last + 1]) for octave in ladder.octaves[:4]
    )
    return newest - second > max(second - third, noise / 3) and second > third > fourth
