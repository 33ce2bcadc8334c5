"""The article's weak-reference cache (section 4.3), rebuilt with those of its defects that are asked for.

For study: `leakbench.mitigations.weak_cache.WeakCache` is the one to use.
"""

import threading
import time
import weakref

from leakbench.mitigations.sweeper import WeakSweeper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PINS = "the sweeper's target is a bound method"
REFUSES = "what cannot be weakly referenced is refused"
UNLOCKED = "puts take no lock while the sweeper iterates"
UNCHECKED = "the callback removes the key, whoever is under it"
LOCKS = "the callback takes the lock"

_ARTICLE_SECONDS = 60.0
_HASTY_SECONDS = 20e-6

ARTICLE_DEFECTS = frozenset({PINS, REFUSES, UNCHECKED, LOCKS})
"""Those that show in one thread; an unlocked put needs a sweeper that is busier than once a minute."""


class Tally:
    """What happened inside the caches of one run: counts."""

    __slots__ = ("deadlocks", "entries_scanned", "entries_swept", "sweepers_died")

    def __init__(self) -> None:
        self.deadlocks = 0
        self.entries_scanned = 0
        self.entries_swept = 0
        self.sweepers_died = 0

    def note_death(self, _: object) -> None:
        """For `threading.excepthook`: a sweeper has ended in an exception, of which nobody is told."""
        self.sweepers_died += 1


class ArticleCache:
    """The article's cache with the given defects, and mended where a defect is not among them."""

    def __init__(self, defects: "frozenset[str]", tally: Tally) -> None:
        self._defects = defects
        self._tally = tally
        self._entries: dict[Any, weakref.ref[Any]] = {}
        self._held: dict[Any, object] = {}  # what cannot be weakly referenced, where that is mended
        self._lock = threading.Lock()
        if PINS in defects:
            threading.Thread(target=self._sweep_for_ever, daemon=True).start()
        elif UNLOCKED in defects:
            self._sweeper = WeakSweeper(self, _HASTY_SECONDS)

    def __setitem__(self, key: "Any", value: object) -> None:
        if UNLOCKED in self._defects:
            self._put(key, value)
            return
        with self._lock:
            self._put(key, value)

    def _put(self, key: "Any", value: object) -> None:
        try:
            self._entries[key] = weakref.ref(value, self._callback(key))
        except TypeError:
            if REFUSES in self._defects:
                raise
            self._held[key] = value

    def _callback(self, key: "Any") -> "Callable[[weakref.ref[Any]], None]":
        entries, defects, lock, tally = self._entries, self._defects, self._lock, self._tally

        def remove(dead: "weakref.ref[Any]") -> None:
            # One thread alone uses such a cache, so a lock that is taken will never be free again.
            if LOCKS in defects and not lock.acquire(blocking=False):
                tally.deadlocks += 1
                return
            if UNCHECKED in defects or entries.get(key) is dead:
                entries.pop(key, None)
            if LOCKS in defects:
                lock.release()

        return remove

    def get(self, key: "Any") -> object:
        reference = self._entries.get(key)
        return self._held.get(key) if reference is None else reference()

    def items(self) -> "list[tuple[Any, Any]]":
        """What a reader of the article's cache gets hold of: the reference objects."""
        return list(self._entries.items())

    def _sweep_for_ever(self) -> None:
        while True:
            time.sleep(_ARTICLE_SECONDS)  # as the article does; nothing ends it, which is its defect
            self.sweep()

    def sweep(self) -> None:
        """Look for the dead; where puts take no lock, over the dict itself, as the article does."""
        with self._lock:
            entries = self._entries if UNLOCKED in self._defects else self._entries.copy()
            dead = []
            for key, reference in entries.items():
                if self._is_dead(reference):
                    dead.append(key)  # the article's loop, at the article's speed: it is a race
            self._tally.entries_scanned += len(entries)
            self._tally.entries_swept += len(dead)
            for key in dead:
                self._entries.pop(key, None)

    def _is_dead(self, reference: "weakref.ref[Any]") -> bool:
        return reference() is None

    def __len__(self) -> int:
        return len(self._entries) + len(self._held)
