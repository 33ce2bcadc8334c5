"""Scripted readings: what the heap of a known mechanism reads at each rung, without allocating anything.

A mechanism is a function of the steps done; random ones are drawn anew at each rung, or walk from one to the
next, from the seed they are given. The tables are CPython's own: a list grows by an eighth, a dict doubles at
two thirds, a set quadruples up to 50,000 entries and doubles from there.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Mechanism = Callable[[int], int]


def at(rungs: Sequence[int], *mechanisms: Mechanism) -> list[int]:
    """The sum of the mechanisms at each rung; they are asked in the order of the rungs."""
    return [sum(mechanism(steps) for mechanism in mechanisms) for steps in rungs]


def leak(bytes_each: int, every: int = 1, phase: int = 0) -> Mechanism:
    """One object of bytes_each in every so many steps, the first at step `phase`."""
    return lambda steps: bytes_each * max(0, -(-(steps - phase) // every))


def late_leak(bytes_each: int, from_step: int) -> Mechanism:
    return lambda steps: bytes_each * max(0, steps - from_step)


def growing_entries(bytes_more_each: int) -> Mechanism:
    """Each entry is larger than the one before: the rate doubles with each octave."""
    return lambda steps: bytes_more_each * steps * (steps - 1) // 2


def random_leak(bytes_each: int, every: int, seed: int) -> Mechanism:
    """One object in so many steps on average, by chance."""
    source = random.Random(seed)  # noqa: S311  seeded noise is the point
    held = before = 0

    def reading(steps: int) -> int:
        nonlocal held, before
        held += _poisson(source, (steps - before) / every)
        before = steps
        return bytes_each * held

    return reading


def _poisson(source: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(source.gauss(mean, math.sqrt(mean))))
    count, product, limit = -1, 1.0, math.exp(-mean)
    while product > limit:
        product *= source.random()
        count += 1
    return count


def list_table(entries: int) -> int:
    """Bytes of a list's slots after so many appends."""
    slots = 0
    while slots < entries:
        slots = (slots + 1 + ((slots + 1) >> 3) + 6) & ~3
    return 8 * slots


def dict_table(entries: int) -> int:
    """Bytes of a dict's table: 24 a usable entry (two thirds of the slots), 1 to 4 an index."""
    slots = 8
    while slots * 2 // 3 < entries:
        slots *= 2
    return slots * 2 // 3 * 24 + slots * (1 if slots <= 256 else 2 if slots <= 65536 else 4)


def set_table(entries: int) -> int:
    slots = 8
    while slots * 3 // 5 < entries:
        slots *= 4 if slots * 3 // 5 <= 50_000 else 2
    return 16 * slots


def container(table: Callable[[int], int], entry_bytes: int, every: int = 1) -> Mechanism:
    """An entry in every so many steps, kept in a table that is resized as it grows."""
    return lambda steps: table(steps // every) + entry_bytes * (steps // every)


def cache(bound: int, entry_bytes: int, table: Callable[[int], int] = dict_table) -> Mechanism:
    """Filling up to its bound, then replacing."""
    return lambda steps: table(min(steps, bound)) + entry_bytes * min(steps, bound)


def coupons(keys: int, entry_bytes: int, table: Callable[[int], int] = lambda _entries: 0) -> Mechanism:
    """A cache of what has been asked for, of so many keys drawn at random: it fills ever more slowly."""

    def reading(steps: int) -> int:
        entries = keys * -math.expm1(-steps / keys)
        return round(entry_bytes * entries) + table(int(entries))

    return reading


def sawtooth(period: int, entry_bytes: int) -> Mechanism:
    return lambda steps: entry_bytes * (steps % period)


def one_off(size_bytes: int, at_step: int) -> Mechanism:
    return lambda steps: size_bytes if steps >= at_step else 0


def released(size_bytes: int, at_step: int) -> Mechanism:
    """Held at the baseline, given back at a step."""
    return lambda steps: 0 if steps >= at_step else size_bytes


def noise(range_bytes: int, seed: int) -> Mechanism:
    """Anything between 0 and the range, with equal chances, drawn anew at each rung."""
    source = random.Random(seed)  # noqa: S311  seeded noise is the point
    return lambda _steps: source.randint(0, range_bytes)


def now_and_then(size_bytes: int, chance: float, seed: int) -> Mechanism:
    """Mostly nothing; by chance something that is gone again at the next rung."""
    source = random.Random(seed)  # noqa: S311  seeded noise is the point
    return lambda _steps: size_bytes * (source.random() < chance)


def bounded_walk(step_bytes: int, bound_bytes: int, seed: int) -> Mechanism:
    """A random walk between 0 and a bound: what is held at one moment resembles the moment before."""
    source = random.Random(seed)  # noqa: S311  seeded noise is the point
    position, before = 0.0, 0

    def reading(steps: int) -> int:
        nonlocal position, before
        position += source.gauss(0, step_bytes * math.sqrt(steps - before))
        position %= 2 * bound_bytes  # reflected at both ends
        before = steps
        return round(min(position, 2 * bound_bytes - position))

    return reading


def dying_noise(first_bytes: float, seed: int, exponent: float = 0.3) -> Mechanism:
    """Growth that slows down as steps**exponent, jittered: warm caches, fragments, pools."""
    source = random.Random(seed)  # noqa: S311  seeded noise is the point
    return lambda steps: round(first_bytes * steps**exponent * source.uniform(0.95, 1.0))


def logarithm(bytes_an_octave: int) -> Mechanism:
    return lambda steps: round(bytes_an_octave * math.log2(steps + 1))
