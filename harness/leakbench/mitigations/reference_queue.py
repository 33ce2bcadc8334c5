"""Weak references that report their object's death into a queue, as Java's PhantomReference does."""

import weakref
from queue import Empty, SimpleQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Reference(weakref.ref["Any"]):
    """A weak reference that knows under which label its object was tracked."""

    __slots__ = ("label",)
    label: object


class ReferenceQueue:
    """Tells which of the tracked objects have died, where and when it suits whoever asks.

    What runs at the moment of a death is one `SimpleQueue.put`, which is reentrant and takes no lock of
    Python's: it cannot raise, cannot deadlock with a collection in the middle of a lock, and runs none of the
    person's own code in whatever thread happened to drop the last reference. The price is a delay until
    somebody asks. A label must not refer to its object, which would then never die. Safe to share between
    threads.
    """

    def __init__(self) -> None:
        self._dead: SimpleQueue[_Reference] = SimpleQueue()
        self._waiting: set[_Reference] = set()

    def track(self, referent: object, label: object) -> None:
        """Report `label` once `referent` is dead. Raises TypeError for what cannot be referred to weakly."""
        reference = _Reference(referent, self._dead.put)
        reference.label = label
        self._waiting.add(reference)

    def wait(self, timeout_seconds: "float | None" = None) -> object:
        """The label of an object that has died, oldest death first.

        With 0 it asks and does not wait; with None it waits for as long as it takes. Raises TimeoutError when
        nothing has died in time.
        """
        try:
            reference = self._dead.get(block=timeout_seconds != 0, timeout=timeout_seconds or None)
        except Empty:
            raise TimeoutError(f"nothing has died within {timeout_seconds} s") from None
        self._waiting.discard(reference)
        return reference.label

    def drain(self) -> "list[Any]":
        """The labels of all objects that have died and have not been told yet."""
        labels = []
        while not self._dead.empty():
            labels.append(self.wait(0))
        return labels

    def __len__(self) -> int:
        """References kept: of objects that live, and of deaths not yet told."""
        return len(self._waiting)
