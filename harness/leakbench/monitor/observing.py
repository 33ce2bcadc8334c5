"""Turning a map's counts and a look at a few of its entries into a reading."""

from __future__ import annotations

import math
import sys
import threading
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.monitor.bounds import fill_of
from leakbench.monitor.reading import Reading
from leakbench.monitor.sampling import ABSENT, AgeSample, SizeEstimate, SizeSample
from leakbench.monitor.wrapping import counts_without_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from contextlib import AbstractContextManager

# Looked at in each reading: the newest, and so many of the oldest; all where there are no more.
_OLDEST_ENTRIES = 3
_FEW_ENTRIES = 1 + _OLDEST_ENTRIES

Pair = tuple[Any, object]  # a key and its value, or ABSENT where a look would touch the value


class Flows(NamedTuple):
    """What came, what went and what was asked, up to a moment. Never above the truth, exact when at rest."""

    entries: int
    peak_entries: int
    insertions: int
    overwrites: int
    deletions: int
    evictions: int | None  # None where the map never evicts
    hits: int
    misses: int


class Observer:
    """What is remembered of one map between two readings. It does not refer to the map."""

    def __init__(
        self,
        estimate_bytes: Callable[[Any, Any], float],
        bound_entries: int | None,
        clock: Callable[[], float],
        peek: Callable[[Any, Any], object] | None,
    ) -> None:
        self.estimate_bytes = estimate_bytes
        self.bound_entries = bound_entries
        self._clock = clock
        self._peek = peek
        self._lock = threading.RLock()
        self._ages, self._sizes = AgeSample(), SizeSample()
        self._sample_failures = 0
        self._told: Flows | None = None

    def renew_lock(self) -> None:
        self._lock = threading.RLock()

    def anew(self) -> Observer:
        """One with the same settings and no memory, for a copy of the map."""
        return Observer(self.estimate_bytes, self.bound_entries, self._clock, self._peek)

    def reading(
        self,
        flows_now: Callable[[], Flows],
        wrapped: Any,
        guard: AbstractContextManager[object],
    ) -> Reading:
        """A reading of `wrapped`, in a time that does not depend on the number of entries.

        `guard` is held while the map is looked at, not while entries are weighed. What a key's comparison
        or an estimator raises is counted in `sample_failures` and goes no further.
        """
        with self._lock:
            failures_before = self._sample_failures
            pairs: list[Pair] = []
            age_seconds = None
            with guard:
                flows = self._told = _not_below(self._told, flows_now())
                fill = fill_of(wrapped, flows.entries, self.bound_entries)
                try:
                    pairs = self._end_pairs(wrapped, flows.entries)
                    age_seconds = self._oldest_seconds(pairs, wrapped)
                except Exception:  # noqa: BLE001 - a key's __eq__ and a user's __iter__ may raise anything
                    self._sample_failures += 1
            size = self._size(pairs, flows.entries)
            if self._sample_failures > failures_before:
                size = None
            return Reading(
                **flows._asdict(),
                oldest_age_seconds=age_seconds,
                size_bytes=None if size is None else sys.getsizeof(wrapped) + size.entries_bytes,
                size_error_bytes=None if size is None else size.error_bytes,
                bound_entries=fill.bound_entries,
                fill_ratio=fill.ratio,
                sample_failures=self._sample_failures,
            )

    def _end_pairs(self, wrapped: Any, entries: int) -> list[Pair]:
        """A few entries, the newest first where the map has an order that can be read backwards."""
        if counts_without_lock(wrapped):  # so other threads may write to it meanwhile
            try:
                if entries <= _FEW_ENTRIES:
                    return list(reversed(wrapped.copy().items()))
                newest = _newest_key(wrapped)
                return [(newest, wrapped[newest]), *islice(wrapped.items(), _OLDEST_ENTRIES)]
            except (KeyError, RuntimeError):  # it changed size in between: the next reading looks again
                return []
        keys = list(islice(iter(wrapped), _OLDEST_ENTRIES))
        if keys and (newest := _newest_key(wrapped)) not in keys:
            keys.insert(0, newest)
        peek = self._peek
        return [(key, ABSENT if peek is None else peek(wrapped, key)) for key in keys]

    def _oldest_seconds(self, pairs: list[Pair], wrapped: Any) -> float | None:
        peek = self._peek

        def value_of(key: Hashable) -> object:
            if peek is not None:
                return peek(wrapped, key)
            if key in wrapped:
                return ABSENT
            raise KeyError(key)

        return self._ages.oldest_seconds(pairs[0] if pairs else None, self._clock(), value_of)

    def _size(self, pairs: list[Pair], entries: int) -> SizeEstimate | None:
        """None where values cannot be seen, too few were yet, or an estimator raised or gave no size."""
        try:
            weights = [float(self.estimate_bytes(key, value)) for key, value in pairs if value is not ABSENT]
        except Exception:  # noqa: BLE001 - an estimator is the user's code
            self._sample_failures += 1
            return None
        if not all(0 <= weight < math.inf for weight in weights):  # NaN neither; it would stay in the mean
            self._sample_failures += 1
            return None
        if len(weights) < len(pairs):
            return None
        return self._sizes.estimate(weights, entries)


def _not_below(earlier: Flows | None, now: Flows) -> Flows:
    """Where a write is done and not counted yet, a count derived from others may dip: never tell so.

    Prometheus takes a falling counter for a restart and adds the whole of it to the rate.
    """
    if earlier is None:
        return now
    return now._replace(
        insertions=max(earlier.insertions, now.insertions),
        overwrites=max(earlier.overwrites, now.overwrites),
        evictions=None if now.evictions is None else max(earlier.evictions or 0, now.evictions),
    )


def _newest_key(wrapped: Any) -> Any:
    """The last key, or the first of a map that cannot be read backwards.

    Making the backward iterator and taking from it is one call into C. In two, another thread may shrink the
    dict in between, and CPython then reads beyond the end of its table (python/cpython#154709).
    """
    try:
        return next(map(next, map(reversed, (wrapped,))))
    except TypeError:
        return next(iter(wrapped))
