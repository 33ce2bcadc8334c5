"""Lines that would take entries out of what grows and have not run: found, and not mistaken for others."""

from __future__ import annotations

import functools
import threading
import time
from typing import TYPE_CHECKING

import pytest
from leakbench.child import dormant
from leakbench.child.dormant import find_dormant, may_remove, names_in
from leakbench.child.ledger import Ladder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOG: list[object] = []
OTHER: list[object] = []


def pops_when_full(i: int) -> None:
    LOG.append(i)
    if len(LOG) > 1_000_000:
        LOG.pop(0)


def pops_by_another_name(i: int) -> None:
    rows = LOG
    rows.append(i)
    while len(rows) > 1_000_000:
        del rows[0]


def pops_a_list_of_its_own(i: int) -> None:
    words = str(i).split()
    if len(words) > 2:
        words.pop()
    LOG.append(words)


def pops_another_list(i: int) -> None:
    LOG.append(i)
    if len(OTHER) > 2:
        OTHER.pop()


def _trim(rows: list[object]) -> None:
    if LOG and len(rows) > 1_000_000:
        rows.clear()


def calls_what_trims(i: int) -> None:
    LOG.append(i)
    if i > 1_000_000:
        _trim(LOG)


def asks_what_it_is(i: int) -> None:
    if LOG is OTHER:
        LOG.clear()
    if i in LOG and str(i) == "quit":
        LOG.remove(i)
    if hasattr(LOG, "closed"):
        LOG.clear()
    LOG.append(i)


def clears_by_the_clock(i: int) -> None:
    LOG.append(i)
    if time.monotonic() > 1e12:
        LOG.clear()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "lines"),
    [
        (asks_what_it_is, []),
        (clears_by_the_clock, ["LOG.clear()"]),
        (pops_when_full, ["LOG.pop(0)"]),
        (pops_by_another_name, ["del rows[0]"]),
        (calls_what_trims, ["_trim(LOG)"]),
        (pops_a_list_of_its_own, []),
        (pops_another_list, []),
    ],
)
def test_a_line_counts_where_it_takes_from_what_grows(step: Callable[[int], None], lines: list[str]) -> None:
    LOG.clear()
    found = find_dormant(step, 0, {"test_dormant.LOG": "list"}, budget_seconds=0.2)
    assert [line["text"] for line in found["dormant"]] == lines


