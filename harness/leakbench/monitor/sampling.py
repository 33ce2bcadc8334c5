"""What a few entries tell of all of them: how old the oldest is at least, and what they weigh together.

Nothing is noted when an entry is written. Each reading looks at a handful of entries, the newest and the
oldest in the map's own order, and remembers 32 keys and 32 sizes between readings.
"""

from __future__ import annotations

import math
import operator
import weakref
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

ABSENT = object()  # in place of a value that was not looked at

_MARKS_MAX = 32
_SIZES_MAX = 32
_Z_95 = 1.96
# Keys of these types, and tuples of them, may be held: they refer to nothing else. Others are held weakly or
# not at all, because a key may be all that keeps a session alive (or, in a WeakKeyDictionary, the entry).
_ATOMS = frozenset({str, bytes, int, float, bool})


class SizeEstimate(NamedTuple):
    """Bytes of all entries, and the half width of a 95 % interval around it (sampling error alone)."""

    entries_bytes: float
    error_bytes: float


class _Mark(NamedTuple):
    key: object  # the key itself, or a weak reference to it
    value_id: int | None  # tells an entry that was replaced under the same key; None where values stay unseen
    seen_seconds: float


class AgeSample:
    """Remembers keys with the moment they were first seen; what is still there is at least so old.

    The first keys that stay are kept and later ones refused, so that entries which never leave are found.
    """

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque()

    def oldest_seconds(
        self,
        newest: tuple[Hashable, object] | None,
        now_seconds: float,
        value_of: Callable[[Hashable], object],
    ) -> float | None:
        """Note the newest entry, forget what has left, and return the greatest age.

        `value_of` returns the entry's value, ABSENT where it has none to show, or raises KeyError. None:
        the map is empty, or no key of it may be held.
        """
        while self._marks and not _is_there(self._marks[0], value_of):
            self._marks.popleft()  # those behind it are looked at when they are first: one look a reading
        if newest is not None and len(self._marks) < _MARKS_MAX:
            key, value = newest
            held = _holdable(key)
            if held is not None and not any(mark.key == held for mark in self._marks):
                self._marks.append(_Mark(held, None if value is ABSENT else id(value), now_seconds))
        if not self._marks:
            return None
        return now_seconds - self._marks[0].seen_seconds  # marks are in the order of their time


class SizeSample:
    """The sizes of the last 32 entries looked at, over several readings."""

    def __init__(self) -> None:
        self._sizes: deque[float] = deque(maxlen=_SIZES_MAX)

    def estimate(self, sizes: list[float], entries: int) -> SizeEstimate | None:
        """Add `sizes` and project the mean on `entries`. None until two entries were seen.

        Where `sizes` holds all the entries there are, their sum is exact. The sample comes from both ends
        of the map's order over the last readings: entries in the middle that differ are not seen.
        """
        self._sizes.extend(sizes)
        if len(sizes) == entries:
            return SizeEstimate(sum(sizes), 0.0)
        count = len(self._sizes)
        if count < 2:  # noqa: PLR2004 - the least that has a spread
            return None
        mean = sum(self._sizes) / count
        squares = sum(
            map(operator.mul, self._sizes, self._sizes)
        )  # in C: this runs for every map at each scrape
        variance = max(0.0, (squares - count * mean * mean) / (count - 1))
        return SizeEstimate(mean * entries, _Z_95 * math.sqrt(variance / count) * entries)


def _holdable(key: object) -> object | None:
    if type(key) in _ATOMS or (type(key) is tuple and _ATOMS.issuperset(map(type, key))):
        return key
    try:
        return weakref.ref(key)
    except TypeError:  # a tuple of other things, for instance
        return None


def _is_there(mark: _Mark, value_of: Callable[[Hashable], object]) -> bool:
    key = mark.key() if isinstance(mark.key, weakref.ref) else mark.key
    if key is None:
        return False
    try:
        value = value_of(key)
    except KeyError:
        return False
    return mark.value_id is None or id(value) == mark.value_id
