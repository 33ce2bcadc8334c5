"""MonitoredMap: a map that counts what happens to it.

It composes: a subclass of dict that overrides ``__setitem__`` never hears of ``update``, ``setdefault`` and
``|=``. Reads and writes of a plain dict take no lock and add one `next()` on a count; what removes entries
takes a lock, so that a reading never sees an entry gone that is not yet counted. Which writes were
overwrites follows from ``insertions = entries + deletions`` and the number of writes, without asking at
each write whether the key was there. Any other map is wrapped in a GuardedMap (guarded.py).
"""

from __future__ import annotations

import copy
import operator
import threading
import time
from collections.abc import Mapping, MutableMapping
from contextlib import nullcontext
from itertools import count
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from leakbench.monitor.bounds import checked_bound
from leakbench.monitor.errors import MonitorError
from leakbench.monitor.observing import Flows, Observer
from leakbench.monitor.peeking import peek_of
from leakbench.monitor.registry import REGISTRY, Registry
from leakbench.monitor.sizes import checked_estimator, entry_bytes
from leakbench.monitor.tally import taken
from leakbench.monitor.wrapping import checked_mapping, counts_without_lock

if TYPE_CHECKING:
    from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView
    from contextlib import AbstractContextManager

    from leakbench.monitor.reading import Reading

K = TypeVar("K")
V = TypeVar("V")

_NO_DEFAULT: Any = object()


