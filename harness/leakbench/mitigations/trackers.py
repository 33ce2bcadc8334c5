"""The ways to learn of an object's death, under one interface, so that they can be compared.

Each is made with ``notice``, a function that is called with the label of an object that has died. ``track``
begins to track an object, ``poll`` is called by the program now and then, and ``len`` tells the records kept.
"""

import gc
import weakref

from leakbench.mitigations.reference_queue import ReferenceQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Tracker(Protocol):
        """Calls `notice` with the label of what has died."""

        def track(self, referent: "Any", label: int) -> None: ...
        def poll(self) -> None: ...
        def __len__(self) -> int: ...


class DelTracker:
    """The object's own ``__del__``: it must be of a class that calls its attribute ``on_death`` there."""

    def __init__(self, notice: "Callable[[int], None]") -> None:
        self._notice = notice

    def track(self, referent: "Any", label: int) -> None:
        notice = self._notice
        referent.on_death = lambda: notice(label)

    def poll(self) -> None:
        """Nothing to ask for."""

    def __len__(self) -> int:
        return 0


class CallbackTracker:
    """A weak reference with a callback; it takes itself out of the table when it has reported."""

    def __init__(self, notice: "Callable[[int], None]") -> None:
        references: dict[weakref.ref[Any], int] = {}

        def died(reference: "weakref.ref[Any]") -> None:
            notice(references.pop(reference))

        self._references = references
        self._died = died  # one for all references: a bound method would be 64 bytes for each

    def track(self, referent: "Any", label: int) -> None:
        self._references[weakref.ref(referent, self._died)] = label

    def poll(self) -> None:
        """Nothing to ask for."""

    def __len__(self) -> int:
        return len(self._references)


class FinalizeTracker:
    """`weakref.finalize`, told not to report at exit what merely still lives."""

    def __init__(self, notice: "Callable[[int], None]", *, at_exit: bool = False) -> None:
        self._notice = notice
        self._at_exit = at_exit

    def track(self, referent: "Any", label: int) -> None:
        weakref.finalize(referent, self._notice, label).atexit = self._at_exit

    def poll(self) -> None:
        """Nothing to ask for."""

    def __len__(self) -> int:
        return len(weakref.finalize._registry)  # type: ignore[attr-defined]  # noqa: SLF001  # no public count


class QueueTracker:
    """A `ReferenceQueue`: deaths wait there until somebody asks."""

    def __init__(self, notice: "Callable[[int], None]") -> None:
        self._notice = notice
        self._queue = ReferenceQueue()

    def track(self, referent: "Any", label: int) -> None:
        self._queue.track(referent, label)

    def poll(self) -> None:
        for label in self._queue.drain():
            self._notice(label)

    def __len__(self) -> int:
        return len(self._queue)


class PollingTracker:
    """Plain weak references, of which all are looked at on every `every`-th poll."""

    def __init__(self, notice: "Callable[[int], None]", every: int = 8) -> None:
        self._notice = notice
        self._every = every
        self._polls = 0
        self._references: dict[int, weakref.ref[Any]] = {}

    def track(self, referent: "Any", label: int) -> None:
        self._references[label] = weakref.ref(referent)

    def poll(self) -> None:
        self._polls += 1
        if self._polls % self._every:
            return
        for label in [label for label, reference in self._references.items() if reference() is None]:
            del self._references[label]
            self._notice(label)

    def __len__(self) -> int:
        return len(self._references)


class ToldTracker:
    """No tracking at all: whoever owns the object says, by `told`, that it is done with it."""

    def __init__(self, notice: "Callable[[int], None]") -> None:
        self._notice = notice
        self._labels: dict[int, int] = {}

    def track(self, referent: "Any", label: int) -> None:
        self._labels[id(referent)] = label

    def told(self, referent: "Any") -> None:
        self._notice(self._labels.pop(id(referent)))

    def poll(self) -> None:
        """Nothing to ask for."""

    def __len__(self) -> int:
        return len(self._labels)


class GcTracker:
    """``gc.callbacks``: how many objects a collection has freed; never which, nor what died without it."""

    def __init__(self, _notice: "Callable[[int], None]") -> None:
        self.collected = 0
        collected = weakref.WeakMethod(self._collected)

        def told(phase: str, info: "dict[str, int]") -> None:
            tell = collected()
            if tell is not None and phase == "stop":
                tell(info["collected"])

        gc.callbacks.append(told)
        weakref.finalize(self, gc.callbacks.remove, told).atexit = False

    def _collected(self, objects: int) -> None:
        self.collected += objects

    def track(self, referent: "Any", label: int) -> None:
        """Nothing to remember."""

    def poll(self) -> None:
        """Nothing to ask for."""

    def __len__(self) -> int:
        return 0
