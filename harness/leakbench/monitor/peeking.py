"""Looking at an entry without touching it: a reading must not make a cache think that it was used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from leakbench.monitor.libraries import base_in

if TYPE_CHECKING:
    from collections.abc import Callable

_ABSENT = object()


def peek_of(wrapped: object) -> Callable[[Any, object], object] | None:
    """The function (map, key) -> value that reads without side effect, or None where no such is known.

    It raises KeyError for a key that is not there.
    """
    if isinstance(wrapped, dict):
        return dict.__getitem__
    if (base := base_in("cachetools", wrapped)) is not None:
        # An LRUCache's own [] moves the key to the end; that of the base class reads and no more.
        return cast("Callable[[Any, object], object]", base.__getitem__)
    if base_in("cachebox", wrapped) is not None and hasattr(wrapped, "peek"):
        return _cachebox_peek
    return None


def _cachebox_peek(wrapped: Any, key: object) -> object:
    value = wrapped.peek(key, _ABSENT)
    if value is _ABSENT:
        raise KeyError(key)
    return value
