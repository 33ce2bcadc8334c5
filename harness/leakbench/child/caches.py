"""Caches that declare their bound: the only types whose bound may explain growth.

Exact types alone: a subclass may override what evicts. Any other object's ``maxsize`` is a hint.
"""

from __future__ import annotations

import gc
import sys
import weakref
from itertools import compress

from leakbench.child.census import OBJECTS_CAP, entry_count, type_mro
from leakbench.child.naming import instance_dict, type_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_CACHETOOLS = (
    "Cache",
    "FIFOCache",
    "LFUCache",
    "LRUCache",
    "MRUCache",
    "RRCache",
    "TTLCache",
    "TLRUCache",
)
_CACHEBOX = ("Cache", "FIFOCache", "LFUCache", "LRUCache", "RRCache", "TTLCache", "VTTLCache")


class Bound:
    """What a cache declares about itself."""

    __slots__ = ("counts_entries", "entries", "maximum")

    def __init__(self, entries: int, maximum: int | None, *, counts_entries: bool) -> None:
        self.entries = entries
        self.maximum = maximum  # None: unbounded, or not to be read from the object
        self.counts_entries = counts_entries  # False: the bound is in units of the person's own


def _lru_bound(cache: Any) -> Bound:
    _, _, maximum, entries = type(cache).__dict__["cache_info"](cache)
    return Bound(entries, maximum, counts_entries=True)


def _deque_bound(cache: Any) -> Bound:
    return Bound(len(cache), cache.maxlen, counts_entries=True)


def _cachetools_bound(cache: Any) -> Bound:
    attributes = instance_dict(cache) or {}
    data = attributes.get("_Cache__data")
    maximum = attributes.get("_Cache__maxsize")
    return Bound(
        len(data) if type(data) is dict else 0,
        maximum if type(maximum) is int else None,
        counts_entries="getsizeof" not in attributes,
    )


def _cachebox_bound(cache: Any) -> Bound:
    maximum = cache.maxsize
    unbounded = maximum >= sys.maxsize
    return Bound(
        len(cache),
        None if unbounded else maximum,
        counts_entries=getattr(cache, "getsizeof", None) is None,
    )


def _theine_bound(cache: Any) -> Bound:
    maximum = (instance_dict(cache) or {}).get("max_size")
    return Bound(len(cache), maximum if type(maximum) is int else None, counts_entries=True)


def _moka_bound(cache: Any) -> Bound:
    """Entries only: moka-py 0.5 tells its capacity to nobody, see `watch_moka`."""
    entries = entry_count(cache)
    return Bound(entries, _moka_capacities.get(id(cache)), counts_entries=cache.weighted_size() == entries)


_moka_capacities: dict[int, int] = {}  # id(cache) -> capacity, filled by what `watch_moka` installs


def watch_moka() -> None:
    """Note the capacity of each moka cache made from now on; call it before the target is imported."""
    loaded = sys.modules.get("moka_py")
    if loaded is None:
        sys.meta_path.insert(0, _MokaFinder())
    else:
        _note_capacities(loaded)


class _MokaFinder:
    """Waits for the first import of moka_py, which the program may never do."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:  # noqa: ARG002
        if name != "moka_py":
            return None
        from importlib.machinery import PathFinder

        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name)
        loader: Any = spec.loader if spec is not None else None
        if loader is not None:
            execute = loader.exec_module

            def exec_module(module: Any) -> None:
                execute(module)
                _note_capacities(module)

            loader.exec_module = exec_module
        return spec


def _note_capacities(module: Any) -> None:
    """Let the class tell its capacity as an object is made: it has no initializer of its own."""

    def note(cache: object, *arguments: Any, **named: Any) -> None:
        capacity = arguments[0] if arguments else named.get("capacity")
        if type(capacity) is int:
            _moka_capacities[id(cache)] = capacity

    module.Moka.__init__ = note


def readers() -> dict[int, Callable[[Any], Bound]]:
    """How to read each allow-listed type that this process has loaded, by the type's identity."""
    found: dict[int, Callable[[Any], Bound]] = {}

    def add(module: str, names: tuple[str, ...], reader: Callable[[Any], Bound]) -> None:
        for name in names:
            kind = getattr(sys.modules.get(module), name, None)
            if type(kind) is type or (kind is not None and _is_type(kind)):
                found[id(kind)] = reader

    add("functools", ("_lru_cache_wrapper",), _lru_bound)
    add("collections", ("deque",), _deque_bound)
    add("cachetools", _CACHETOOLS, _cachetools_bound)
    add("cachebox", _CACHEBOX, _cachebox_bound)
    add("theine", ("Cache",), _theine_bound)
    add("moka_py", ("Moka",), _moka_bound)
    return found


def _is_type(kind: object) -> bool:
    return any(base is type for base in type_mro(type(kind)))


class BoundedCache:
    """A handle on one allow-listed cache, cheap to read again.

    It does not keep the cache alive, cachebox's and moka's excepted: these cannot be referred to weakly.
    """

    __slots__ = ("_get", "_read", "identity", "label")

    def __init__(self, cache: object, read: Callable[[Any], Bound]) -> None:
        self.identity = id(cache)
        self.label = type_label(type(cache))
        self._read = read
        try:
            self._get: Callable[[], object] = weakref.ref(cache)
        except TypeError:
            self._get = lambda: cache

    def bound(self) -> Bound | None:
        """Entries and bound now; None once the cache is gone."""
        cache = self._get()
        return None if cache is None else self._read(cache)

    def clear(self) -> bool:
        """Empty the cache, as its own user could; False once it is gone."""
        cache: Any = self._get()
        if cache is None:
            return False
        if self._read is _lru_bound:
            cache.cache_clear()
        else:
            cache.clear()
        if self._read is _moka_bound:
            cache.run_pending_tasks()  # until then the entries live
        return True

    def as_record(self) -> dict[str, Any] | None:
        """The same as a plain dict: type, len, bound, bound_counts_entries."""
        bound = self.bound()
        if bound is None:
            return None
        return {
            "type": self.label,
            "len": bound.entries,
            "bound": bound.maximum,
            "bound_counts_entries": bound.counts_entries,
        }


def bounded_caches(objects_cap: int = OBJECTS_CAP) -> list[BoundedCache]:
    """All allow-listed caches that declare a bound; moka's too, though theirs may be unknown."""
    by_type = readers()
    objects = gc.get_objects()
    del objects[objects_cap:]
    if "moka_py" in sys.modules:  # its caches alone are not tracked: they are found one reference further on
        objects += gc.get_referents(*objects)
    found = {cache.identity: cache for cache in _out_of_sight if cache.bound() is not None}
    # By C code alone: among 100,000 objects a handful are caches.
    for each in compress(objects, map(by_type.__contains__, map(id, map(type, objects)))):
        reader = by_type[id(type(each))]
        if id(each) in found:
            continue
        if reader is _moka_bound or reader(each).maximum is not None:
            found[id(each)] = BoundedCache(each, reader)
    return list(found.values())


_out_of_sight: list[BoundedCache] = []


def freeze() -> None:
    """Spare the collector, at every collection to come, what exists by now; its caches stay known.

    What the program's own parts, its modules and its tools, hold in cycles is then never collected, so the
    caller collects first. What was frozen before, by the program itself perhaps, is looked at too: the
    collector lists no such object.
    """
    gc.unfreeze()
    _out_of_sight[:] = bounded_caches()
    gc.freeze()