class Rows:
    """Drops all its rows at once, and a table that is a class of one's own evicts by itself."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.state: dict[str, list[int]] = {"rows": []}

    def add(self, i: int) -> None:
        self.rows.append(i)
        if len(self.rows) > 10**6:
            self.reset()

    def reset(self) -> None:
        self.rows = []

    def add_to_state(self, i: int) -> None:
        self.state["rows"].append(i)
        if len(self.state["rows"]) > 10**6:
            self.state["rows"] = []

    def hand_over(self, i: int) -> list[int] | None:
        self.rows.append(i)
        if len(self.rows) < 10**6:
            return None
        full, self.rows = self.rows, []
        return full


class Table(dict[int, int]):
    """A map that holds so many at most."""

    def __setitem__(self, key: int, value: int) -> None:
        super().__setitem__(key, value)
        if len(self) > 10**6:
            self.popitem()


@functools.lru_cache(maxsize=None)  # noqa: UP033  # a cache by this very name
def remembered(key: int) -> int:
    return key


def forgets_all_at_once(i: int) -> None:
    if remembered.cache_info().currsize > 10**6:
        remembered.cache_clear()
    remembered(i)


rows = Rows()
table = Table()


def begins_anew(i: int) -> None:
    global rows  # noqa: PLW0603  # the owner of what grows
    rows.rows.append(i)
    if len(rows.rows) > 10**6:
        rows = Rows()


def fills_a_table(i: int) -> None:
    table[i] = i


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "path", "kind", "line"),
    [
        (rows.add, "test_dormant.rows.rows", "list", "self.reset()"),
        (rows.hand_over, "test_dormant.rows.rows", "list", "full, self.rows = self.rows, []"),
        (
            rows.add_to_state,
            "test_dormant.rows.state['rows']",
            "list",
            'self.state["rows"] = []',
        ),
        (begins_anew, "test_dormant.rows.rows", "list", "rows = Rows()"),
        (fills_a_table, "test_dormant.table", "test_dormant.Table", "self.popitem()"),
        (
            forgets_all_at_once,
            "test_dormant.remembered.cache_info()",
            "functools.lru_cache",
            "remembered.cache_clear()",
        ),
    ],
)
def test_what_grows_may_be_dropped_in_many_ways(
    step: Callable[[int], object], path: str, kind: str, line: str
) -> None:
    found = find_dormant(step, 0, {path: kind}, budget_seconds=0.05)
    assert [each["text"] for each in found["dormant"]] == [line]
    assert may_remove(step, 0, budget_seconds=0.5)[0]


def test_the_number_of_entries_that_a_line_waits_for_is_told() -> None:
    LOG.clear()
    found = find_dormant(pops_when_full, 0, {"test_dormant.LOG": "list"}, budget_seconds=0.01)
    assert [each["at_entries"] for each in found["dormant"]] == [10**6]


HISTORY: dict[int, list[int]] = {}


def keeps_a_history_of_each(i: int) -> None:
    rows = HISTORY.setdefault(i % 100_000, [])
    rows.append(i)
    if len(rows) > 100:
        del rows[0]


def test_the_number_of_another_containers_entries_is_not_told() -> None:
    found = find_dormant(keeps_a_history_of_each, 0, {"test_dormant.HISTORY": "dict"}, budget_seconds=0.01)
    told = [(each["text"], each["at_entries"]) for each in found["dormant"] if "at_entries" in each]
    assert told == [("del rows[0]", None)]


@pytest.mark.slow
def test_many_lines_are_read_in_time(tmp_path: Path) -> None:
    file = tmp_path / "wide.py"
    one = "    if i > {limit}:\n        D.pop('k{n}', None)\n    D['k{n}'] = {{}}\n"
    lines = "".join(one.format(n=n, limit=10**9 + n) for n in range(800))
    file.write_text(f"D = {{}}\ndef step(i):\n{lines}", encoding="utf-8")
    written: dict[str, Callable[[int], None]] = {}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), written)  # noqa: S102  # written above
    began = time.perf_counter()
    find_dormant(written["step"], 0, {"wide.D": "dict"}, budget_seconds=0.1)
    may_remove(written["step"], 0, budget_seconds=0.1)
    assert time.perf_counter() - began < 10.0


@pytest.mark.slow
def test_what_a_timer_is_to_call_counts() -> None:
    timer = threading.Timer(60, _trim, (LOG,))
    timer.start()
    try:
        found = find_dormant(appends, 0, {"test_dormant.LOG": "list"}, budget_seconds=0.05)
        assert may_remove(appends, 0, budget_seconds=0.5)[0]
    finally:
        timer.cancel()
        timer.join()
    assert [each["function"] for each in found["dormant"]] == ["_trim"]


def keeps_a_hundred(i: int) -> None:
    LOG.append(i)
    if len(LOG) > 100:
        LOG.pop(0)


@pytest.mark.slow
def test_a_line_that_runs_only_while_it_is_watched_has_woken() -> None:
    LOG.clear()
    found = find_dormant(keeps_a_hundred, 0, {"test_dormant.LOG": "list"}, budget_seconds=2.0)
    assert found["dormant"] == []
    assert [line["text"] for line in found["woken"]] == ["LOG.pop(0)"]
    assert found["steps"] == 101


def appends(i: int) -> None:
    LOG.append([i])


@pytest.mark.parametrize(
    ("step", "removes"),
    [
        (appends, False),
        (asks_what_it_is, False),
        (clears_by_the_clock, True),
        (pops_when_full, True),
        (pops_by_another_name, True),
        (calls_what_trims, True),
        (pops_another_list, True),  # nobody knows yet which list it is that grows
    ],
)
def test_whether_anything_may_be_removed_is_told_without_the_container(
    step: Callable[[int], None], *, removes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dormant, "_codes_of_other_threads", set)  # those that run the tests
    LOG.clear()
    answer, steps = may_remove(step, 0, budget_seconds=0.2)
    assert answer is removes
    assert 0 < steps <= 64


def test_more_code_than_there_is_time_to_read_may_remove(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dormant, "_codes_of_other_threads", set)
    LOG.clear()
    assert may_remove(asks_what_it_is, 0, budget_seconds=0.0)[0]


def test_what_another_thread_is_about_to_do_counts() -> None:
    """A sweeper sleeps: it has taken nothing yet, and may."""
    woken, asleep = threading.Event(), threading.Event()

    def sweep() -> None:
        asleep.set()
        while not woken.wait(60):
            LOG.clear()

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    asleep.wait(10)
    found = find_dormant(LOG.append, 0, {"test_dormant.LOG": "list"}, budget_seconds=0.1)
    removes, _ = may_remove(LOG.append, 0, budget_seconds=0.1)
    woken.set()
    sweeper.join()
    assert removes
    assert [line["text"] for line in found["dormant"]] == ["LOG.clear()"]


def test_the_names_in_a_path_are_those_that_lead_to_the_container() -> None:
    assert names_in("service.cache['user'].rows[3]") == ["service", "cache", "rows"]
    assert names_in("local 'rows' of test_it()") == ["test_it", "rows"]
    assert names_in("service.FED.gi_frame.f_locals['rows']")[-1] == "rows"
    assert names_in("thread 'worker' local 'rows' of work()[3].seen")[-2:] == ["rows", "seen"]
    assert names_in("service.Cache.get.cache_info()") == ["service", "Cache", "get"]


class _Silent:
    """A channel that nobody listens to."""

    def emit(self, kind: str, **fields: object) -> None:
        """Say nothing."""


def test_what_looks_on_beside_a_climb_shows_in_no_later_reading() -> None:
    """A MiB that it leaves counts as nothing; the steps that it ran count as done."""
    left: list[bytearray] = []
    done: list[int] = []

    def look(step: Callable[[int], object], first: int) -> tuple[bool, int]:
        left.append(bytearray(1 << 20))
        for i in range(first, first + 3):
            step(i)
        return True, 3

    ladder = Ladder(_Silent(), done.append, 5)  # type: ignore[arg-type]  # all that it asks of a channel
    before = ladder.readings()["heap_bytes"]
    assert ladder.interrupt(look)
    after = ladder.readings()
    assert abs(after["heap_bytes"] - before) < 1 << 18
    assert (done, after["steps"]) == ([5, 6, 7], 3)
    left.clear()
    assert ladder.readings()["heap_bytes"] - before < -(1 << 19)
