"""A cache that keeps nothing alive: the article's design (section 4.3) without its defects.

Beside `weakref.WeakValueDictionary` it takes any value, tells of its bound, can be shared between threads
whatever the collector does meanwhile, and ends what it started when it is closed or merely dropped.
"""

import threading
import time
import weakref
from collections import deque

from leakbench.mitigations.sweeper import WeakSweeper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import TracebackType
    from typing import Any, Generic, TypeVar

    K = TypeVar("K", bound=Hashable)
    V = TypeVar("V")
    D = TypeVar("D")

    class _Typed(Generic[K, V]):
        """What makes ``WeakCache[str, Image]`` mean something to a type checker."""
else:

    class _Typed:
        """The same where the program runs, without the 1.9 MiB of typing."""

        def __class_getitem__(cls, _: object) -> type:
            return cls


class _Reference(weakref.ref):  # type: ignore[type-arg]  # any value
    """A weak reference that knows its key, so that one callback serves all."""

    __slots__ = ("key",)
    key: "Any"


class WeakCache(_Typed["K", "V"]):
    """Values for as long as somebody else holds them; what cannot be weakly referenced within a bound.

    A str, int, bytes, list, dict, tuple or datetime cannot be weakly referenced. The cache holds the
    `strong_entries` most recently used of them itself, each for at most `strong_seconds` since its put where
    that is given (then a thread looks for what is due that often, and holds the cache weakly). With
    ``strong_entries=0`` such a value is a TypeError.

    Safe to share between threads. Safe against the collector, which may run inside any method, in the thread
    that holds the lock, and call back or run a ``__del__`` that uses the cache: the lock is reentrant, no
    method counts on anything from before the last call, and a callback never waits; what it cannot remove
    at once it leaves to whoever holds the lock. It removes an entry only if the entry is still its own.

    Use it as a context manager, or `close` it, or just drop it. After `close` it is empty and stays so:
    a put raises RuntimeError.
    """

    def __init__(
        self,
        *,
        strong_entries: int = 128,
        strong_seconds: "float | None" = None,
        clock: "Callable[[], float]" = time.monotonic,
    ) -> None:
        if strong_entries < 0:
            raise ValueError(f"strong_entries must be 0 or more, not {strong_entries}")
        if strong_seconds is not None and strong_seconds <= 0:
            raise ValueError(f"strong_seconds must be more than 0 or None, not {strong_seconds}")
        self._most_strong = strong_entries
        self._strong_seconds = strong_seconds
        self._clock = clock
        self._lock = threading.RLock()
        self._weak: dict[Any, _Reference] = {}
        self._strong: dict[Any, tuple[Any, float]] = {}  # key -> value and when it was put; least used first
        self._died: deque[_Reference] = deque()  # references whose entries are still to be removed
        self._note_death = _callback(weakref.ref(self))
        self._sweeper: WeakSweeper | None = None
        self._closed = False

    def __setitem__(self, key: "K", value: "V") -> None:
        """Keep `value` under `key`, weakly if that can be.

        Raises TypeError for a value that cannot be weakly referenced where ``strong_entries=0``, and
        RuntimeError once the cache is closed.
        """
        reference = self._reference(key, value)
        with self._lock:
            self._check_open()
            let_go = self._store(key, value, reference)
        del let_go  # whatever its end sets off happens without the lock
        self._tidy()

    def get(self, key: "K", default: "V | D | None" = None) -> "V | D | None":
        """The value, or `default` where there is none, nobody held it any more, or its time is over."""
        with self._lock:
            found = self._find(key)
        self._tidy()
        return default if found is _ABSENT else found  # type: ignore[return-value]  # not _ABSENT

    def setdefault(self, key: "K", value: "V") -> "V":
        """The value that is there, or else `value`, kept: one step that no other thread comes between."""
        reference = self._reference(key, value)
        let_go = None
        with self._lock:
            self._check_open()
            found = self._find(key)
            if found is _ABSENT:
                let_go = self._store(key, value, reference)
        del let_go
        self._tidy()
        return value if found is _ABSENT else found  # type: ignore[return-value]  # not _ABSENT

    def pop(self, key: "K", default: "V | D | None" = None) -> "V | D | None":
        """Remove the entry and return its value, or `default` where there was none."""
        with self._lock:
            found = self._find(key)
            let_go = self._weak.pop(key, None), self._strong.pop(key, None)
        del let_go
        self._tidy()
        return default if found is _ABSENT else found  # type: ignore[return-value]  # not _ABSENT

    def items(self) -> "list[tuple[K, V]]":
        """The entries of this moment. The list holds the values: let go of it soon."""
        with self._lock:
            now = self._clock()
            living = [(key, reference()) for key, reference in self._weak.copy().items()]
            strong = self._strong.copy()
        self._tidy()
        held = [(key, value) for key, (value, put) in strong.items() if not self._is_due(put, now)]
        return [(key, value) for key, value in living if value is not None] + held

    def clear(self) -> None:
        with self._lock:
            let_go = self._weak, self._strong
            self._weak, self._strong = {}, {}
        del let_go
        self._tidy()

    def sweep(self) -> int:
        """Remove what is held strongly and past its time; returns how many. The dead are gone already."""
        with self._lock:
            now = self._clock()
            kept = self._strong.copy()
            due = [key for key, (_, put) in kept.items() if self._is_due(put, now)]
            for key in due:
                if self._strong.get(key) is kept[key]:
                    del self._strong[key]
        del kept  # whatever its end sets off happens without the lock
        self._tidy()
        return len(due)

    def close(self) -> None:
        """Let go of everything and end the thread; may be called again."""
        with self._lock:
            self._closed = True
            sweeper, self._sweeper = self._sweeper, None
        if sweeper is not None:
            sweeper.close()
        self.clear()

    def __enter__(self) -> "WeakCache[K, V]":
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: "BaseException | None",
        traceback: "TracebackType | None",
    ) -> None:
        self.close()

    def __contains__(self, key: "K") -> bool:
        with self._lock:
            found = self._find(key)
        self._tidy()
        return found is not _ABSENT

    def __len__(self) -> int:
        """Entries kept; one whose time is over counts until the next sweep or look-up."""
        self._tidy()
        with self._lock:
            kept = len(self._weak) + len(self._strong)
        self._tidy()
        return kept

    def _reference(self, key: "K", value: "V") -> "_Reference | None":
        """A weak reference to the value, or None where there can be none and the cache is to hold it."""
        try:
            reference = _Reference(value, self._note_death)
        except TypeError:
            if self._most_strong:
                return None
            raise TypeError(
                f"a {type(value).__name__} cannot be weakly referenced;"
                " WeakCache(strong_entries=N) holds up to N of them itself"
            ) from None
        reference.key = key
        return reference

    def _store(self, key: "K", value: "V", reference: "_Reference | None") -> object:
        """Under the lock: make the entry; returns what it replaces, to be let go without the lock."""
        replaced = self._weak.pop(key, None), self._strong.pop(key, None)
        if reference is not None:
            self._weak[key] = reference
            return replaced
        self._strong[key] = (value, self._clock())
        if self._strong_seconds is not None and self._sweeper is None:
            self._sweeper = WeakSweeper(self, self._strong_seconds)
        if len(self._strong) <= self._most_strong:
            return replaced
        return replaced, self._strong.pop(next(iter(self._strong)), None)

    def _find(self, key: "K") -> object:
        """Under the lock: the value or _ABSENT; one held strongly becomes the most recently used."""
        reference = self._weak.get(key)
        if reference is not None:
            value = reference()
            return _ABSENT if value is None else value
        entry = self._strong.get(key)
        if entry is None or self._is_due(entry[1], self._clock()):
            return _ABSENT
        self._strong[key] = self._strong.pop(key, entry)
        return entry[0]

    def _is_due(self, put: float, now: float) -> bool:
        return self._strong_seconds is not None and now - put >= self._strong_seconds

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("this WeakCache is closed; make a new one")

    def _tidy(self) -> None:
        """Remove the entries of the dead, unless somebody has the lock: who has it calls this after it.

        A death is noted before the lock is tried, and looked for after the lock is released: so none is
        ever left behind.
        """
        died = self._died
        while died and self._lock.acquire(blocking=False):
            let_go = []
            try:
                while True:
                    reference = died.popleft()
                    let_go.append(reference)  # and its key, to be let go without the lock
                    if self._weak.get(reference.key) is reference:
                        del self._weak[reference.key]
            except IndexError:  # none is left; a callback in here may have been quicker
                pass
            finally:
                self._lock.release()


_ABSENT = object()


def _callback(cache: "weakref.ref[WeakCache[Any, Any]]") -> "Callable[[_Reference], None]":
    """What the death of a value calls: in any thread, at any point, so that it must not wait for anything."""

    def note_death(reference: _Reference) -> None:
        living = cache()
        if living is not None:
            living._died.append(reference)  # noqa: SLF001  # part of the class, kept apart not to hold it
            living._tidy()  # noqa: SLF001

    return note_death