class MonitoredMap(MutableMapping[K, V]):
    """Count inserts, overwrites, deletions, evictions, hits and misses of `wrapped` (default: a new dict).

    With a `name` it is published to `registry`, weakly: dropping the map takes it off again. Changes must
    come through this object; what is done to `wrapped` directly is seen in the number of entries alone.
    `bound_entries` declares a bound that the map's owner keeps by hand. `estimate_bytes(key, value)` weighs
    one entry, at readings alone; where it raises, the reading has no size and `sample_failures` grows.

    Counts are exact for any number of threads: under the GIL where `wrapped` is a dict or an OrderedDict,
    else under a lock of this object's own. Raises MonitorError where `wrapped` is no mutable mapping.
    """

    __slots__ = (
        "__weakref__",
        "_deletions",
        "_hits",
        "_initial",
        "_lock",
        "_map",
        "_misses",
        "_name",
        "_observer",
        "_peak_entries",
        "_registry",
        "_writes",
    )

    def __new__(cls, wrapped: object = None, **_options: object) -> Self:
        if counts_without_lock(wrapped):
            return super().__new__(cls)
        from leakbench.monitor.guarded import GuardedMap

        if cls is MonitoredMap:
            return cast("Self", super().__new__(GuardedMap))
        if not issubclass(cls, GuardedMap):
            raise MonitorError(
                f"{cls.__name__} counts without a lock, which {type(wrapped).__name__!r} does not allow: "
                f"derive it from leakbench.monitor.guarded.GuardedMap"
            )
        return super().__new__(cls)

    def __init__(
        self,
        wrapped: MutableMapping[K, V] | None = None,
        *,
        name: str | None = None,
        bound_entries: int | None = None,
        estimate_bytes: Callable[[K, V], float] = entry_bytes,
        registry: Registry = REGISTRY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._map: MutableMapping[K, V] = {} if wrapped is None else checked_mapping(wrapped)
        self._observer = Observer(
            checked_estimator(estimate_bytes), checked_bound(bound_entries), clock, peek_of(self._map)
        )
        self._writes, self._hits, self._misses = count(), count(), count()
        self._lock = threading.RLock()  # re-entrant: dropping a value may run code that comes back here
        self._initial = self._peak_entries = len(self._map)
        self._deletions = 0  # under _lock, as is the peak
        self._registry = registry
        self._name: str | None = None
        if name is not None:
            self.publish(name)

    # Reading and writing: the lock-free path, for dict and OrderedDict.

    def __getitem__(self, key: K) -> V:
        try:
            value = self._map[key]
        except KeyError:
            next(self._misses)
            raise
        next(self._hits)
        return value

    def get(self, key: K, default: Any = None) -> Any:
        try:
            value = self._map[key]
        except KeyError:
            next(self._misses)
            return default
        next(self._hits)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._map[key] = value
        next(self._writes)

    def setdefault(self, key: K, default: Any = None) -> Any:
        present = cast("Any", self._map).get(key, _NO_DEFAULT)
        if present is not _NO_DEFAULT:
            next(self._hits)
            return present
        next(self._misses)
        value = self._map.setdefault(key, default)
        # Another thread may have written in between. If it wrote this very object, the two writes cannot
        # be told from an insertion and an overwrite, and are counted so.
        if value is default:
            next(self._writes)
        return value

    # Removing: under the lock, so that a reading finds an entry either there or counted as gone.

    def __delitem__(self, key: K) -> None:
        self.pop(key)

    def pop(self, key: K, default: Any = _NO_DEFAULT) -> Any:
        with self._lock:
            self._note_peak()
            try:
                value = self._map.pop(key)
            except KeyError:
                if default is _NO_DEFAULT:
                    raise
                return default
            self._deletions += 1
        return value  # held until here: what its finalizer does happens outside the lock

    def popitem(self, *args: Any, **options: Any) -> tuple[K, V]:
        with self._lock:
            self._note_peak()
            pair: tuple[K, V] = self._map.popitem(*args, **options)
            self._deletions += 1
        return pair

    def clear(self) -> None:
        with self._lock:
            self._note_peak()
            # One walk in C over both calls: no write of another thread falls between them.
            calls: Iterator[Any] = map(operator.call, (self._map.__len__, self._map.clear))
            entries, _ = calls
            self._deletions += entries

    def _note_peak(self) -> None:
        """Take the size before it falls: a map's largest size is always met there, or at a reading."""
        entries = len(self._map)
        if entries > self._peak_entries:  # noqa: PLR1730 - max() takes three times as long
            self._peak_entries = entries

    # Many at once: each pair counted, in order, as far as the source gets.

    def update(self, other: Any = (), /, **pairs: Any) -> None:
        if isinstance(other, Mapping):
            other = other.items()
        elif hasattr(other, "keys"):
            other = [(key, other[key]) for key in other.keys()]  # noqa: SIM118 - all that dict.update asks for
        for key, value in other:
            self[key] = value
        for name, value in pairs.items():
            self[cast("K", name)] = value

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]  # takes pairs too, as a dict does
        self.update(other)
        return self

    def __or__(self, other: object) -> MonitoredMap[K, V]:
        if not isinstance(other, Mapping):
            return NotImplemented  # Python asks the other operand then
        both = self.copy()
        both.update(other)
        return both

    def __ror__(self, other: object) -> MonitoredMap[K, V]:
        if not isinstance(other, Mapping):
            return NotImplemented  # Python asks the other operand then
        both = self.copy()
        both.clear()
        both.update(other)
        both.update(self)
        return both

    # Looking without asking for a key counts nothing.

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[K]:
        return iter(self._map)

    def __reversed__(self) -> Iterator[K]:
        backwards: Iterator[K] = reversed(cast("Any", self._map))
        return backwards

    def __contains__(self, key: object) -> bool:
        return key in self._map

    def keys(self) -> KeysView[K]:
        return self._map.keys()

    def values(self) -> ValuesView[V]:
        return self._map.values()  # the map's own: through self each value would count as a hit

    def items(self) -> ItemsView[K, V]:
        return self._map.items()

    def __repr__(self) -> str:
        label = "" if self._name is None else f"{self._name!r}: "
        return f"<{type(self).__name__} {label}{len(self._map)} entries in {type(self._map).__name__}>"

    # Copies count for themselves, from what they were given, and are published only when asked.

    def copy(self) -> MonitoredMap[K, V]:
        return self._around(self._copied_map())

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, object]) -> MonitoredMap[K, V]:
        return self._around(copy.deepcopy(self._copied_map(), memo))

    def __reduce__(self) -> tuple[object, ...]:
        observer = self._observer
        return _restored, (self._copied_map(), observer.bound_entries, observer.estimate_bytes)

    def _copied_map(self) -> MutableMapping[K, V]:
        """The map's own kind with the same entries: walking the original would trip over other threads."""
        with self._guard():
            return copy.copy(self._map)

    def _around(self, wrapped: MutableMapping[K, V]) -> MonitoredMap[K, V]:
        twin = MonitoredMap(wrapped, registry=self._registry)
        twin._observer = self._observer.anew()
        return twin

    # Being watched.

    @property
    def name(self) -> str | None:
        """The label it is published under; None for one that counts for itself."""
        return self._name

    @property
    def registry(self) -> Registry:
        """Where publish() puts it."""
        return self._registry

    @property
    def wrapped(self) -> MutableMapping[K, V]:
        """The map inside. What is changed through it is not counted."""
        return self._map

    def publish(self, name: str) -> None:
        """Let scrapes see this map under `name`; raises MonitorError where the name is taken or no label."""
        if self._name is not None and self._name != name:
            raise MonitorError(f"this map is published as {self._name!r}: close() it before it is {name!r}")
        self._registry.add(name, self, MonitoredMap.reading)
        self._name = name

    def close(self) -> None:
        """Take it off the scrapes. It goes on working and counting."""
        if self._name is not None:
            self._registry.remove(self._name, self)
            self._name = None

    def reading(self) -> Reading:
        """Counts, samples and estimates of this moment, in constant time."""
        return self._observer.reading(self._flows, self._map, self._guard())

    def renew_lock(self) -> None:
        """In a forked child: whichever thread held the lock, it is not here to let go."""
        self._lock = threading.RLock()
        self._observer.renew_lock()

    def _guard(self) -> AbstractContextManager[object]:
        """What is held while a reading or a copy looks into the map."""
        return nullcontext()

    def _flows(self) -> Flows:
        writes = taken(self._writes)  # first: a write is counted after it is done
        with self._lock:
            self._note_peak()
            entries, deletions, peak_entries = len(self._map), self._deletions, self._peak_entries
        insertions = entries + deletions
        return Flows(
            entries=entries,
            peak_entries=peak_entries,
            insertions=insertions,
            overwrites=max(0, writes - (insertions - self._initial)),
            deletions=deletions,
            evictions=None,
            hits=taken(self._hits),
            misses=taken(self._misses),
        )


def _restored(
    wrapped: MutableMapping[Any, Any],
    bound_entries: int | None,
    estimate_bytes: Callable[[Any, Any], float],
) -> MonitoredMap[Any, Any]:
    return MonitoredMap(wrapped, bound_entries=bound_entries, estimate_bytes=estimate_bytes)
