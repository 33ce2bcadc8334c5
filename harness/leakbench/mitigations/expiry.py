"""When an entry whose time is over goes: ways to expire, each a map on a clock that is given to it.

All answer alike: what is past its time is never served. They differ in when its memory goes. An entry put at
`now` lives while ``clock() < now + ttl``. None is safe to share between threads, but for `SweptMap`.
"""

import heapq
import random
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any

    Entry = tuple[float, Any]
    """Until when, and the value."""


class KeepingMap:
    """Expired entries are not served and never removed; with `on_access`, the one that is asked for is."""

    def __init__(self, ttl: float, clock: "Callable[[], float]", *, on_access: bool = False) -> None:
        self._ttl = ttl
        self._clock = clock
        self._on_access = on_access
        self._entries: dict[Any, Entry] = {}

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        self._entries[key] = (self._clock() + self._ttl, value)

    def get(self, key: "Hashable") -> "Any":
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock() < entry[0]:
            return entry[1]
        if self._on_access:
            del self._entries[key]
        return None

    def __len__(self) -> int:
        """Entries kept, due or not."""
        return len(self._entries)


class SampledMap:
    """Removes expired entries as Redis does: looks at a few at random, and on as long as many are expired.

    At `effort` e (1 to 10), each `cycle` looks at 20 + 5 (e - 1) entries at a time, and stops once no more
    than 10 - (e - 1) in a hundred of them were expired (Redis 6 and later, expire.c). It needs the keys in an
    array beside the table, for a dict has no random entry.
    """

    def __init__(self, ttl: float, clock: "Callable[[], float]", effort: int = 1, seed: int = 0) -> None:
        if not 1 <= effort <= 10:  # noqa: PLR2004  # the server's own range
            raise ValueError(f"effort must be 1 to 10, not {effort}")
        self._ttl = ttl
        self._clock = clock
        self._sample = 20 + 5 * (effort - 1)
        self._tolerated_share = (10 - (effort - 1)) / 100
        self._random = random.Random(seed)  # noqa: S311  # a sample, no secret
        self._entries: dict[Any, tuple[float, Any, int]] = {}  # until when, value, place in `_keys`
        self._keys: list[Any] = []

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        entry = self._entries.get(key)
        if entry is None:
            self._keys.append(key)
        place = len(self._keys) - 1 if entry is None else entry[2]
        self._entries[key] = (self._clock() + self._ttl, value, place)

    def get(self, key: "Hashable") -> "Any":
        """The value, or None; an expired entry that is asked for goes at once."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock() < entry[0]:
            return entry[1]
        self._remove(key)
        return None

    def cycle(self) -> int:
        """One active expiry cycle; returns how many entries went."""
        removed = 0
        while self._keys:
            number = len(self._keys)
            sample = {self._keys[int(self._random.random() * number)] for _ in range(self._sample)}
            now = self._clock()
            expired = [key for key in sample if self._entries[key][0] <= now]
            for key in expired:
                self._remove(key)
            removed += len(expired)
            if len(expired) <= self._tolerated_share * len(sample):
                break
        return removed

    def _remove(self, key: "Hashable") -> None:
        place = self._entries.pop(key)[2]
        last = self._keys.pop()
        if last != key:
            self._keys[place] = last
            until, value, _ = self._entries[last]
            self._entries[last] = (until, value, place)

    def __len__(self) -> int:
        """Entries kept, due or not."""
        return len(self._entries)


class WheelMap:
    """A timing wheel: entries lie in slots of `slot` clock units by their end, and go slot by slot.

    A put removes the slots that are over: constant time, however many entries there are. What is due stays
    until its slot is over, so for `slot` units at most; an idle map keeps what it has until `expire`.
    """

    def __init__(self, ttl: float, clock: "Callable[[], float]", slot: float) -> None:
        self._ttl = ttl
        self._clock = clock
        self._slot = slot
        self._entries: dict[Any, Entry] = {}
        self._slots: dict[int, list[Any]] = {}
        self._next = int(clock() // slot)  # the first slot that was not emptied yet

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        until = self._clock() + self._ttl
        self._entries[key] = (until, value)
        self._slots.setdefault(int(until // self._slot), []).append(key)
        self.expire()

    def get(self, key: "Hashable") -> "Any":
        """The value, or None where there is none or its time is over."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and self._clock() < entry[0] else None

    def expire(self) -> int:
        """Empty the slots that are over; returns how many entries went."""
        now = self._clock()
        before = len(self._entries)
        while self._slots and (self._next + 1) * self._slot <= now:
            for key in self._slots.pop(self._next, ()):
                entry = self._entries.get(key)
                if entry is not None and entry[0] <= now:  # else it was renewed and lies in a later slot
                    del self._entries[key]
            self._next += 1
        return before - len(self._entries)

    def __len__(self) -> int:
        """Entries kept, due or not."""
        return len(self._entries)


class HeapMap:
    """A heap of ends: a put removes all that is due, in logarithmic time each."""

    def __init__(self, ttl: float, clock: "Callable[[], float]") -> None:
        self._ttl = ttl
        self._clock = clock
        self._entries: dict[Any, Entry] = {}
        self._ends: list[tuple[float, int, Any]] = []  # until when, number (keys need no order), key
        self._puts = 0

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        until = self._clock() + self._ttl
        self._entries[key] = (until, value)
        self._puts += 1
        heapq.heappush(self._ends, (until, self._puts, key))
        self.expire()

    def get(self, key: "Hashable") -> "Any":
        """The value, or None where there is none or its time is over."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and self._clock() < entry[0] else None

    def expire(self) -> int:
        """Remove what is due; returns how many entries went."""
        now = self._clock()
        before = len(self._entries)
        while self._ends and self._ends[0][0] <= now:
            until, _, key = heapq.heappop(self._ends)
            entry = self._entries.get(key)
            if entry is not None and entry[0] == until:  # else it was renewed
                del self._entries[key]
        return before - len(self._entries)

    def __len__(self) -> int:
        """Entries kept, due or not."""
        return len(self._entries)


class SweptMap:
    """A map whose `sweep` scans all entries under a lock: made for a thread that calls it now and then.

    `on_sweep` is called when one has ended, in that thread.
    """

    def __init__(
        self, ttl: float, clock: "Callable[[], float]", on_sweep: "Callable[[], None] | None" = None
    ) -> None:
        self._ttl = ttl
        self._clock = clock
        self._on_sweep = on_sweep
        self._lock = threading.Lock()
        self._entries: dict[Any, Entry] = {}

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        with self._lock:
            self._entries[key] = (self._clock() + self._ttl, value)

    def get(self, key: "Hashable") -> "Any":
        """The value, or None where there is none or its time is over."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and self._clock() < entry[0] else None

    def sweep(self) -> int:
        """Remove what is due; returns how many entries went."""
        with self._lock:
            now = self._clock()
            due = [key for key, (until, _) in self._entries.items() if until <= now]
            for key in due:
                del self._entries[key]
        if self._on_sweep is not None:
            self._on_sweep()
        return len(due)

    def __len__(self) -> int:
        """Entries kept, due or not."""
        return len(self._entries)
