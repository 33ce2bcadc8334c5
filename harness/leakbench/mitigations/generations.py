"""A map in two generations: the older one is dropped whole, with its table."""

import sys
from itertools import chain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from typing import Any


class GenerationMap:
    """Entries that nobody has put again for one to two `period`s of `clock` go, all at once and in no time.

    New entries go into the young dict. When a period is over the young one becomes the old one and the old
    one is dropped: no scan, no deadline an entry, and the table goes with it. An entry that is read from
    the old generation moves to the young one if `renews_on_read`. The price: an entry may be served for up to
    twice the period, and every miss looks twice. Not safe to share between threads.
    """

    __slots__ = ("_clock", "_ends", "_old", "_period", "_renews_on_read", "_young")

    def __init__(self, period: float, clock: "Callable[[], float]", *, renews_on_read: bool = True) -> None:
        if period <= 0:
            raise ValueError(f"period must be positive, not {period}")
        self._period = period
        self._clock = clock
        self._renews_on_read = renews_on_read
        self._ends = clock() + period
        self._young: dict[Hashable, Any] = {}
        self._old: dict[Hashable, Any] = {}

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        self.turn()
        self._young[key] = value
        self._old.pop(key, None)

    def get(self, key: "Hashable", default: "Any" = None) -> "Any":
        try:
            return self[key]
        except KeyError:
            return default

    def __getitem__(self, key: "Hashable") -> "Any":
        self.turn()
        if key in self._young:
            return self._young[key]
        if not self._renews_on_read:
            return self._old[key]
        value = self._young[key] = self._old.pop(key)
        return value

    def __delitem__(self, key: "Hashable") -> None:
        if key in self._young:
            del self._young[key]
        else:
            del self._old[key]

    def turn(self) -> None:
        """Drop the generations whose time is over; every put and read does it."""
        now = self._clock()
        if now < self._ends:
            return
        periods = (now - self._ends) // self._period + 1
        self._old = self._young if periods == 1 else {}
        self._young = {}
        self._ends += periods * self._period

    def __contains__(self, key: "Hashable") -> bool:
        return key in self._young or key in self._old

    def __iter__(self) -> "Iterator[Hashable]":
        """The old generation's keys first, as they came."""
        return chain(self._old, self._young)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def table_bytes(self) -> int:
        """Size of both dicts' tables, without keys and values."""
        return sys.getsizeof(self._young) + sys.getsizeof(self._old)
