"""MonitoredMap for maps that think for themselves: caches that evict, maps written in Python, subclasses.

What such a map does inside one call cannot be seen from outside, so each call is made whole by a lock, and
whether a key was there is asked before a write. What left by itself then follows from the rest:
``evictions = insertions - deletions - entries``.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from leakbench.monitor.mapping import MonitoredMap
from leakbench.monitor.observing import Flows
from leakbench.monitor.tally import taken

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

K = TypeVar("K")
V = TypeVar("V")

_ABSENT: Any = object()


class GuardedMap(MonitoredMap[K, V]):
    """Made by ``MonitoredMap(wrapped)``. Calls take turns, so a cache that is not thread-safe becomes so.

    The lock is held while the wrapped map runs, its keys' ``__eq__`` and its evicted values' finalizers
    included: these must not wait for another thread that uses the same map.
    """

    __slots__ = ("_makes_missing", "_overwrites")

    def __init__(self, wrapped: Any = None, **options: Any) -> None:
        self._overwrites = count()
        # A defaultdict answers for a key it lacks, and stores the answer.
        self._makes_missing = hasattr(type(wrapped), "__missing__")
        super().__init__(wrapped, **options)

    def __getitem__(self, key: K) -> V:
        with self._lock:
            found = not self._makes_missing or key in self._map
            try:
                value = self._map[key]
            except KeyError:
                next(self._misses)
                raise
            next(self._hits if found else self._misses)
            if not found and key in self._map:
                next(self._writes)
            return value

    def get(self, key: K, default: Any = None) -> Any:
        with self._lock:
            value = self._map.get(key, _ABSENT)
            next(self._misses if value is _ABSENT else self._hits)
        return default if value is _ABSENT else value

    def __setitem__(self, key: K, value: V) -> None:
        with self._lock:
            known = key in self._map
            self._map[key] = value
            next(self._writes)
            if known:
                next(self._overwrites)

    def setdefault(self, key: K, default: Any = None) -> Any:
        with self._lock:
            known = key in self._map
            value = self._map.setdefault(key, default)
            next(self._hits if known else self._misses)
            if not known:
                next(self._writes)
        return value

    def __delitem__(self, key: K) -> None:
        with self._lock:
            self._note_peak()
            del self._map[key]
            self._deletions += 1

    def __len__(self) -> int:
        with self._lock:  # a TTLCache drops what has expired when it is asked how long it is
            return len(self._map)

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._map

    def _guard(self) -> AbstractContextManager[object]:
        return self._lock

    def _flows(self) -> Flows:
        with self._lock:
            self._note_peak()
            entries = len(self._map)
            overwrites = taken(self._overwrites)
            insertions = self._initial + taken(self._writes) - overwrites
            return Flows(
                entries=entries,
                peak_entries=self._peak_entries,
                insertions=insertions,
                overwrites=overwrites,
                deletions=self._deletions,
                evictions=max(0, insertions - self._deletions - entries),
                hits=taken(self._hits),
                misses=taken(self._misses),
            )
