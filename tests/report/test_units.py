"""A figure is shown with its unit, and never so short that something reads as nothing or as everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leakbench.report import units


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0, "B", "0 B"),
        (525, "B", "525 B"),
        (1536, "B", "1.50 KiB"),
        (-3 * 2**20, "B", "−3.00 MiB"),
        (0.0004, "B/op", "0.0004 B/op"),
        (999, "ns", "999 ns"),
        (4_100, "ns", "4.1 µs"),
        (0, "s", "0 s"),
        (0.0025, "s", "2.5 ms"),
        (192, "s", "3 min 12 s"),
        (7_500, "s", "2 h 5 min"),
        (679_000, "op/s", "679k op/s"),
        (0.99996, "1", "99.996 %"),  # never 100 % where one request went unanswered
        (1.0, "1", "100 %"),
        (0.356, "×", "0.36×"),
        (67.31, "×", "67.3×"),
        (35_363, "answers", "35,363"),
        (1_234_567, "", "1,234,567"),
    ],
)
def test_each_unit_has_its_form(value: float, unit: str, shown: str) -> None:
    assert units.show(value, unit) == shown


@given(st.floats(min_value=-1e12, max_value=1e12), st.integers(1, 6))
def test_only_nothing_reads_as_zero(value: float, significant: int) -> None:
    shown = units.digits(value, significant)
    is_zero = not any(digit in shown.partition("e")[0] for digit in "123456789")
    assert is_zero == (value == 0)


@given(st.integers(0, 10**12))
def test_counts_are_shown_to_the_last_digit(count: int) -> None:
    assert int(units.show(count, "entries").replace(",", "")) == count
