"""What a case did over time: memory on the scenario's scale, and the collector's pauses where they began."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from leakbench import report
from leakbench.report import svg, time_charts
from leakbench.report.time_charts import Course, Pause

from tests.report.runs import declared, ledger, rss, write_run

if TYPE_CHECKING:
    from pathlib import Path


def test_a_pause_is_a_bar_as_high_as_it_was_long() -> None:
    """The lane lies between 72 and 312, and 36 and 8 pixels: half the time, half the length."""
    drawn = time_charts.pauses([Pause(0.5, 0.002), Pause(1.0, 0.004)], 1.0)
    assert 'd="M192 36V22M312 36V8"' in drawn
    assert ">4 ms</text>" in drawn
    assert "<desc>the longest 4 ms</desc>" in drawn


def test_courses_of_one_scenario_have_one_scale() -> None:
    """1,000 of 2,000 bytes end half-way up, between 116 and 10 pixels."""
    drawn = time_charts.memory(Course((0, 1, 2), (0, 500, 1_000), (0, 0, 2_000)), 0, 2_000)
    lines = re.findall(r'points="([^"]*)"', drawn)
    assert lines == ["72,116 312,63", "72,116 192,116 312,10"]


def test_a_page_draws_pauses_where_there_were_any(tmp_path: Path) -> None:
    lines = [
        rss("map:none", wall_seconds=0.25, gc_longest_pauses_ns=[[125_000_000, 3_000_000]]),
        ledger("map:none", verdict="leak", rate=512.0),
        rss("map:ttl", wall_seconds=0.25, gc_longest_pauses_ns=[]),
        ledger("map:ttl"),
    ]
    report.write(write_run(tmp_path, lines, [declared("map:none", "leak"), declared("map:ttl")]))
    page = (tmp_path / "report" / "scenario-map.html").read_text()
    leaking, mended = re.findall(r"<article.*?</article>", page, re.DOTALL)
    assert 'd="M192 36V8"' in leaking  # half-way through the steps, and the longest
    assert "Memory over time" in mended
    assert "Collector pauses" not in mended
    assert "the longest pauses of the collector" in page


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ([(0, 0), (5, 5.4), (10, 10)], [(0, 0), (10, 10)]),  # 0.28 pixels beside the straight line
        ([(0, 0), (5, 6), (10, 10)], [(0, 0), (5, 6), (10, 10)]),  # 0.71
        ([(3, 3), (3, 9), (3, 3)], [(3, 3), (3, 9), (3, 3)]),  # back to where it began
        ([(1, 1)], [(1, 1)]),
    ],
)
def test_corners_that_nobody_would_see_are_left_out(line: list[svg.Point], kept: list[svg.Point]) -> None:
    assert svg.simplify(line) == kept


def test_marks_keep_apart_and_the_last_is_marked() -> None:
    assert svg.thin([(0, 0), (40, 0), (90, 0), (100, 0)], 50) == [(40, 0), (100, 0)]
