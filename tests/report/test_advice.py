"""The recommendation follows from the figures alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakbench.frame import read_run
from leakbench.report import view
from leakbench.report.advice import recommend, set_apart

from tests.report.runs import declared, ledger, line, rss, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from leakbench.report.advice import Advice


def _advise(tmp_path: Path, *lines: dict[str, Any]) -> list[Advice]:
    cases = [declared(case) for case in dict.fromkeys(each["case"] for each in lines)]
    report = view.build(read_run(write_run(tmp_path, list(lines), cases)))
    return list(recommend(report.scenarios[0].cases))


def _names(advice: list[Advice]) -> list[str]:
    return [each.case.mitigation for each in advice]


def test_what_leaks_comes_last_however_fast_it_is(tmp_path: Path) -> None:
    lines = [
        rss("m:fast", speed=9e6),
        ledger("m:fast", verdict="leak", rate=64.0),
        rss("m:slow"),
        ledger("m:slow"),
    ]
    advice = _advise(tmp_path, *lines)
    assert _names(advice) == ["slow", "fast"]
    assert advice[1].reason.startswith("Still leaks 64 B/op")
    assert advice[1].who_else == "", "nobody should choose a leak"


def test_losing_live_entries_is_worse_than_serving_stale_ones(tmp_path: Path) -> None:
    flaws: dict[str, dict[str, int]] = {
        "loses": {"lost_entries": 1},
        "stale": {"stale_answers": 1},
        "sound": {},
    }
    lines = [each for name, flaw in flaws.items() for each in (rss(f"m:{name}", **flaw), ledger(f"m:{name}"))]
    assert _names(_advise(tmp_path, *lines)) == ["sound", "stale", "loses"]


def test_what_refuses_or_breaks_comes_after_what_does_neither_and_says_so(tmp_path: Path) -> None:
    """But to refuse the crawler that floods the map is what a limiter is for."""
    flaws: dict[str, dict[str, int]] = {
        "refuses": {"puts_refused": 3},
        "breaks": {"deadlocks": 2},
        "limits-all": {"writes_refused": 90, "writes_refused_to_crawler": 80},
        "limits": {"writes_refused": 90, "writes_refused_to_crawler": 90},
    }
    lines = [each for name, flaw in flaws.items() for each in (rss(f"m:{name}", **flaw), ledger(f"m:{name}"))]
    advice = _advise(tmp_path, *lines)
    assert _names(advice) == ["limits", "breaks", "refuses", "limits-all"]
    assert "would wait for itself 2 times" in advice[1].reason
    assert "refuses 3 puts" in advice[2].reason
    assert "refuses 10 writes beside the crawler's" in advice[3].reason
    assert [each.case.is_sound for each in advice] == [True, False, False, False]


def test_the_bounds_and_what_failed_are_no_candidates(tmp_path: Path) -> None:
    lines = [
        each
        for name in ("none", "none-set", "ideal", "ttl")
        for each in (rss(f"m:{name}"), ledger(f"m:{name}"))
    ]
    advice = _advise(tmp_path, *lines, rss("m:half"), line("m:half", "ledger", failed="deadline"))
    assert _names(advice) == ["ttl"]


def test_what_was_asked_for_another_workload_is_not_ranked(tmp_path: Path) -> None:
    """Five times the living entries of none are another workload, four times are not."""
    lines = [
        each
        for name, live in (("none", 100), ("near", 400), ("far", 500))
        for each in (rss(f"m:{name}", live_entries=live), ledger(f"m:{name}"))
    ]
    cases = [declared(f"m:{name}") for name in ("none", "near", "far")]
    shown = view.build(read_run(write_run(tmp_path, lines, cases))).scenarios[0].cases
    assert _names(list(recommend(shown))) == ["near"]
    (apart,) = set_apart(shown)
    assert apart.case.mitigation == "far"
    assert apart.reason == "500 entries live at its end, 100 at that of none"


def test_stale_answers_are_told_beside_those_of_none(tmp_path: Path) -> None:
    lines = [rss("m:none", stale_answers=10_787), rss("m:late", stale_answers=1_108), ledger("m:late")]
    (late,) = _advise(tmp_path, *lines)
    assert "serves 1,108 stale answers against 10,787 of none" in late.reason


def test_memory_that_stays_resident_is_said_and_counts_more_than_the_price(tmp_path: Path) -> None:
    lines = [
        rss("m:rebuild", peak_mib=20), ledger("m:rebuild", verdict="unreturned"),
        rss("m:trim", peak_mib=40), ledger("m:trim", verdict="steady"),
    ]  # fmt: skip
    trimmed, rebuilt = _advise(tmp_path, *lines)
    assert trimmed.reason.startswith("Does not leak, loses")
    assert rebuilt.reason.startswith("Does not leak, though memory that it let go of stays resident")


def test_the_price_is_memory_times_slowness(tmp_path: Path) -> None:
    """Peaks less 1 MiB of imports: big (41 − 1) / (21 − 1) = 2 at full speed, small 1 at a quarter: 2 < 4."""
    lines = [
        rss("m:none", speed=400.0), rss("m:ideal", peak_mib=21), ledger("m:ideal"),
        rss("m:small", peak_mib=21, speed=100.0), ledger("m:small"),
        rss("m:big", peak_mib=41, speed=400.0), ledger("m:big"),
    ]  # fmt: skip
    advice = _advise(tmp_path, *lines)
    assert _names(advice) == ["big", "small"]
    assert "1.00× the speed of none" in advice[0].reason
    assert "2.00× the memory of ideal" in advice[0].reason
    assert "memory matters more (big peaks at 2.00× of it)" in advice[1].who_else


def test_a_case_of_whose_repeats_most_say_the_truth_is_as_declared(tmp_path: Path) -> None:
    said = ["bounded", "bounded", "leak"]
    lines = [ledger("m:ttl", verdict=verdict) | {"repeat": repeat} for repeat, verdict in enumerate(said)]
    for name, truth in (("met", "bounded"), ("unmet", "leak")):
        folder = write_run(tmp_path / name, lines, [declared("m:ttl", truth)])
        (case,) = view.build(read_run(folder)).all_cases
        assert (case.verdict, case.verdict_note) == ("bounded", "leak in 1 of 3")
        assert case.truth_met is (name == "met")
