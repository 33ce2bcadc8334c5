"""Counting that threads cannot spoil and that costs about 20 ns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itertools import count

# `n += 1` on an attribute is a load, an addition and a store: CPython promises nothing about a switch of
# threads between them. `next()` on an itertools.count is one call into C, made whole under the GIL; it
# allocates one int, dropped at once.


def taken(counter: count[int]) -> int:
    """How often next() was called on a count() that started at 0, without taking another."""
    # The repr, `count(7)`, is the one way to look that stays: __reduce__ went with Python 3.14.
    return int(repr(counter)[len("count(") : -1])
