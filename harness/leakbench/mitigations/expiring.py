"""A map whose entries die at a fixed age, and a clock that a script can move."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any


class ScriptedClock:
    """Time that stands still until `now` is set; called like `time.monotonic`."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


class ExpiringMap:
    """Entries that live for `ttl` on `clock`, removed as they come due, oldest first.

    Every entry has the same time to live, so the dict's own insertion order is the order of expiry and
    no second structure is kept: a put removes what is due in amortised constant time. An entry that is
    due is never served, whether or not a put has come by. Not safe to share between threads.
    """

    def __init__(self, ttl: float, clock: "Callable[[], float]") -> None:
        self._ttl = ttl
        self._clock = clock
        self._entries: dict[Any, tuple[float, Any]] = {}

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        now = self._clock()
        self._entries.pop(key, None)  # a renewed entry goes to the end of the order
        self._entries[key] = (now + self._ttl, value)
        self.expire()

    def get(self, key: "Hashable") -> "Any":
        """The value, or None where there is none or its time is over."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and self._clock() < entry[0] else None

    def pop(self, key: "Hashable", default: "Any" = None) -> "Any":
        entry = self._entries.pop(key, None)
        return default if entry is None else entry[1]

    def expire(self) -> int:
        """Remove what is due; returns how many."""
        now = self._clock()
        due = []
        for key, (deadline, _) in self._entries.items():
            if deadline > now:
                break
            due.append(key)
        for key in due:
            del self._entries[key]
        return len(due)

    def __contains__(self, key: "Hashable") -> bool:
        entry = self._entries.get(key)
        return entry is not None and self._clock() < entry[0]

    def __len__(self) -> int:
        """Entries kept, due or not."""
        return len(self._entries)
