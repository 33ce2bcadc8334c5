"""The object that people know a container by: the cache or collection whose inner table it is."""

from __future__ import annotations

from leakbench.child.census import entry_count, type_mro
from leakbench.child.naming import instance_dict, type_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from leakbench.child.caches import Bound
    from leakbench.child.graph import Graph

# Collections that hold weakly: their one table is how they are made.
SHELLS = frozenset({"weakref.WeakValueDictionary", "weakref.WeakKeyDictionary", "_weakrefset.WeakSet"})
_BOUND_NAMES = ("maxsize", "_maxsize", "max_size", "maxlen", "capacity", "limit")


def find_owner(graph: Graph, container: object, by_reader: Mapping[int, Callable[[Any], Bound]]) -> object:
    """The cache or weak collection whose inner table `container` is; else the container itself.

    What lies behind a mapping's key inside a cache is one of its values, and no part of it.
    """
    way = [graph.nodes[index] for index in graph.way_to(id(container))]
    for parent in reversed(way[:-1]):
        reader = by_reader.get(id(type(parent)))
        label = type_label(type(parent))
        if label in SHELLS:
            return parent
        if label == "functools.lru_cache":
            # results hang on the cache directly: only its dict has as many entries as it says
            if reader is None or type(container) is not dict:
                return container
            return parent if entry_count(container) == reader(parent).entries else container
        if reader is not None:
            return parent if instance_dict(parent) is not None else container  # C code has values alone
        if any(base is dict for base in type_mro(type(parent))) and not _is_attributes(way, parent):
            return container
    return container


def _is_attributes(way: list[object], mapping: object) -> bool:
    """Tell whether a dict on the way is the ``__dict__`` of the object before it."""
    position = next(index for index, each in enumerate(way) if each is mapping)
    return position > 0 and instance_dict(way[position - 1]) is mapping


def bound_hint(graph: Graph, container: object) -> int | None:
    """``maxsize`` or the like on the object around the container: a hint, which may be wrong."""
    for index in reversed(graph.way_to(id(container))[-3:-1]):
        attributes = instance_dict(graph.nodes[index]) or {}
        for name in _BOUND_NAMES:
            value = attributes.get(name)
            if type(value) is int and value > 0:
                return value
    return None
