"""Which maps are watched: by name, weakly.

The article's monitor kept the maps it watched alive for ever. Here a dropped map takes its name with it, and
there is no callback on its death (which may run in any thread, in the middle of anything): the dead are
swept out under the lock whenever the registry is used.
"""

from __future__ import annotations

import os
import re
import threading
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakbench.monitor.reading import Reading

# A label value a map: enough for every map that somebody wrote, too few for one a user or a request.
NAMES_MAX = 256
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,99}")

_registries: weakref.WeakSet[Registry] = weakref.WeakSet()


class _Watched(NamedTuple):
    target: weakref.ref[Any]
    read: Callable[[Any], Reading]  # takes the target, so that it need not hold it


class Registry:
    """Names of live monitored things. All methods are safe to call from any thread."""

    def __init__(self, names_max: int = NAMES_MAX) -> None:
        self._names_max = names_max
        self._lock = threading.RLock()  # re-entrant: a collection inside may run a finalizer that comes back
        self._watched: dict[str, _Watched] = {}
        self._names_ever: set[str] = set()  # never more than names_max

        _registries.add(self)

    def renew_locks(self) -> None:
        """In a forked child, where a thread that held a lock is no more: its own and those of its maps."""
        self._lock = threading.RLock()
        for entry in self._watched.values():
            renew = getattr(entry.target(), "renew_lock", None)
            if renew is not None:
                renew()

    def add(self, name: str, target: object, read: Callable[[Any], Reading]) -> None:
        """Publish `target` under `name`, held weakly.

        Raises MonitorError where the name is no label, belongs to a live map, or is one too many.
        """
        if not _is_label(name):
            raise MonitorError(
                f"{name!r} is no name for a map: letters, digits and _.:/- after a letter, at most 100"
            )
        try:
            reference = weakref.ref(target)
        except TypeError:
            raise MonitorError(
                f"{type(target).__name__} allows no weak reference, and the monitor keeps nothing alive: "
                f"wrap it in a MonitoredMap"
            ) from None
        with self._lock:
            self._sweep()
            holder = self._watched.get(name)
            if holder is not None and holder.target() is not target:
                raise MonitorError(
                    f"a map named {name!r} is monitored already and still alive: give this one a name of its "
                    f"own, or call close() on the other first"
                )
            if name not in self._names_ever and len(self._names_ever) >= self._names_max:
                raise MonitorError(
                    f"{name!r} would be map name number {self._names_max + 1} of this process, and each is a "
                    f"series that Prometheus keeps: name maps after what they hold, not after whose it is"
                )
            self._names_ever.add(name)
            self._watched[name] = _Watched(reference, read)

    def remove(self, name: str, target: object) -> None:
        """Take `name` off, if it is `target` that bears it."""
        with self._lock:
            holder = self._watched.get(name)
            if holder is not None and holder.target() is target:
                del self._watched[name]

    def names(self) -> list[str]:
        with self._lock:
            self._sweep()
            return sorted(self._watched)

    def readings(self) -> list[tuple[str, Reading]]:
        """A reading of each live thing, in the order of their names.

        A thing whose own code raises (a user's __len__) is left out of this round: one broken map must
        not hide the others.
        """
        with self._lock:
            self._sweep()
            watched = sorted(self._watched.items())
        # Outside the lock: a reading may wait for a map's own lock, or run a user's estimator.
        return [(name, reading) for name, entry in watched if (reading := _read_or_none(entry)) is not None]

    def _sweep(self) -> None:
        dead = [name for name, entry in self._watched.items() if entry.target() is None]
        for name in dead:
            del self._watched[name]


def _is_label(name: object) -> bool:
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _read_or_none(entry: _Watched) -> Reading | None:
    target = entry.target()
    if target is None:
        return None
    try:
        return entry.read(target)
    except Exception:  # noqa: BLE001 - any code of the user may run here, and none may break the scrape
        return None


def _renew_all_locks() -> None:
    for registry in _registries:
        registry.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all_locks)

REGISTRY = Registry()
