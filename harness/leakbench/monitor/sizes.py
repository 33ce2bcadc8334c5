"""What an entry weighs: an estimate that looks two objects deep and never far."""

from __future__ import annotations

import gc
import sys
from itertools import islice
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TypeVar

from leakbench.monitor.errors import MonitorError

T = TypeVar("T")

# Shared by all entries, so no entry's weight.
_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType)
_PARTS_MAX = 64
_DEPTH = 2


def checked_estimator(estimate_bytes: T) -> T:
    """Raises MonitorError where it cannot be called, before a scrape would have to keep quiet about it."""
    if not callable(estimate_bytes):
        raise MonitorError(f"estimate_bytes must be a function (key, value) -> bytes, not {estimate_bytes!r}")
    return estimate_bytes


def entry_bytes(key: object, value: object) -> float:
    """Bytes of the key, of the value and of what the value holds directly, two levels deep.

    An object that several entries share is counted for each: then this is too much. What lies deeper is
    not counted: then it is too little. A longer list, tuple, set or dict is weighed by its first 64 items.
    """
    return sys.getsizeof(key) + _object_bytes(value, _DEPTH)


def _object_bytes(value: object, depth: int) -> float:
    own_bytes = sys.getsizeof(value)
    if depth == 0 or not gc.is_tracked(value):
        return own_bytes
    parts, total = _parts(value)
    if not parts:
        return own_bytes
    seen_bytes = sum(_object_bytes(part, depth - 1) for part in parts if not isinstance(part, _SHARED))
    return own_bytes + seen_bytes * total / len(parts)


def _parts(value: object) -> tuple[list[object], int]:
    """At most 64 of the objects that `value` refers to, and how many there are."""
    if isinstance(value, dict):
        pairs = list(islice(value.items(), _PARTS_MAX // 2))
        return [part for pair in pairs for part in pair], 2 * len(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(islice(value, _PARTS_MAX)), len(value)
    parts = gc.get_referents(value)
    return parts[:_PARTS_MAX], len(parts)
