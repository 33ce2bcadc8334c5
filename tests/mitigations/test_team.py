"""Threads that work in rounds, and hold nothing between them."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING

import pytest
from leakbench.mitigations.team import Team

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def team() -> Iterator[Team]:
    made = Team(3)
    yield made
    made.close()


def test_the_jobs_of_a_round_run_at_the_same_time_each_in_a_thread_of_its_own(team: Team) -> None:
    together = threading.Barrier(3)
    threads: set[int] = set()

    def work() -> None:
        together.wait(30.0)
        threads.add(threading.get_ident())

    team.run([work] * 3)
    assert len(threads) == 3
    first = set(threads)
    team.run([work] * 3)
    assert threads == first
    assert threading.get_ident() not in threads


def test_a_round_may_leave_threads_idle(team: Team) -> None:
    done: list[int] = []
    team.run([lambda: done.append(1)])
    team.run([])
    assert done == [1]


def test_an_error_is_raised_where_the_round_was_started_and_the_next_round_runs(team: Team) -> None:
    done: list[str] = []

    def fail() -> None:
        raise LookupError("in a job")

    with pytest.raises(LookupError, match="in a job"):
        team.run([lambda: done.append("before"), fail, lambda: done.append("after")])
    assert sorted(done) == ["after", "before"]
    team.run([lambda: done.append("again")])
    assert done[-1] == "again"


def test_a_team_that_is_dropped_ends_though_its_jobs_referred_to_it() -> None:
    class Owner:
        def __init__(self) -> None:
            self.team = Team(2)

        def work(self) -> None:
            """Do nothing, as a method of the owner."""

    before = threading.active_count()
    owner = Owner()
    owner.team.run([owner.work, owner.work])
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None
    assert threading.active_count() == before


def test_more_jobs_than_threads_are_refused(team: Team) -> None:
    with pytest.raises(ValueError, match="4 jobs for 3 threads"):
        team.run([lambda: None] * 4)
    with pytest.raises(ValueError, match="at least, not 0"):
        Team(0)
