"""Charts place what is measured where its value says, and cope with zero, negative and single values."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from leakbench.report import charts, svg


def test_linear_ticks_are_round_and_cover_the_values() -> None:
    scale = svg.linear(0, 13.6, (100.0, 0.0), base=2)
    assert scale.ticks == (0.0, 4.0, 8.0, 12.0, 16.0)  # 13.6 / 5 = 2.72, the next power of two is 4
    assert [scale.place(0), scale.place(8), scale.place(16)] == [100.0, 50.0, 0.0]


def test_a_logarithmic_scale_draws_zero_and_less_at_its_floor() -> None:
    scale = svg.logarithmic(1024, 4096, (0.0, 100.0))
    assert [scale.place(v) for v in (-5, 0, 1024, 2048, 4096)] == [0.0, 0.0, 0.0, 50.0, 100.0]


@given(st.lists(st.floats(0, 300), min_size=1, max_size=20))
def test_labels_are_spread_apart_and_keep_their_order(wanted: list[float]) -> None:
    spread = svg.spread(wanted, 14, 0, 300)
    ranked = sorted(spread)
    assert all(b - a >= 14 - 1e-9 for a, b in pairwise(ranked))
    by_wish = sorted(range(len(wanted)), key=lambda n: wanted[n])
    assert [spread[n] for n in by_wish] == ranked


def test_the_front_holds_those_that_none_beats_in_both() -> None:
    dots = [
        charts.Dot("fast", "bounded", 9.0, 30.0, sound=True),
        charts.Dot("small", "bounded", 3.0, 10.0, sound=True),
        charts.Dot("beaten", "bounded", 2.0, 20.0, sound=True),
        charts.Dot("between", "bounded", 5.0, 20.0, sound=True),
    ]
    assert [dot.name for dot in charts.pareto_front(dots)] == ["fast", "between", "small"]


def test_linear_growth_ends_with_the_last_leak_and_logarithmic_growth_with_the_last_rung() -> None:
    """What is level climbs on to 64Ki, the leak stops at 8Ki: these are the last numbers of the axes."""
    series = [
        charts.Series("none", "leak", (0, 4096, 8192), (0, 2048, 4096), 0.5, (0.4, 0.6)),
        charts.Series("level", "steady", (0, 8192, 65536), (0, 0, 0)),
    ]
    linear, logarithmic = (charts.growth(series, logarithmic=shape) for shape in (False, True))
    assert ">8Ki<" in linear
    assert ">64Ki<" not in linear
    assert ">64Ki<" in logarithmic
    assert "level: 0 B after 65,536 steps" in linear


def test_growth_is_drawn_and_told_in_words() -> None:
    series = [
        charts.Series("none", "leak", (0, 256, 512), (0, 2048, 4096), 8.0, (7.9, 8.1)),
        charts.Series('<b>"x"', "steady", (0, 256, 512), (0, -8, 0)),
    ]
    for logarithmic in (False, True):
        drawing = ET.fromstring(charts.growth(series, logarithmic=logarithmic))  # noqa: S314  # our own
        (told,) = (each.text for each in drawing if each.tag.endswith("desc"))
        words = 'none: 4.00 KiB after 512 steps; <b>"x": 0 B after 512 steps'
        assert told == ("The same on logarithmic axes" if logarithmic else words)
        numbers = [float(n) for n in re.findall(r"-?\d+\.\d+", ET.tostring(drawing, encoding="unicode"))]
        assert all(-20 <= n <= 800 for n in numbers), "everything lies on the drawing"
