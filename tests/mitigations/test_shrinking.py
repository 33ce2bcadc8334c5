"""A map that gives its table back, against a dict that does the same operations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leakbench.mitigations.shrinking import ShrinkingMap


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 200)), max_size=400), st.integers(2, 16))
def test_it_holds_what_a_dict_holds_in_the_same_order(
    operations: list[tuple[bool, int]], sparse: int
) -> None:
    plain: dict[int, int] = {}
    shrinking = ShrinkingMap(sparse)
    for number, (puts, key) in enumerate(operations):
        if puts:
            plain[key] = shrinking[key] = number
        elif key in plain:
            del plain[key], shrinking[key]
    assert list(shrinking) == list(plain)
    assert [shrinking[key] for key in plain] == list(plain.values())
    assert len(shrinking) == len(plain)


def test_it_shrinks_when_less_than_an_eighth_is_left() -> None:
    entries = ShrinkingMap(sparse=8)
    for key in range(10_000):
        entries[key] = key
    full_bytes = entries.table_bytes()
    for key in range(8_750):  # 1,250 are left: exactly an eighth
        del entries[key]
    assert (entries.rebuilds, entries.table_bytes()) == (0, full_bytes)
    del entries[8_750]
    assert entries.rebuilds == 1
    assert entries.table_bytes() < full_bytes / 4
    assert len(entries) == 1_249


def test_rebuilding_stays_rare() -> None:
    """Filled with 100,000 and drained to nothing: 8**5 > 32,768, and below 64 entries it rests."""
    entries = ShrinkingMap(sparse=8)
    for key in range(100_000):
        entries[key] = key
    for key in range(100_000):
        del entries[key]
    assert 3 <= entries.rebuilds <= 5
    assert len(entries) == 0


def test_a_missing_key_is_told_as_a_dict_tells_it() -> None:
    entries = ShrinkingMap()
    with pytest.raises(KeyError):
        del entries["missing"]
    assert entries.get("missing", 7) == 7
    assert "missing" not in entries


def test_a_factor_that_would_rebuild_at_each_removal_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        ShrinkingMap(sparse=1)
