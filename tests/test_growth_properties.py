"""The judge against any amount, any period, any seed: what it may never say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hypothesis import assume, example, given
from hypothesis import strategies as st
from leakbench import proofs
from leakbench.growth import judge_series, rungs

from tests import series

if TYPE_CHECKING:
    from collections.abc import Callable

BASES = st.sampled_from([8, 32, 256, 512])
TOP = 524_288


def kind(base: int, *mechanisms: series.Mechanism) -> str:
    ladder = (0, *rungs(base, TOP))
    return judge_series(ladder, series.at(ladder, *mechanisms), quantum=32, warm_up=4096).kind


@given(base=BASES, size=st.integers(16, 1 << 20), every=st.integers(1, TOP // 16), phase=st.floats(0, 0.999))
def test_a_regular_leak_of_any_size_is_a_leak(base: int, size: int, every: int, phase: float) -> None:
    assert kind(base, series.leak(size, every, int(phase * every))) == "leak"


@given(base=BASES, size=st.integers(16, 1 << 20), every=st.integers(TOP // 16, TOP // 5))
def test_a_rare_leak_is_never_taken_for_none(base: int, size: int, every: int) -> None:
    assert kind(base, series.leak(size, every)) in {"leak", "inconclusive"}


@given(base=BASES, bound=st.integers(1, TOP // 2), size=st.integers(16, 10_000))
def test_a_cache_that_filled_an_octave_ago_is_never_a_leak(base: int, bound: int, size: int) -> None:
    assert kind(base, series.cache(bound, size)) != "leak"


@given(
    base=BASES,
    keys=st.integers(1, 6_000_000),
    table=st.sampled_from([series.dict_table, series.set_table]),
)
def test_a_random_set_of_keys_is_never_a_leak(base: int, keys: int, table: Callable[[int], int]) -> None:
    assert kind(base, series.coupons(keys, 32, table)) != "leak"


@given(base=BASES, period=st.integers(2, TOP - 1), size=st.integers(1, 10_000))
def test_a_sawtooth_that_was_seen_to_reset_is_never_a_leak(base: int, period: int, size: int) -> None:
    assert kind(base, series.sawtooth(period, size)) != "leak"


@given(base=BASES, spikes=st.lists(st.tuples(st.integers(32, 1 << 20), st.integers(1, TOP)), max_size=4))
def test_a_few_one_offs_are_never_a_leak(base: int, spikes: list[tuple[int, int]]) -> None:
    assert kind(base, *(series.one_off(size, at_step) for size, at_step in spikes)) != "leak"


@given(base=BASES, size=st.integers(1, 1 << 20), seed=st.integers(0, 1 << 32))
def test_stationary_noise_is_never_a_leak(base: int, size: int, seed: int) -> None:
    assert kind(base, series.noise(size, seed)) != "leak"


@given(
    base=BASES, first=st.integers(100, 100_000), seed=st.integers(0, 1 << 32), exponent=st.floats(0.05, 0.5)
)
def test_growth_that_slows_down_is_never_a_leak(base: int, first: int, seed: int, exponent: float) -> None:
    assert kind(base, series.dying_noise(first, seed, exponent)) != "leak"


BYTES = st.integers(1, 1 << 20)
SEEDS = st.integers(0, 1 << 32)
CLEAN = st.one_of(
    st.builds(series.noise, BYTES, SEEDS),
    st.builds(series.now_and_then, BYTES, st.floats(0.01, 0.9), SEEDS),
    st.builds(series.bounded_walk, st.integers(1, 1_000), BYTES, SEEDS),
    st.builds(series.dying_noise, st.integers(100, 100_000), SEEDS, st.floats(0.05, 0.9)),
    st.builds(series.sawtooth, st.integers(2, TOP), st.integers(1, 10_000)),
    st.builds(series.cache, st.integers(1, TOP), st.integers(16, 10_000)),
    st.builds(series.coupons, st.integers(1, TOP), st.integers(16, 10_000)),
    st.builds(series.one_off, BYTES, st.integers(1, TOP)),
    st.builds(series.released, BYTES, st.integers(1, TOP)),
    st.builds(series.logarithm, BYTES),
)


@given(
    base=BASES,
    per_octave=st.sampled_from([2, 4]),
    mechanisms=st.lists(CLEAN, max_size=3),
    floor=st.sampled_from([0, 64, 2 << 20]),
    every=st.integers(1, TOP // 2 // proofs.RARE_EVENTS),
    phase=st.floats(0, 0.999),
    times=st.floats(1.0, 100.0),
)
def test_a_leak_at_the_rate_that_is_given_as_seen_is_never_taken_for_none(  # noqa: PLR0917  # a ladder, a leak
    base: int,
    per_octave: int,
    mechanisms: list[series.Mechanism],
    floor: int,
    every: int,
    phase: float,
    times: float,
) -> None:
    """Whatever else goes on: the very readings that were called clean, with the leak added to them."""
    ladder = (0, *rungs(base, TOP, per_octave))
    readings = series.at(ladder, *mechanisms)
    without = judge_series(ladder, readings, floor=floor, quantum=32, warm_up=4096)
    assume(without.kind in {"bounded", "steady"})
    entry_bytes = math.ceil(times * without.smallest_detectable_per_step * every)
    leaking = series.at(ladder, series.leak(entry_bytes, every, int(phase * every)))
    both = [reading + leaked for reading, leaked in zip(readings, leaking, strict=True)]
    judged = judge_series(ladder, both, floor=floor, quantum=32, warm_up=4096)
    assert judged.kind in {"leak", "inconclusive"}


@given(st.lists(st.integers(-(1 << 40), 1 << 40), min_size=1, max_size=48))
@example([0])
def test_any_readings_get_an_answer_whose_parts_agree(values: list[int]) -> None:
    ladder = (0, *rungs(256, TOP))[: len(values)]
    trend = judge_series(ladder, values[: len(ladder)])
    assert trend.interval[0] <= trend.per_step <= trend.interval[1]
    assert (trend.wanted_steps is None) == (trend.kind != "inconclusive")
    assert (trend.began_at_step is None) == (trend.kind != "leak")
    assert trend.per_step == 0.0 or trend.kind == "leak"
