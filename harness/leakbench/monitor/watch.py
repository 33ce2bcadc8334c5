"""monitored(): one call for whatever somebody caches in."""

from __future__ import annotations

from collections import deque
from collections.abc import MutableMapping
from functools import _lru_cache_wrapper
from typing import TYPE_CHECKING, Any, TypeVar, overload

from leakbench.monitor.errors import MonitorError
from leakbench.monitor.libraries import base_in
from leakbench.monitor.mapping import MonitoredMap
from leakbench.monitor.reading import Reading
from leakbench.monitor.registry import REGISTRY, Registry

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


@overload
def monitored(
    thing: MutableMapping[K, V], *, name: str, registry: Registry = ..., **options: Any
) -> MonitoredMap[K, V]: ...
@overload
def monitored(thing: T, *, name: str, registry: Registry = ..., **options: Any) -> T: ...
def monitored(thing: Any, *, name: str, registry: Registry = REGISTRY, **options: Any) -> Any:
    """Watch `thing` under `name` and return what is to be used from now on.

    A map, of cachetools and cachebox too, comes back wrapped in a MonitoredMap, which takes the further
    `options`. An lru_cache function and a deque come back as they are: they count for themselves or not at
    all, and are asked at scrapes alone. Raises MonitorError for anything else, and for a name in use.
    """
    if isinstance(thing, MonitoredMap):
        if options or registry is not thing.registry:
            raise MonitorError(
                f"this map is monitored already: {', '.join(options) or 'registry'} is given where it is made"
            )
        thing.publish(name)
        return thing
    if isinstance(thing, MutableMapping) or base_in("cachebox", thing) is not None:
        return MonitoredMap(thing, name=name, registry=registry, **options)
    reader = _reader_of(thing)
    if reader is None:
        raise MonitorError(
            f"cannot monitor {type(thing).__name__!r}: it is neither a mutable mapping, nor a function with "
            f"cache_info(), nor a deque"
        )
    if options:
        raise MonitorError(f"{', '.join(options)}: for maps only, not for {type(thing).__name__!r}")
    registry.add(name, thing, reader)
    return thing


def _reader_of(thing: object) -> Callable[[Any], Reading] | None:
    if isinstance(thing, _lru_cache_wrapper) or callable(getattr(thing, "cache_info", None)):
        return read_cached_function
    if isinstance(thing, deque):
        return read_deque
    return None


def read_cached_function(function: Any) -> Reading:
    """hits, misses and size of an lru_cache or of cachetools' @cached(info=True).

    Insertions are not told: a call that raised was a miss and stored nothing. cache_clear() sets hits and
    misses back to 0, which Prometheus takes for a restart, as it should.
    """
    info = function.cache_info()
    bound_entries = info.maxsize or None  # None: unbounded; 0: nothing is ever stored
    return Reading(
        entries=info.currsize,
        hits=info.hits,
        misses=info.misses,
        bound_entries=bound_entries,
        fill_ratio=None if bound_entries is None else info.currsize / bound_entries,
    )


def read_deque(queue: deque[Any]) -> Reading:
    bound_entries = queue.maxlen or None
    return Reading(
        entries=len(queue),
        bound_entries=bound_entries,
        fill_ratio=None if bound_entries is None else len(queue) / bound_entries,
    )
