"""How far a check climbs, and how far its readings are believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from leakbench import growth, policy

if TYPE_CHECKING:
    from collections.abc import Callable

# A window of 500 entries under CPython 3.10: (steps, heap bytes above the baseline) as it was read.
WINDOW = (
    (0, 0), (65_536, 160_704), (77_936, 160_720), (92_682, 160_704), (110_218, 160_704), (131_072, 160_720),
    (155_872, 160_704), (185_364, 160_720), (220_436, 160_704), (262_144, 160_720), (311_744, 160_720),
    (370_728, 160_752), (440_872, 160_768), (524_288, 160_768), (623_487, 160_784), (741_455, 160_800),
    (881_744, 160_800), (1_048_576, 160_832), (1_246_974, 160_848), (1_482_910, 160_896),
    (1_763_488, 160_976), (2_097_152, 161_008),
)  # fmt: skip


def _samples(readings: tuple[tuple[int, int], ...]) -> list[growth.Sample]:
    return [growth.Sample(steps, heap, 0, 1, 4, 0) for steps, heap in readings]


def test_glibcs_rounding_of_a_live_window_is_no_leak() -> None:
    """The same 500 entries, 304 bytes more after two million steps: taken at its word the count says leak."""
    assert growth.judge(_samples(WINDOW)).verdict == "leak"
    assert policy.judge(_samples(WINDOW)).verdict == "bounded"


def test_a_rare_leak_outgrows_the_rounding_too() -> None:
    """32 bytes in 10,000 steps: 416 kept by a quarter, 16 * sqrt(6.5) is 41, and the last octave has 832."""
    steps = [0, *growth.rungs(256, 524_288)]
    readings = tuple((step, 32 * (step // 10_000)) for step in steps)
    assert policy.rounding_bytes(_samples(readings)) == 41
    assert policy.judge(_samples(readings)).verdict == "leak"


def test_what_threads_leave_behind_moves_by_two_chunks_rounding() -> None:
    """Read on a busy machine: the 32 bytes more at 1,722 steps are no growth, though they are the most."""
    steps = [0, *growth.rungs(16, 4_096)]
    moves = {1_024: -16, 1_448: -16, 1_722: 16}
    readings = tuple((step, 0 if step == 0 else 1_008 + moves.get(step, 0)) for step in steps)
    assert growth.judge(_samples(readings)).verdict == "inconclusive"
    assert policy.judge(_samples(readings)).verdict == "steady"


def test_a_count_that_falls_may_be_moved_by_a_few_chunks() -> None:
    """Read on a busy machine where threads come and go: +80 at 1,448 steps is the first +32 and 48 more."""
    steps = [0, *growth.rungs(8, 4_096)]
    moves = {64: 48, 362: 64, 1_024: 64, 1_448: 80, 1_722: 48, 2_048: 64, 4_096: 48}
    readings = tuple((step, 0 if step == 0 else moves.get(step, 32)) for step in steps)
    assert growth.judge(_samples(readings)).verdict == "inconclusive"
    assert policy.rounding_bytes(_samples(readings)) == 128
    assert policy.judge(_samples(readings)).verdict == "steady"


def test_a_leak_outgrows_the_rounding_of_what_it_keeps() -> None:
    """At 100 bytes a step 1,024 steps keep 102,400 bytes: 16 * sqrt(1,600) is 640, an octave 204,800."""
    steps = [0, *growth.rungs(8, 4_096)]
    readings = _samples(tuple((step, 100 * step) for step in steps))
    assert policy.rounding_bytes(readings) == 640
    assert policy.judge(readings).verdict == "leak"


BOUNDS = policy.Bounds(budget_seconds=5.0, steps=None, growth_cap_bytes=256 << 20)
REST, WHOLE = policy.RESTING_STEPS, policy.CERTAIN_STEPS


def _climbed_to(top: int, heap_bytes: Callable[[int], int]) -> list[growth.Sample]:
    """Samples of a ladder of quick steps; outside the heap nothing moves."""
    steps = [0, *growth.rungs(256, top)]
    return _samples(tuple((step, heap_bytes(step)) for step in steps))


def test_steps_at_rest_are_believed_sooner() -> None:
    assert not policy.enough(_climbed_to(REST // 2, lambda _: 0), 0.1, BOUNDS)
    assert policy.enough(_climbed_to(REST, lambda _: 0), 0.1, BOUNDS)


@pytest.mark.parametrize(
    "heap_bytes",
    [
        lambda step: 64 * step,  # a leak
        lambda step: 32 * (step // 100_000),  # one event in the last three octaves, of 32 bytes
        lambda step: min(step, 100_000) * 64,  # a cache that has only just filled
        lambda step: 1_000 * (step % 2) + 32 * (step // 1_024),  # noise, and a leak above it
    ],
)
def test_what_is_not_at_rest_is_watched_to_the_top(heap_bytes: Callable[[int], int]) -> None:
    assert not policy.at_rest(_climbed_to(REST, heap_bytes))
    assert not policy.enough(_climbed_to(REST, heap_bytes), 0.1, BOUNDS)


def test_noise_that_stays_in_its_range_is_rest_and_one_thread_more_is_none() -> None:
    """From 2,048 to 16,384 steps it ranges over 24,000 bytes, of which 6,000 more are a quarter."""
    noise = {0: 24_000, 1: 12_000, 2: 0}

    def heap_bytes(step: int) -> int:
        return noise[(step + 2) % 3] + (6_000 if step == REST else 0)

    assert heap_bytes(REST) == 18_000
    assert policy.at_rest(_climbed_to(REST, heap_bytes))
    samples = _climbed_to(REST, lambda _: 0)
    assert not policy.at_rest([*samples[:-1], samples[-1]._replace(threads=2)])
    assert not policy.at_rest([*samples[:-1], samples[-1]._replace(outside_bytes=4_096)])
