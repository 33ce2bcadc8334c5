"""Each defect of the article's weak-reference cache shows in its own figure, and in no other case."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from leakbench.cli import main
from leakbench.mitigations.article_weak_cache import UNLOCKED, ArticleCache, Tally
from leakbench.scenarios.weak_cache import SCENARIO, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

STEPS = 8
DEFECT_COUNTS = ("caches_kept", "lost_entries", "puts_refused", "deadlocks", "entries_swept")
EXPECTED = {
    "pinned-by-sweeper": {"caches_kept": STEPS},
    "values-refused": {"puts_refused": STEPS},
    "unchecked-callback": {"lost_entries": 8 * STEPS},  # 8 values are replaced a step
    "lock-in-callback": {"deadlocks": STEPS, "entries_swept": STEPS},  # what the callback left
    "sweep-finds-nothing": {},
    "right": {},
    "weak-value-dictionary": {"puts_refused": STEPS},
    "none": {
        "caches_kept": STEPS,
        "lost_entries": 8 * STEPS,
        "puts_refused": STEPS,
        "deadlocks": STEPS,
        "entries_swept": STEPS,
    },
}


@pytest.fixture(autouse=True)
def _own_excepthook() -> Iterator[None]:
    """The workload counts threads that end in an exception, and hurries their switching; pytest does not."""
    import sys

    hook, interval = threading.excepthook, sys.getswitchinterval()
    yield
    threading.excepthook = hook
    sys.setswitchinterval(interval)


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", list(SCENARIO.mitigations))
def test_the_ladders_verdict_is_the_truth(mitigation: str, tmp_path: Path) -> None:
    case = f"weak-cache:{mitigation}"
    assert main(["run", case, "--probe", "ledger", "--no-report", "--out", str(tmp_path / "run")]) == 0


@pytest.mark.parametrize("mitigation", EXPECTED)
def test_a_defect_shows_in_its_own_figure_and_in_no_other(mitigation: str, play: Any) -> None:
    counts: Mapping[str, Any] = play(SCENARIO, mitigation, STEPS).counts()
    assert counts["caches_dropped"] == STEPS
    expected = EXPECTED[mitigation]
    assert {name: counts[name] for name in DEFECT_COUNTS} == dict.fromkeys(DEFECT_COUNTS, 0) | expected


def test_a_sweep_scans_all_and_finds_what_callbacks_have_left(play: Any) -> None:
    """64 entries each; a step's other three (text, cycle, collecting key) are held apart or dead by then."""
    counts = play(SCENARIO, "sweep-finds-nothing", STEPS).counts()
    assert (counts["entries_scanned"], counts["entries_swept"]) == (64 * STEPS, 0)


def test_an_unlocked_put_during_a_sweep_ends_the_sweeper_and_nobody_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Made certain: the sweep itself puts, where in the scenario another thread may."""
    tally = Tally()
    values = [Value(0) for _ in range(3)]

    def put(cache: ArticleCache, _reference: object) -> bool:
        cache["put meanwhile"] = values[0]
        return False

    monkeypatch.setattr(ArticleCache, "_is_dead", put)
    monkeypatch.setattr(threading, "excepthook", tally.note_death)
    cache = ArticleCache(frozenset({UNLOCKED}), tally)
    for key, value in enumerate(values):
        cache[key] = value
    cache._sweeper._thread.join()
    assert tally.sweepers_died == 1


@pytest.mark.slow
def test_an_unlocked_put_does_nothing_else(play: Any) -> None:
    """One step in four races. How many sweepers die of it, of 32 nearly all, the machine decides."""
    counts = play(SCENARIO, "unlocked-put", 128).counts()
    assert counts["sweepers_raced"] == 32
    assert (
        counts["lost_entries"] == counts["puts_refused"] == counts["deadlocks"] == counts["caches_kept"] == 0
    )


def test_the_right_cache_has_no_thread_to_leave_behind(play: Any) -> None:
    before = threading.active_count()
    play(SCENARIO, "right", STEPS)
    assert threading.active_count() == before
