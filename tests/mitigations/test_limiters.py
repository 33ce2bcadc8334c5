"""Limiters admit what they promise, no more and no less, and forget who no longer matters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from leakbench.mitigations.expiring import ScriptedClock
from leakbench.mitigations.limiters import NoLimit, PerClient, SlidingWindow, TokenBucket


def test_a_bucket_admits_its_burst_and_then_its_rate() -> None:
    """4 saved up, then one every 2 ticks: 4 at tick 0, and at ticks 2, 4, …, 10 one each."""
    clock = ScriptedClock()
    bucket = TokenBucket(0.5, 4, clock)
    assert [bucket.admit("a") for _ in range(6)] == [True] * 4 + [False] * 2
    admitted = []
    for clock.now in range(1, 11):
        if bucket.admit("a"):
            admitted.append(clock.now)
    assert admitted == [2, 4, 6, 8, 10]


def test_a_bucket_saves_no_more_than_its_burst() -> None:
    clock = ScriptedClock()
    bucket = TokenBucket(1.0, 3, clock)
    clock.now = 1_000_000
    assert sum(bucket.admit("a") for _ in range(10)) == 3


@given(st.lists(st.integers(0, 5), max_size=60))
def test_no_window_ever_holds_more_than_its_most(pauses: list[int]) -> None:
    clock = ScriptedClock()
    window = SlidingWindow(3, 10, clock)
    admitted: list[int] = []
    for pause in pauses:
        clock.now += pause
        recent = [time for time in admitted if time > clock.now - 10]
        assert window.admit("a") == (len(recent) < 3)
        if len(recent) < 3:
            admitted.append(clock.now)


def test_one_client_does_not_use_up_the_rights_of_another() -> None:
    clock = ScriptedClock()
    limiter = PerClient(lambda: TokenBucket(0.5, 2, clock), clock)
    assert [limiter.admit("crawler") for _ in range(3)] == [True, True, False]
    assert limiter.admit("visitor")


def test_a_limiter_per_client_keeps_a_record_of_every_client_that_ever_wrote() -> None:
    clock = ScriptedClock()
    limiter = PerClient(lambda: TokenBucket(0.5, 2, clock), clock)
    for clock.now in range(10_000):
        limiter.admit(clock.now)
    assert len(limiter) == 10_000


def test_one_that_forgets_keeps_those_of_the_idle_time_alone() -> None:
    clock = ScriptedClock()
    limiter = PerClient(lambda: TokenBucket(0.5, 2, clock), clock, idle=4)
    for clock.now in range(10_000):
        limiter.admit(clock.now)
        assert len(limiter) <= 4


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), max_size=80))
def test_forgetting_gives_nobody_more_or_less(requests: list[tuple[int, int]]) -> None:
    """Idle for burst / rate: by then the forgotten bucket would be as full as a new one."""
    clock = ScriptedClock()
    keeping = PerClient(lambda: TokenBucket(0.5, 2, clock), clock)
    forgetting = PerClient(lambda: TokenBucket(0.5, 2, clock), clock, idle=4)
    for client, pause in requests:
        clock.now += pause
        assert forgetting.admit(client) == keeping.admit(client)


def test_those_that_limit_all_alike_keep_no_records() -> None:
    clock = ScriptedClock()
    for limiter in (NoLimit(), TokenBucket(1.0, 1, clock), SlidingWindow(1, 1, clock)):
        assert limiter.admit("a")
        assert len(limiter) == 0
