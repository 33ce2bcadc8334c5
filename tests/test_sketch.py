"""The chart of a verdict on a terminal."""

from leakbench.sketch import curve

BOUNDED = [(0, 100), (256, 1_124), (1_024, 4_196), (262_144, 4_196)]  # +4 bytes a step up to step 1,024


def _columns(lines: list[str]) -> list[str]:
    """The chart's columns from left to right, each from the bottom up."""
    bars = [line.partition("│")[2].ljust(56) for line in lines if "│" in line]
    return ["".join(column).rstrip() for column in zip(*reversed(bars), strict=True)]


def test_a_leak_is_a_straight_slope() -> None:
    heights = list(map(len, _columns(curve([(0, 0), (1_000, 8_000)]))))
    assert heights == sorted(heights)
    assert (heights[0], heights[27], heights[-1]) == (1, 4, 8)


def test_growth_that_stopped_early_shows_on_logarithmic_steps_alone() -> None:
    assert set(map(len, _columns(curve(BOUNDED)))) == {8}
    lines = curve(BOUNDED, logarithmic=True)
    heights = list(map(len, _columns(lines)))
    assert heights == sorted(heights)
    # 1,024 of 2**18 steps: 10/18 of 56 columns; 128 steps, 4 bytes each of 4,096, an eighth of the height
    assert heights[:9] == [0] * 9  # below 8 steps it is less than half an eighth of a row
    assert heights[21] == 1
    assert set(heights[31:]) == {8}
    assert lines[-1].endswith("262,144 steps, logarithmic")


def test_nothing_is_drawn_where_nothing_grew() -> None:
    assert curve([(0, 5), (8, 5), (16, 3)]) == []
