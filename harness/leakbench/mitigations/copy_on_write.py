"""Maps whose readers take no lock, because what they read is never changed."""

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from typing import Any


class CopyOnWriteMap:
    """Each write makes a new version and puts it in the old one's place; safe to share between threads.

    Readers see one version or the other, never half of a change, and wait for nobody. With a dict a write
    costs a copy of everything; with a persistent map (see `persistent_map`) a few nodes. A reader that keeps
    a version keeps all that was in it.
    """

    __slots__ = ("_put", "_remove", "_version", "_writing")

    def __init__(
        self,
        empty: "Any" = None,
        put: "Callable[[Any, Any, Any], Any] | None" = None,
        remove: "Callable[[Any, Any], Any] | None" = None,
    ) -> None:
        self._version: Any = {} if empty is None else empty
        self._put = put or _copy_with
        self._remove = remove or _copy_without
        self._writing = threading.Lock()

    def get(self, key: "Hashable", default: "Any" = None) -> "Any":
        return self._version.get(key, default)

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        with self._writing:
            self._version = self._put(self._version, key, value)

    def pop(self, key: "Hashable", default: "Any" = None) -> "Any":
        with self._writing:
            version = self._version
            if key not in version:
                return default
            self._version = self._remove(version, key)
        return version[key]

    def add(self, key: "Hashable", amount: int) -> None:
        """Add to a number, 0 where there is none, without another thread in between."""
        with self._writing:
            version = self._version
            self._version = self._put(version, key, version.get(key, 0) + amount)

    def snapshot(self) -> "Mapping[Any, Any]":
        """The present version; it does not change, and must not be changed."""
        version: Mapping[Any, Any] = self._version
        return version

    def total(self) -> int:
        """The sum of all values, numbers, as they are at one instant."""
        return sum(self._version.values())

    def __len__(self) -> int:
        return len(self._version)


def _copy_with(version: "dict[Any, Any]", key: "Hashable", value: "Any") -> "dict[Any, Any]":
    copied = version.copy()
    copied[key] = value
    return copied


def _copy_without(version: "dict[Any, Any]", key: "Hashable") -> "dict[Any, Any]":
    copied = version.copy()
    del copied[key]
    return copied


def persistent_map() -> CopyOnWriteMap:
    """The same on `immutables.Map`, a hash trie: a write copies some nodes and shares the rest.

    Raises ImportError where immutables is not installed.
    """
    import immutables

    kind: Any = immutables.Map
    return CopyOnWriteMap(kind(), kind.set, kind.delete)
