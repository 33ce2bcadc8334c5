"""The judge, on scripted readings: every mechanism that leaks is found, every one that looks like it is not.

Steps run to 524,288 on four rungs an octave unless a test says otherwise: 2**19, so octaves end at 2**k.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from leakbench import proofs
from leakbench.growth import BoundedCache, Resource, Sample, filling, judge, judge_series, rungs
from leakbench.probes.ledger import fixed_rungs, further_octaves, goes_on
from leakbench.unreturned import Kept, is_unreturned, kept_after, returned, say

from tests import recorded_ladders, series

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leakbench.trend import Trend

    from tests.series import Mechanism

LADDER = (0, *rungs(256, 524_288))


def judged(*mechanisms: Mechanism, ladder: Sequence[int] = LADDER) -> Trend:
    return judge_series(ladder, series.at(ladder, *mechanisms), quantum=32, warm_up=4096)


def counted(*mechanisms: Mechanism) -> Trend:
    """A count of threads or descriptors under slow steps: five octaves, 8 to 256."""
    ladder = (0, *rungs(8, 256))
    return judge_series(ladder, series.at(ladder, *mechanisms), floor=2, warm_up=2)


def test_rungs_are_geometric_and_hold_every_octave() -> None:
    # 8 x 2**(1/4) = 9.51, x 2**(1/2) = 11.31, x 2**(3/4) = 13.45
    assert rungs(8, 32) == (8, 10, 11, 13, 16, 19, 23, 27, 32)


def test_rungs_that_round_to_one_number_are_one_rung() -> None:
    assert rungs(1, 4) == (1, 2, 3, 4)


def test_rungs_below_one_step_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0 and 4"):
        rungs(0, 8)


def test_nothing_at_all_is_steady_at_exactly_zero() -> None:
    trend = judged(lambda _steps: 0)
    assert trend.kind == "steady"
    assert (trend.per_step, trend.interval, trend.noise) == (0.0, (0.0, 0.0), 0.0)
    # 32 chunks of 32 bytes in the last octave of 262,144 steps
    assert trend.smallest_detectable_per_step == 1_024 / 262_144


def test_a_leak_of_64_bytes_a_step_is_found_with_its_exact_rate() -> None:
    trend = judged(series.leak(64))
    assert (trend.kind, trend.per_step, trend.retained) == ("leak", 64.0, 64 * 524_288)
    assert trend.began_at_step == 256
    assert trend.evidence.startswith("+4,194,304, +8,388,608, +16,777,216 in the last three octaves")


def test_a_leak_that_began_late_is_dated() -> None:
    trend = judged(series.late_leak(64, from_step=10_000))
    # 8,192 to 16,384 grew 64 x 6,384 = 408,576, 50 a step: more than half the rate of 64
    assert (trend.kind, trend.began_at_step) == ("leak", 8192)


@pytest.mark.parametrize("every", [1, 6, 10, 1000, 5000, 30_000])
@pytest.mark.parametrize("bytes_each", [32, 1 << 20])
def test_one_object_in_so_many_steps_is_a_leak_whose_interval_holds_the_truth(
    bytes_each: int, every: int
) -> None:
    trend = judged(series.leak(bytes_each, every, phase=every // 3))
    assert trend.kind == "leak"
    assert trend.interval[0] <= bytes_each / every <= trend.interval[1]


def test_an_object_every_100_000_steps_is_never_taken_for_steady() -> None:
    # five events: at 50,000, 150,000 ... 450,000; two in the last octave are too few to be sure
    trend = judged(series.leak(32, 100_000, phase=50_000))
    assert trend.kind == "inconclusive"
    longer = (0, *rungs(256, 4 * 524_288))
    assert judged(series.leak(32, 100_000, phase=50_000), ladder=longer).kind == "leak"


@pytest.mark.parametrize("table", [series.list_table, series.dict_table, series.set_table])
def test_the_resizing_of_a_table_does_not_hide_a_leak(table: Mechanism) -> None:
    assert judged(series.container(table, entry_bytes=32)).kind == "leak"


def test_slots_of_a_list_alone_are_a_leak_of_eight_bytes() -> None:
    trend = judged(series.container(series.list_table, entry_bytes=0))
    assert trend.kind == "leak"
    assert trend.interval[0] <= 8 <= trend.interval[1]


def test_entries_that_grow_with_the_steps_are_a_leak() -> None:
    trend = judged(series.growing_entries(8))
    assert trend.kind == "leak"
    assert trend.evidence.endswith("it rose in every stretch of the last octave, and ever faster")
    assert judged(series.leak(8)).evidence.endswith(
        "it rose in every stretch of the last octave, as fast as before"
    )


def test_a_leak_ten_times_above_the_noise_is_found() -> None:
    # 0.2 x 262,144 = 52,428 bytes in the last octave, against 5,000 of noise
    trend = judged(lambda steps: steps // 5, series.noise(5000, seed=1))
    assert trend.kind == "leak"
    assert trend.interval[0] <= 0.2 <= trend.interval[1]


def test_a_leak_below_the_noise_is_not_claimed_and_the_limit_says_so() -> None:
    # 0.001 x 262,144 = 262 bytes in the last octave, against 5,000 of noise
    trend = judged(lambda steps: steps // 1000, series.noise(5000, seed=1))
    assert trend.kind in {"steady", "inconclusive"}
    assert trend.smallest_detectable_per_step > 0.001


def test_a_leak_beside_a_one_off_table_is_found() -> None:
    assert judged(series.leak(32), series.one_off(10_000_000, at_step=300_000)).kind == "leak"


@pytest.mark.parametrize("bound", [10, 1000, 50_000, 100_000])
def test_a_cache_that_has_been_full_for_two_octaves_is_no_leak(bound: int) -> None:
    trend = judged(series.cache(bound, entry_bytes=100))
    assert trend.kind in {"bounded", "steady"}
    assert trend.per_step == 0.0


def test_a_cache_full_just_now_is_not_yet_judged() -> None:
    trend = judged(series.cache(bound=400_000, entry_bytes=100))
    assert (trend.kind, trend.wanted_steps) == ("inconclusive", 1_048_576)


@pytest.mark.parametrize("table", [series.dict_table, series.set_table])
@pytest.mark.parametrize("keys", [500_000, 800_000, 1_500_000, 3_000_000, 6_000_000])
def test_a_random_set_of_keys_is_no_leak_long_before_it_is_full(keys: int, table: Mechanism) -> None:
    # of 1,500,000 keys the last four octaves find 97, 94, 88 and 77 new ones in 100
    trend = judged(series.coupons(keys, 32, table))
    assert trend.kind == "inconclusive"
    assert "ever more slowly" in trend.evidence or "not evenly" in trend.evidence


def test_a_table_that_resizes_for_the_last_time_is_no_leak() -> None:
    # the dict of 44,668 keys doubles at 43,690, by step 185,364, when all but 700 keys are there
    assert judged(series.coupons(44_668, 32, series.dict_table)).kind == "inconclusive"


@pytest.mark.parametrize("period", [10, 1000, 1024, 7000, 70_000, 131_072])
def test_a_sawtooth_two_octaves_after_its_reset_is_no_leak(period: int) -> None:
    assert judged(series.sawtooth(period, entry_bytes=64)).kind == "steady"


@pytest.mark.parametrize("at_step", [1, 300, 10_000, 131_072])
def test_a_one_off_two_octaves_ago_is_no_leak(at_step: int) -> None:
    trend = judged(series.one_off(208_896, at_step))
    assert (trend.kind, trend.retained) == ("bounded", 208_896)


def test_a_one_off_in_the_last_octave_asks_for_two_octaves_more() -> None:
    # it lies between the rungs 262,144 and 311,744; 4 x 311,744 = 1,246,976 rounds up to 524,288 x 4
    trend = judged(series.one_off(208_896, at_step=300_000))
    assert (trend.kind, trend.wanted_steps) == ("inconclusive", 2_097_152)


def test_growth_that_dies_down_is_no_leak() -> None:
    assert judged(series.dying_noise(1000, seed=1)).kind != "leak"
    assert judged(series.logarithm(100)).kind == "steady"


def test_a_release_is_no_leak() -> None:
    trend = judged(series.released(100_000, at_step=200_000))
    assert (trend.kind, trend.retained) == ("steady", -100_000)


def test_three_octaves_are_too_few_to_judge() -> None:
    trend = judged(series.leak(64), ladder=(0, *rungs(256, 2048)))
    assert (trend.kind, trend.wanted_steps) == ("inconclusive", 4096)


def test_one_descriptor_a_step_is_a_leak_after_256_slow_steps() -> None:
    assert counted(series.leak(1)).kind == "leak"
    assert counted(series.leak(1)).per_step == 1.0


def test_two_threads_more_or_less_are_noise() -> None:
    assert counted(series.noise(4, seed=1)).kind == "steady"


def test_a_pool_of_32_threads_is_bounded() -> None:
    assert counted(lambda steps: min(steps, 32)).kind == "bounded"


def test_series_of_unequal_length_or_falling_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="2 steps but 1 values"):
        judge_series([1, 2], [0])
    with pytest.raises(ValueError, match="strictly increase"):
        judge_series([2, 1], [0, 0])


@pytest.mark.parametrize(
    ("rule", "without_it", "mechanism", "mistake"),
    [
        # The last interval of a cache that fills up at 0.9 of the ladder is slower than all before it.
        ("STALL", 0.0, lambda steps: 100 * min(steps, 472_000), "leak"),
        # n**0.75: each octave grows by 1.68 times the one before, not by 2.
        ("SLOWDOWN", 0.0, lambda steps: round(1000 * steps**0.75), "leak"),
        # The same, if any rate counted as level with the fastest.
        ("LEVEL", 0.0, lambda steps: round(1000 * steps**0.75), "leak"),
        # Events at 150,000 and 450,000: a pause of 74,288 steps after a gap of 300,000.
        ("QUIET_MULTIPLE", 0.0, series.leak(32, 300_000, phase=150_000), "steady"),
    ],
)
def test_without_a_rule_the_judge_is_wrong(
    monkeypatch: pytest.MonkeyPatch, rule: str, without_it: float, mechanism: Mechanism, mistake: str
) -> None:
    assert judged(mechanism).kind == "inconclusive"
    monkeypatch.setattr(proofs, rule, without_it)
    assert judged(mechanism).kind == mistake


def test_no_threshold_in_bytes_a_step_tells_these_leaks_from_this_clean_code() -> None:
    leaking, clean = recorded_ladders.TINY_UNDER_CHURN, recorded_ladders.ASYNCIO_RUN
    rates = [(r.heap_bytes[-1] - r.heap_bytes[-5]) / (r.top / 2) for r in (leaking, clean)]
    assert rates[0] < rates[1] / 1000


RECORDED = {
    "noop": {"steady"},
    "dict_64_bytes": {"leak"},
    "list_slot": {"leak"},
    "tiny_under_churn": {"leak"},
    "set_ints": {"leak"},
    "mebibyte_every_1000": {"leak"},
    "forgetful_sweep": {"leak"},
    "sqlite": {"steady"},
    "one_event_loop": {"steady"},
    "http_server": {"bounded"},
    "ttl_window": {"bounded"},
    "lru_50k": {"bounded"},
    "grown_and_cleared": {"steady"},
    "sawtooth_70k": {"steady"},
    # These changed within the last two octaves: a late table, a late spike, a cache just full.
    "fnmatch": {"inconclusive"},
    "asyncio_run": {"inconclusive"},
    "thread_join": {"inconclusive"},
    "lru_200k": {"inconclusive"},
    "make_dataclass": {"steady"},
}


@pytest.mark.parametrize("name", recorded_ladders.ALL)
def test_ladders_read_from_real_code_are_judged_as_what_they_are(name: str) -> None:
    recorded = recorded_ladders.ALL[name]
    trend = judge_series(
        (0, *rungs(recorded.base, recorded.top)), recorded.heap_bytes, quantum=32, warm_up=4096
    )
    assert trend.kind in RECORDED[name], trend.evidence


def samples(
    heap: Mechanism, threads: Mechanism = lambda _: 1, outside: Mechanism = lambda _: 0
) -> list[Sample]:
    return [Sample(steps, heap(steps), outside(steps), threads(steps), 3, 0) for steps in LADDER]


def test_a_run_that_leaks_threads_alone_is_a_leak_of_no_bytes() -> None:
    growth = judge(samples(heap=lambda _: 0, threads=series.leak(1, every=1000)))
    assert (growth.verdict, growth.leaking, growth.leak_bytes_per_step) == ("leak", (Resource.THREADS,), 0.0)
    assert growth.evidence.startswith("threads: ")


def test_a_leak_in_the_heap_and_outside_is_one_rate() -> None:
    growth = judge(samples(heap=series.leak(64), outside=series.leak(4096, every=64)))
    assert growth.leaking == (Resource.HEAP, Resource.OUTSIDE)
    assert growth.leak_bytes_per_step == 128.0  # 64 and 4,096 / 64


def test_a_mebibyte_of_pages_outside_the_heap_is_noise() -> None:
    growth = judge(samples(heap=lambda _: 0, outside=series.noise(1 << 20, seed=3)))
    assert (growth.verdict, growth.leak_bytes_per_step) == ("steady", 0.0)
    assert growth.smallest_detectable_bytes_per_step == 1_024 / 262_144
    assert growth.smallest_detectable_outside_bytes_per_step == 64.0  # 8 x 2 MiB in 262,144 steps


@pytest.mark.parametrize("ladder", [LADDER, (0, *rungs(8, 32_768)), (0, *rungs(64, 1_048_576, per_octave=2))])
def test_a_leak_at_the_smallest_rate_that_is_given_is_found_by_chance_too(ladder: Sequence[int]) -> None:
    rate = judged(lambda _steps: 0, ladder=ladder).smallest_detectable_per_step
    every = round(32 / rate)
    assert judged(series.leak(32, every), ladder=ladder).kind == "leak"
    kinds = [judged(series.random_leak(32, every, seed), ladder=ladder).kind for seed in range(100)]
    assert set(kinds) <= {"leak", "inconclusive"}
    assert kinds.count("leak") >= 80  # of 100: with two rungs an octave; with four, 90
    often = [judged(series.random_leak(32, every // 8, seed), ladder=ladder).kind for seed in range(100)]
    assert often.count("leak") >= 95


def test_a_heap_that_nobody_counts_is_judged_in_pages() -> None:
    """A MiB of noise is none in a heap that is counted to the byte, and no growth in resident memory."""
    noisy = series.noise(1 << 20, seed=1)
    readings = [Sample(n, noisy(n), 0, 1, 3, 0, heap_is_counted=False) for n in LADDER]
    growth = judge(readings)
    assert (growth.verdict, growth.noise_bytes) == ("steady", 2 << 20)
    assert growth.smallest_detectable_bytes_per_step == 64.0  # as for memory outside a heap that is counted


def test_pages_leaked_too_slowly_for_the_memory_outside_the_heap_are_below_what_is_given_as_seen() -> None:
    """A page in 32 steps, 128 B/op, is 4 MiB after 32,768: the first 2 are noise by nature."""
    steps = (0, *rungs(8, 32_768))
    page_a_while = series.leak(4096, every=32)
    growth = judge([Sample(n, 0, page_a_while(n), 1, 3, 0) for n in steps])
    assert growth.verdict != "leak"
    assert growth.smallest_detectable_outside_bytes_per_step > 128


@pytest.mark.parametrize(
    ("mechanism", "at_most"),
    [
        (lambda seed: series.noise(100_000, seed), 0),
        (lambda seed: series.now_and_then(100_000, 0.1, seed), 0),
        (lambda seed: series.bounded_walk(200, 100_000, seed), 10),
    ],
    ids=["noise", "now and then", "random walk"],
)
def test_to_climb_on_while_undecided_seldom_finds_a_leak_in_noise(
    mechanism: Callable[[int], Mechanism], at_most: int
) -> None:
    """What cannot be judged climbs on; 300 of each are the figures that `follow` tells."""
    first = fixed_rungs(8_192)
    leaks = 0
    for seed in range(300):
        noise = mechanism(seed)
        steps, readings = [0, *first], series.at([0, *first], noise)
        kind = judge_series(steps, readings, floor=64, quantum=32, warm_up=4096).kind
        for octave in further_octaves(first):
            if kind != "inconclusive":
                break
            steps += octave
            readings += series.at(octave, noise)
            kind = judge_series(steps, readings, floor=64, quantum=32, warm_up=4096).kind
        leaks += kind == "leak"
    assert leaks <= at_most


@pytest.mark.parametrize("ttl_steps", [1_512, 2_012])
def test_a_cache_that_its_clock_has_emptied_before_every_rung_is_bounded_in_the_end(ttl_steps: int) -> None:
    """352 B an entry, and what came since the last rung: as read of moka where a rung took 30 ms to read."""
    steps = [0, *fixed_rungs(8_192)]
    verdicts = []
    for octave in [[], *further_octaves(fixed_rungs(8_192))]:
        steps += octave
        came = [step - before for before, step in pairwise([0, *steps])]
        heap = [352 * min(each, ttl_steps) - 16 * (index % 3) for index, each in enumerate(came)]
        readings = [Sample(step, kept, 0, 1, 5, 1) for step, kept in zip(steps, heap, strict=True)]
        verdicts.append(judge(readings, heap_floor_bytes=64).verdict)
        if not goes_on(verdicts[-1], len(verdicts), deterministic=False):
            break
    assert verdicts == ["leak", "inconclusive", "bounded"]


def test_a_first_leak_is_confirmed_only_where_a_clock_may_have_a_part_in_it() -> None:
    assert goes_on("leak", 1, deterministic=False)
    assert not goes_on("leak", 2, deterministic=False)
    assert not goes_on("leak", 1, deterministic=True)
    assert not goes_on("steady", 1, deterministic=False)
    assert goes_on("inconclusive", 2, deterministic=True)


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="no readings"):
        judge([])


def test_a_cache_short_of_its_bound_that_explains_the_growth_is_filling() -> None:
    cache = BoundedCache("lru", LADDER, bound=20_000_000, bytes_per_entry=200)
    found = filling(samples(heap=series.leak(200)), [cache])
    assert found is not None
    assert (found.ceiling_bytes, found.full_at_step) == (4_000_000_000, 20_000_000)
    assert found.explained_share == 1.0


def test_a_list_that_leaks_beside_a_filling_cache_is_not_filling() -> None:
    cache = BoundedCache("lru", LADDER, bound=20_000_000, bytes_per_entry=200)
    # 64 of 264 bytes a step are unexplained: 24 %
    assert filling(samples(heap=series.leak(264)), [cache]) is None
    # 8 of 208, 3.8 %, are few enough, but the residue leaks by itself
    assert filling(samples(heap=series.leak(208)), [cache]) is None


def test_ever_more_caches_are_not_filling() -> None:
    cache = BoundedCache("lru", LADDER, bound=20_000_000, bytes_per_entry=200)
    assert filling(samples(heap=series.leak(200)), [cache], caches_alive=range(len(LADDER))) is None


def test_a_full_cache_whose_values_grow_is_not_filling() -> None:
    full = BoundedCache("lru", (1000,) * len(LADDER), bound=1000, bytes_per_entry=200)
    assert filling(samples(heap=series.leak(200)), [full]) is None
    almost = BoundedCache("lru", (999,) * len(LADDER), bound=1000, bytes_per_entry=200)
    assert filling(samples(heap=series.leak(200)), [almost]) is None


def test_a_last_rung_close_behind_the_one_before_is_no_sign_that_growth_has_stopped() -> None:
    """Time ended the climb 64 steps after a rung: 100 bytes every 150 steps need not come in them."""
    readings = [100 * (step // 150) for step in LADDER]
    assert judge_series(LADDER, readings, quantum=32).kind == "leak"
    cut_off = judge_series([*LADDER, 524_352], [*readings, readings[-1]], quantum=32)
    assert cut_off.kind == "leak"


def test_memory_returned_is_told_from_memory_kept() -> None:
    assert returned(grown_bytes=100 << 20, kept_bytes=9 << 20)
    assert not returned(grown_bytes=100 << 20, kept_bytes=11 << 20)
    assert returned(grown_bytes=100_000, kept_bytes=100_000)  # below the 1 MiB that allocators keep anyway


def test_memory_is_unreturned_as_the_program_leaves_it_and_what_trimming_gives_back_is_told() -> None:
    """60 MB come and go, and the pages stay: the last rung decides, not the reading once they are trimmed."""
    before, burst = {"anonymous_bytes": 10_000_000, "heap_bytes": 5_000_000}, 60_000_000
    rungs = [
        before,
        {"anonymous_bytes": 10_000_000 + burst, "heap_bytes": 5_000_000 + burst},
        {"anonymous_bytes": 10_000_000 + burst, "heap_bytes": 5_001_000},
    ]
    kept = kept_after(rungs, before)
    assert kept == Kept(burst, burst, 1_000, burst, burst)
    assert is_unreturned("steady", kept)
    assert not is_unreturned("leak", kept)
    assert say(kept).endswith("malloc_trim would give back 60,000,000")
    # Half of it lives again: a sawtooth on its way up, which all that stays has been live for.
    assert not is_unreturned("steady", kept._replace(heap_bytes=30_001_000))
    # As much lives as ever did at a rung, and twice that stays: what lived in it came and went in between.
    assert is_unreturned("steady", kept._replace(heap_bytes=30_000_000, most_heap_bytes=30_000_000))
    # A table of 40 MB, just resized, has left its old one of 20 free.
    assert not is_unreturned("steady", kept._replace(heap_bytes=40_000_000, most_heap_bytes=40_000_000))
    # An OrderedDict of 300,000 strings that get longer: 78 MB live, and 55 MB lie free between them.
    evicting = kept._replace(resident_bytes=133_000_000, heap_bytes=78_000_000, most_heap_bytes=78_000_000)
    assert not is_unreturned("bounded", evicting._replace(most_bytes=133_000_000))
    assert say(evicting).startswith("the live heap is at +78,000,000 bytes")
    # A sixth of what stays lies between 50 MB that live.
    assert not is_unreturned("steady", kept._replace(heap_bytes=50_000_000, most_heap_bytes=50_000_000))
    assert kept_after([{**rung, "anonymous_bytes": None} for rung in rungs], before) is None
