"""A map in shards, each behind a lock of its own."""

import threading

from leakbench.mitigations.locks import LockedMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any


class ShardedMap:
    """`shards` dicts, among which keys are spread by their hash; safe to share between threads.

    Two threads wait for each other only where their keys meet in a shard. Under the GIL the waiting is rare
    anyway and the detour costs more than it saves; what counts then is that a shard's table is small when
    it grows. `total` and `len` go from shard to shard: they are no picture of one instant.
    """

    __slots__ = ("_shards",)

    def __init__(self, shards: int = 16) -> None:
        if shards < 1:
            raise ValueError(f"a map needs a shard at least, not {shards}")
        self._shards = tuple(LockedMap(threading.Lock()) for _ in range(shards))

    def _of(self, key: "Hashable") -> LockedMap:
        return self._shards[hash(key) % len(self._shards)]

    def get(self, key: "Hashable", default: "Any" = None) -> "Any":
        return self._of(key).get(key, default)

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        self._of(key)[key] = value

    def pop(self, key: "Hashable", default: "Any" = None) -> "Any":
        return self._of(key).pop(key, default)

    def add(self, key: "Hashable", amount: int) -> None:
        """Add to a number, 0 where there is none, without another thread in between."""
        self._of(key).add(key, amount)

    def total(self) -> int:
        """The sum of all values, numbers, of one shard after the other."""
        return sum(shard.total() for shard in self._shards)

    def __len__(self) -> int:
        return sum(map(len, self._shards))
