"""Threads on their way out are waited for; those that stay are waited for once. Told by scripted looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakbench.child.departing import Departing

if TYPE_CHECKING:
    from collections.abc import Iterator

FUTILE_LOOKS = 100 + 4 + 1  # for one thread that does not go


class Threads:
    """The main thread, Python's own, and strays; at each look the next script's strays are there."""

    def __init__(self) -> None:
        self.strays = {"11"}
        self.looks = 0
        self.script: Iterator[set[str]] = iter(())

    def count(self) -> int:
        return len(self.strays)

    def ids(self) -> list[str]:
        return ["1", "2", *self.strays]

    def sleep(self, _seconds: float) -> None:
        self.looks += 1
        self.strays = next(self.script, self.strays)


def wait(departing: Departing, threads: Threads) -> int:
    """How many looks it took."""
    threads.looks = 0
    departing.wait()
    return threads.looks


def test_threads_that_go_one_by_one_are_waited_for_however_long_it_takes() -> None:
    threads = Threads()
    threads.strays = {str(number) for number in range(10, 20)}
    each_after_90_looks = [{str(n) for n in range(10, 20 - i // 90)} for i in range(1, 901)]
    threads.script = iter(each_after_90_looks)
    assert wait(Departing(threads.count, threads.ids, threads.sleep), threads) == 900
    assert threads.count() == 0


def test_a_thread_that_stays_is_waited_for_once() -> None:
    threads = Threads()
    departing = Departing(threads.count, threads.ids, threads.sleep)
    assert wait(departing, threads) == FUTILE_LOOKS
    assert wait(departing, threads) == 0
    threads.strays |= {"12"}
    threads.script = iter([{"11", "12"}, {"11"}])
    assert wait(departing, threads) == 2


def test_a_thread_that_went_after_all_leaves_no_place_for_another() -> None:
    """It was taken to stay, on a machine that gave it no time; what comes after it is waited for again."""
    threads = Threads()
    departing = Departing(threads.count, threads.ids, threads.sleep)
    assert wait(departing, threads) == FUTILE_LOOKS
    threads.strays = {"12"}
    threads.script = iter([{"12"}, {"12"}, set()])
    assert wait(departing, threads) == 3
