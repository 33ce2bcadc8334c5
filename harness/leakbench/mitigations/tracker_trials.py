"""What each way of dying looks like to one of `leakbench.mitigations.trackers`, and what tracking costs.

`make` is a tracker's class, or a function that makes one from the function that it is to notify.
"""

import gc
import os
import sys
from time import perf_counter_ns

import leakbench
from leakbench.mitigations.trackers import DelTracker, ToldTracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from leakbench.mitigations.trackers import Tracker

    Make = Callable[[Callable[[int], None]], Tracker]

POLLS = 64
"""As many as any tracker needs to have looked at all it tracks."""
_OBJECTS = 500


def _unwatched() -> None:
    """What happens at the death of a map that nobody watches by its ``__del__``."""


class Map:
    """A map with a payload; `itself` closes a cycle."""

    __slots__ = ("__weakref__", "itself", "on_death", "payload")

    def __init__(self, payload_bytes: int) -> None:
        self.itself: Map | None = None
        self.on_death: Callable[[], None] = _unwatched
        self.payload = bytes(payload_bytes)

    def close(self) -> None:
        """Let go of the payload."""
        self.payload = b""


class MapWithDel(Map):
    """The same with a finalizer of its own."""

    __slots__ = ()

    def __del__(self) -> None:
        self.on_death()


class Phoenix:
    """Part of a dead cycle; its ``__del__`` brings the other part back to life."""

    def __init__(self, partner: Map, rescued: "list[Map]") -> None:
        self._partner = partner
        self._rescued = rescued

    def __del__(self) -> None:
        self._rescued.append(self._partner)


def map_for(tracker: "Tracker", payload_bytes: int) -> Map:
    return MapWithDel(payload_bytes) if isinstance(tracker, DelTracker) else Map(payload_bytes)


def costs(make: "Make") -> "dict[str, float]":
    """Time to register and to drop, and bytes a record; the collector is off meanwhile, to see them alone."""
    import _tracemalloc  # the bare counter: `tracemalloc` itself imports 3 MiB

    enabled = gc.isenabled()
    gc.disable()
    try:
        tracker = make(lambda _label: None)
        maps = [map_for(tracker, 0) for _ in range(_OBJECTS)]
        began_ns = perf_counter_ns()
        for label, each in enumerate(maps):
            tracker.track(each, label)
        registered_ns = perf_counter_ns()
        del each
        maps.clear()
        dropped_ns = perf_counter_ns()
        maps = [map_for(tracker, 0) for _ in range(_OBJECTS)]
        _tracemalloc.start(1)
        before_bytes, _ = _tracemalloc.get_traced_memory()
        for label, each in enumerate(maps):
            tracker.track(each, _OBJECTS + label)
        after_bytes, _ = _tracemalloc.get_traced_memory()
        _tracemalloc.stop()
    finally:
        if enabled:
            gc.enable()
    return {
        "register_ns": (registered_ns - began_ns) / _OBJECTS,
        "drop_ns": (dropped_ns - registered_ns) / _OBJECTS,
        "record_bytes": (after_bytes - before_bytes) / _OBJECTS,
    }


class Trial:
    """One tracked map, alone with a tracker of its own."""

    def __init__(self, make: "Make", *, raises: bool = False) -> None:
        self.labels: list[int] = []
        self.threads: list[int] = []
        self._raises = raises
        self._tracker = make(self._notice)

    def _notice(self, label: int) -> None:
        import _thread

        self.labels.append(label)
        self.threads.append(_thread.get_ident())
        if self._raises:
            raise RuntimeError(label)

    def tracked(self, label: int = 0) -> Map:
        made = map_for(self._tracker, 0)
        self._tracker.track(made, label)
        return made

    def drop(self, last: "list[Map]") -> None:
        """Let go of the one map in the list, as its owner."""
        dropped = last.pop()
        if isinstance(self._tracker, ToldTracker):
            self._tracker.told(dropped)

    def noticed(self) -> int:
        """Deaths noticed, once all is asked for; raises what the callback raises where `poll` calls it."""
        for _ in range(POLLS):
            self._tracker.poll()
        return len(self.labels)


def deaths(make: "Make") -> "dict[str, int]":
    plain = Trial(make)
    plain.drop([plain.tracked()])
    seen = {"noticed_plain": plain.noticed()}
    cyclic = Trial(make)
    last = [cyclic.tracked()]
    last[0].itself = last[0]
    cyclic.drop(last)
    seen["noticed_cycle_before_collection"] = cyclic.noticed()
    gc.collect()
    seen["noticed_cycle"] = cyclic.noticed()
    seen["reported_dead_while_alive"] = _resurrected(make)
    seen["notices_after_an_error"] = _after_error(make)
    seen["noticed_in_foreign_thread"] = _in_thread(make)
    return seen


def _resurrected(make: "Make") -> int:
    """Whether a map is reported dead that another part of its dead cycle has brought back."""
    trial, rescued = Trial(make), []  # type: Trial, list[Map]
    tracked: Any = trial.tracked()
    tracked.itself = Phoenix(tracked, rescued)
    del tracked
    gc.collect()
    noticed = trial.noticed()
    for each in rescued:  # none, where the tracker has kept both alive
        each.itself = None
    return int(noticed > 0)


def _after_error(make: "Make") -> int:
    """Whether the second of two deaths is noticed, though the callback raises at each."""
    trial = Trial(make, raises=True)
    hook, sys.unraisablehook = sys.unraisablehook, lambda _error: None
    try:
        for label in range(2):
            try:
                trial.drop([trial.tracked(label)])
                trial.noticed()
            except RuntimeError:  # raised where it was asked for or told: there it can be handled
                continue
    finally:
        sys.unraisablehook = hook
    return int(1 in trial.labels)


def _in_thread(make: "Make") -> int:
    """Whether the callback runs in another thread than the program's, where that one was the last holder."""
    import threading

    trial = Trial(make)
    last = [trial.tracked()]
    thread = threading.Thread(target=trial.drop, args=(last,))
    thread.start()
    thread.join()
    trial.noticed()
    return sum(each != threading.get_ident() for each in trial.threads)


def noticed_at_exit(make: "Make") -> int:
    """Whether a map that lives until its interpreter ends is reported then; one is started to see."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # noqa: FBT003  # its only spelling
    above = os.path.dirname(leakbench.__path__[0])  # noqa: PTH120  # pathlib would weigh on the measured child
    code = f"import sys; sys.path[:] = {[above, *sys.path]!r}; from {__name__} import live_until_exit; "
    code += f"from {make.__module__} import {make.__qualname__} as make; live_until_exit(make, {writing})"
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
    os.close(writing)
    said = os.read(reading, 64)
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"the interpreter that was to end with a living map failed: {status=}")
    return int(b"noticed" in said)


def live_until_exit(make: "Make", descriptor: int) -> None:
    """Track a map that the main module holds; a notice is written to the descriptor."""
    write = os.write
    main: Any = sys.modules["__main__"]

    def notice(_label: int) -> None:
        write(descriptor, b"noticed")

    main.tracker = make(notice)
    main.tracked = map_for(main.tracker, 0)
    main.tracker.track(main.tracked, 0)
