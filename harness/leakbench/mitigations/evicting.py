"""Maps that stay within a bound by letting entries go: one map, and the policies that choose who goes.

A bound in entries bounds memory only where values are of one size; a bound in bytes needs a `weigh`.
"""

from collections import OrderedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, Protocol

    class Policy(Protocol):
        """Who goes next. It is told of every key that comes, is asked for, and goes."""

        def added(self, key: Hashable) -> None: ...

        def used(self, key: Hashable) -> None: ...

        def removed(self, key: Hashable) -> None: ...

        def victim(self) -> Hashable:
            """The key that should go; there is at least one. It is told of the removal afterwards."""


class EvictingMap:
    """Entries of at most `maximum` together: their number, or the sum of ``weigh(value)`` where it is given.

    `evicted` counts the entries that had to go. A value that outweighs the whole bound is not kept, and
    counts as evicted. Not safe to share between threads.
    """

    def __init__(self, policy: "Policy", maximum: int, weigh: "Callable[[Any], int] | None" = None) -> None:
        if maximum < 1:
            raise ValueError(f"maximum must be 1 or more, not {maximum}")
        self._policy = policy
        self._maximum = maximum
        self._weigh = weigh
        self._entries: dict[Any, tuple[Any, int]] = {}
        self.weight = 0
        self.evicted = 0

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        weight = 1 if self._weigh is None else self._weigh(value)
        if key in self._entries:
            self._policy.used(key)
            self.weight -= self._entries[key][1]
            self._entries[key] = (value, weight)
            self.weight += weight
            self._make_room(0)
            return
        # Room first: a newcomer, used by nobody yet, would be the victim of its own coming.
        self._make_room(weight)
        if weight > self._maximum:
            self.evicted += 1
            return
        self._entries[key] = (value, weight)
        self.weight += weight
        self._policy.added(key)

    def _make_room(self, weight: int) -> None:
        while self._entries and self.weight + weight > self._maximum:
            self._remove(self._policy.victim())
            self.evicted += 1

    def get(self, key: "Hashable") -> "Any":
        """The value, or None; the policy learns that it was asked for."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._policy.used(key)
        return entry[0]

    def pop(self, key: "Hashable", default: "Any" = None) -> "Any":
        return self._remove(key) if key in self._entries else default

    def _remove(self, key: "Hashable") -> "Any":
        value, weight = self._entries.pop(key)
        self.weight -= weight
        self._policy.removed(key)
        return value

    def __contains__(self, key: "Hashable") -> bool:
        """Whether it is there; the policy does not learn of the question."""
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)


class Fifo:
    """First in, first out: use saves nobody."""

    def __init__(self) -> None:
        self._order: OrderedDict[Hashable, None] = OrderedDict()

    def added(self, key: "Hashable") -> None:
        self._order[key] = None

    def used(self, _key: "Hashable") -> None:
        """Not asked for."""

    def removed(self, key: "Hashable") -> None:
        del self._order[key]

    def victim(self) -> "Hashable":
        return next(iter(self._order))


class Lru:
    """Least recently used first. One scan over many keys puts everything else out."""

    def __init__(self) -> None:
        self._order: OrderedDict[Hashable, None] = OrderedDict()

    def added(self, key: "Hashable") -> None:
        self._order[key] = None

    def used(self, key: "Hashable") -> None:
        self._order.move_to_end(key)

    def removed(self, key: "Hashable") -> None:
        del self._order[key]

    def victim(self) -> "Hashable":
        return next(iter(self._order))


class Lfu:
    """Least frequently used first, the oldest among equals, in constant time (Shah, Mitra, Matani 2010).

    Nothing ages: what was popular once stays.
    """

    def __init__(self) -> None:
        self._uses: dict[Any, int] = {}
        self._by_uses: dict[int, OrderedDict[Hashable, None]] = {}
        self._fewest = 0

    def added(self, key: "Hashable") -> None:
        self._uses[key] = self._fewest = 1
        self._by_uses.setdefault(1, OrderedDict())[key] = None

    def used(self, key: "Hashable") -> None:
        uses = self._uses[key]
        self._leave(key, uses)
        if uses == self._fewest and uses not in self._by_uses:
            self._fewest = uses + 1
        self._uses[key] = uses + 1
        self._by_uses.setdefault(uses + 1, OrderedDict())[key] = None

    def removed(self, key: "Hashable") -> None:
        self._leave(key, self._uses.pop(key))
        if self._fewest not in self._by_uses:
            self._fewest = min(self._by_uses, default=0)

    def _leave(self, key: "Hashable", uses: int) -> None:
        keys = self._by_uses[uses]
        del keys[key]
        if not keys:
            del self._by_uses[uses]

    def victim(self) -> "Hashable":
        return next(iter(self._by_uses[self._fewest]))


class _Node:
    """A place in SIEVE's queue."""

    __slots__ = ("key", "newer", "older", "visited")

    def __init__(self, key: "Hashable", older: "_Node | None") -> None:
        self.key = key
        self.older = older
        self.newer: _Node | None = None
        self.visited = False


class Sieve:
    """SIEVE (Zhang and others, NSDI 2024): a hand goes from old to new and spares who was asked for since.

    What is spared keeps its place, so newcomers that nobody asks for again go first.
    """

    def __init__(self) -> None:
        self._nodes: dict[Any, _Node] = {}
        self._newest: _Node | None = None
        self._oldest: _Node | None = None
        self._hand: _Node | None = None

    def added(self, key: "Hashable") -> None:
        node = _Node(key, self._newest)
        if self._newest is None:
            self._oldest = node
        else:
            self._newest.newer = node
        self._newest = node
        self._nodes[key] = node

    def used(self, key: "Hashable") -> None:
        self._nodes[key].visited = True

    def removed(self, key: "Hashable") -> None:
        node = self._nodes.pop(key)
        if self._hand is node:
            self._hand = node.newer
        if node.older is None:
            self._oldest = node.newer
        else:
            node.older.newer = node.newer
        if node.newer is None:
            self._newest = node.older
        else:
            node.newer.older = node.older

    def victim(self) -> "Hashable":
        node = self._hand or self._oldest
        while node is not None and node.visited:
            node.visited = False
            node = node.newer or self._oldest
        self._hand = node
        if node is None:
            raise KeyError("there is nobody to choose from")
        return node.key
