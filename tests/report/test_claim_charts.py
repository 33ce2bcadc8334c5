"""The chart of a claim: lines where x is a number, bars where it is a name; zero is a value."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from leakbench.report import claim_charts


def _draw(series: list[dict[str, Any]], unit: str = "B") -> str:
    chart = claim_charts.read({"title": "T", "x": "x", "y": "memory", "unit": unit, "series": series})
    assert chart is not None
    drawn = claim_charts.draw(chart)
    ET.fromstring(drawn)  # noqa: S314  # our own
    return drawn


def test_the_article_is_a_dashed_line_beside_what_was_measured() -> None:
    article = {"name": "the article", "points": [[5, 180e6], [10, 370e6], [15, 560e6]]}
    ours = {"name": "Redis, defaults", "points": [[5, 42.6e6], [10, 42.8e6], [15, 42.8e6]]}
    drawn = _draw([article, ours])
    assert drawn.count('class="line"') == 2
    assert '<g class="series claimed">' in drawn
    assert '<g class="series s-0">' in drawn
    assert "Redis, defaults: 40.6 MiB at 5, 40.8 MiB at 10, 40.8 MiB at 15" in drawn


def test_names_are_bars_from_zero_each_with_its_figure() -> None:
    drawn = _draw([{"name": "", "points": [["none", 4096.0], ["rebuild", 0.0], ["<b>", 2048.0]]}])
    widths = [float(width) for width in re.findall(r'class="bar"[^>]* width="([\d.]+)"', drawn)]
    assert widths[1] == 0
    assert widths[0] == pytest.approx(2 * widths[2], abs=0.2)
    assert [">4.00 KiB<" in drawn, ">0 B<" in drawn, "&lt;b&gt;" in drawn] == [True] * 3


def test_a_bars_length_is_its_figure_however_short_beside_the_others() -> None:
    drawn = _draw([{"name": "", "points": [["a", 100_000.0], ["b", 1_000_000.0]]}], unit="op/s")
    small, large = (float(width) for width in re.findall(r'class="bar"[^>]* width="([\d.]+)"', drawn))
    assert small / large == pytest.approx(0.1, abs=0.001)


def test_lines_of_very_different_heights_are_logarithmic() -> None:
    """1, 10 and 1,000 rise by 1 and 2 parts of the height, not by 9 and 990."""
    drawn = _draw([{"name": "", "points": [[0, 1.0], [1, 10.0], [2, 1_000.0]]}], unit="entries")
    heights = [float(y) for y in re.findall(r",([\d.]+)", re.findall(r'points="([^"]*)"', drawn)[0])]
    assert (heights[1] - heights[2]) / (heights[0] - heights[1]) == pytest.approx(2, abs=0.05)


def test_where_all_is_zero_the_axis_goes_from_nought_to_one() -> None:
    drawn = _draw([{"name": "", "points": [["a", 0.0], ["b", 0.0]]}], unit="B/op")
    axis = drawn.partition('class="tick"')[2].partition("</g>")[0]
    assert re.findall(r">([^<>]+)</text>", axis) == ["0 B/op", "1 B/op"]


def test_labels_that_would_touch_are_left_out() -> None:
    """Six ticks are 33 pixels apart in what a long name leaves; "10,000" takes 42 and a gap: every second."""
    drawn = _draw([{"name": "", "points": [["a name of thirty characters ..", 50_000.0]]}], unit="entries")
    axis = drawn.partition('class="tick"')[2].partition("</g>")[0]
    assert re.findall(r">([^<>]+)</text>", axis) == ["0", "20,000", "40,000"]


@pytest.mark.parametrize("document", [None, {}, {"series": []}, {"series": [{"name": "a", "points": []}]}])
def test_a_claim_without_points_has_no_chart(document: dict[str, Any] | None) -> None:
    assert claim_charts.read(document) is None
