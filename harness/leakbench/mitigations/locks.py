"""Maps behind a lock, and a lock for many readers or one writer on nothing but `threading.Lock`."""

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from contextlib import AbstractContextManager
    from typing import Any


class ReadWriteLock:
    """``with lock.reading:`` admits many threads at a time, ``with lock.writing:`` one alone.

    Fair to writers: readers that come after a waiting writer wait behind it. Not reentrant; a reader that
    asks to write while it reads waits for itself. Under the GIL it buys no parallel reading of pure Python,
    and costs several times a plain lock: what it is worth is for `shared-map` to say.
    """

    __slots__ = ("_counting", "_readers", "_room", "_turnstile", "reading", "writing")

    def __init__(self) -> None:
        self._turnstile = threading.Lock()
        self._room = threading.Lock()  # taken by the first reader, released by the last; or by a writer
        self._counting = threading.Lock()
        self._readers = 0
        self.reading: AbstractContextManager[None] = _Side(self._begin_reading, self._end_reading)
        self.writing: AbstractContextManager[None] = _Side(self._begin_writing, self._end_writing)

    def _begin_reading(self) -> None:
        with self._turnstile, self._counting:
            self._readers += 1
            if self._readers == 1:
                self._room.acquire()

    def _end_reading(self) -> None:
        with self._counting:
            self._readers -= 1
            if not self._readers:
                self._room.release()

    def _begin_writing(self) -> None:
        self._turnstile.acquire()
        self._room.acquire()

    def _end_writing(self) -> None:
        self._room.release()
        self._turnstile.release()


class _Side:
    """One way of taking the lock, as a context manager; it keeps no state and serves all threads."""

    __slots__ = ("_begin", "_end")

    def __init__(self, begin: "Callable[[], None]", end: "Callable[[], None]") -> None:
        self._begin = begin
        self._end = end

    def __enter__(self) -> None:
        self._begin()

    def __exit__(self, *_: object) -> None:
        self._end()


class LockedMap:
    """A dict of which each operation is done under a lock; safe to share between threads.

    `reading` and `writing` are context managers that may be entered by many threads, one after the other or,
    where the lock allows it, readers together. Without the second, both sides take the same lock.
    """

    __slots__ = ("_entries", "_reading", "_writing")

    def __init__(
        self, reading: "AbstractContextManager[Any]", writing: "AbstractContextManager[Any] | None" = None
    ) -> None:
        self._entries: dict[Hashable, Any] = {}
        self._reading = reading
        self._writing = reading if writing is None else writing

    def get(self, key: "Hashable", default: "Any" = None) -> "Any":
        with self._reading:
            return self._entries.get(key, default)

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        with self._writing:
            self._entries[key] = value

    def pop(self, key: "Hashable", default: "Any" = None) -> "Any":
        with self._writing:
            return self._entries.pop(key, default)

    def add(self, key: "Hashable", amount: int) -> None:
        """Add to a number, 0 where there is none, without another thread in between."""
        with self._writing:
            self._entries[key] = self._entries.get(key, 0) + amount

    def total(self) -> int:
        """The sum of all values, numbers, as they are at one instant."""
        with self._reading:
            return sum(self._entries.values())

    def __len__(self) -> int:
        with self._reading:
            return len(self._entries)
