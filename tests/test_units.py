"""Figures are shown with three significant digits, and read back as what was shown."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leakbench.units import (
    BadSizeError,
    format_bytes,
    format_rate,
    format_seconds,
    parse_rate,
    parse_size,
)

SHOWN = re.compile(
    r"−?(\d{1,4}|\d{1,2}\.\d{1,2}|0\.0{0,3}[1-9]\d{0,2}|[1-9](\.\d{1,2})?e-\d{2,3}) ?[A-Za-zµ]+"
)
SIZES = st.integers(0, 1 << 49)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (1536, "1.50 KiB"),
        (-1536, "−1.50 KiB"),
        (0.0166, "0.0166 B"),
        (1000.5, "1000 B"),  # to even
        (1023.7, "1.00 KiB"),
        (9.999 * 1024, "10.0 KiB"),
        ((1 << 20) - 1, "1.00 MiB"),
        (5 << 30, "5.00 GiB"),
        (1 << 70, "1048576 PiB"),  # there is no larger prefix
    ],
)
def test_bytes_are_shown_with_binary_prefixes(count: float, shown: str) -> None:
    assert format_bytes(count) == shown


def test_a_rate_says_per_what() -> None:
    assert format_rate(147.5) == "148 B/op"
    assert format_rate(0) == "0 B/op"


@given(st.floats(-(2.0**50), 2.0**50, allow_nan=False))
def test_no_size_is_shown_with_more_than_four_digits(count: float) -> None:
    assert SHOWN.fullmatch(format_bytes(count)), format_bytes(count)


@given(SIZES)
def test_what_is_shown_reads_back_to_within_its_three_digits(count: int) -> None:
    assert parse_size(format_bytes(count)) == pytest.approx(count, rel=0.005, abs=0)


@given(SIZES)
def test_a_number_of_bytes_is_read_exactly(count: int) -> None:
    assert parse_size(str(count)) == count


@given(SIZES, SIZES)
def test_more_is_never_shown_as_less(one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert parse_size(format_bytes(small)) <= parse_size(format_bytes(large))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("512MiB", 512 << 20),
        ("2G", 2 << 30),
        ("4096", 4096),
        ("1.5 kb", 1536),
        ("0.5TiB", 1 << 39),
        ("7 B", 7),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "lots", "-1", "1e9", "nan", "MiB", "1 2", "1.2.3", "9" * 400])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadSizeError, match="is no size; write 512MiB, 2GiB or a number of bytes"):
        parse_size(text)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0 ns"),
        (1e-9, "1 ns"),
        (0.0000123, "12.3 µs"),
        (0.9999, "1 s"),
        (-0.25, "−250 ms"),
        (119.4, "119 s"),
        (119.9, "2.0 min"),
        (3600.0, "60.0 min"),
    ],
)
def test_seconds_are_shown_in_the_unit_that_fits(seconds: float, shown: str) -> None:
    assert format_seconds(seconds) == shown


@given(st.floats(1e-9, 119.0))
def test_seconds_below_two_minutes_keep_three_digits(seconds: float) -> None:
    number, unit = format_seconds(seconds).split()
    scale = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]
    assert float(number) * scale == pytest.approx(seconds, rel=0.005)
    assert "e" not in number


@pytest.mark.parametrize(
    ("text", "per_second"), [("1000/s", 1000.0), ("50/min", 50 / 60), ("3600/h", 1.0), ("7", 7.0)]
)
def test_rates_are_read_per_second(text: str, per_second: float) -> None:
    assert math.isclose(parse_rate(text), per_second)


@pytest.mark.parametrize("text", ["", "0/s", "-5/s", "nan/s", "inf/s", "5/day", "x/s"])
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadSizeError, match="is no rate; write 1000/s, 50/min or 3600/h"):
        parse_rate(text)
