"""A map that gives its table back once few of its entries are left."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from typing import Any

_FEWEST = 64  # below it a table is too small to be worth building anew


class ShrinkingMap:
    """A dict that is built anew when its entries have become fewer than one in `sparse` of what they were.

    A dict never gives its table back while entries go (cpython#76804). Here a removal that leaves less
    than a `sparse`-th of the most entries since the last rebuild copies the rest into a new dict: constant
    time an entry when spread over the removals that led to it, but one removal pays for all. Whoever
    iterates over it must not remove meanwhile, as with a dict. Not safe to share between threads.
    """

    __slots__ = ("_entries", "_most", "_sparse", "rebuilds")

    def __init__(self, sparse: int = 8) -> None:
        if sparse < 2:  # noqa: PLR2004  # one would rebuild at each removal
            raise ValueError(f"sparse must be at least 2, not {sparse}")
        self._entries: dict[Hashable, Any] = {}
        self._most = 0
        self._sparse = sparse
        self.rebuilds = 0

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        self._entries[key] = value
        self._most = max(self._most, len(self._entries))

    def __getitem__(self, key: "Hashable") -> "Any":
        return self._entries[key]

    def get(self, key: "Hashable", default: "Any" = None) -> "Any":
        return self._entries.get(key, default)

    def __delitem__(self, key: "Hashable") -> None:
        del self._entries[key]
        if self._most >= _FEWEST and len(self._entries) * self._sparse < self._most:
            self._entries = dict(self._entries)
            self._most = len(self._entries)
            self.rebuilds += 1

    def __contains__(self, key: "Hashable") -> bool:
        return key in self._entries

    def __iter__(self) -> "Iterator[Hashable]":
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def table_bytes(self) -> int:
        """Size of the dict's own table, without keys and values."""
        return sys.getsizeof(self._entries)
