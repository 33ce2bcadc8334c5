"""The inside of `leakbench check`: does what its parent orders, one order at a time.

The parent decides how far to climb and when enough is known; nothing of that is in here, so that the
measured process stays small and the decisions can be tested without one.
"""

import gc
import time
from array import array

from leakbench.child import target as targets
from leakbench.child.caches import bounded_caches, freeze, watch_moka
from leakbench.child.departing import fill_stack_cache
from leakbench.child.gauges import Memory, descriptor_count, difference
from leakbench.child.ledger import STRETCH_STEPS, Ladder, collect
from leakbench.child.main import import_whatever_lies_about

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from leakbench.child.channel import Channel

_WARM_UP_STEPS = 64
_WARM_UP_SECONDS = 0.05
_WARM_UP_BYTES = 64 << 20
_SLOW_STEP_SECONDS = 0.01
_STEPS_ON = 256  # beyond a line that woke: a cache turns over, and what is emptied now and then is again
_DOUBTED_SHARE = 0.25  # of the largest holder's: the end of a small one's growth is not that of the leak
_FEW_OBJECTS = 8  # fewer than a leak's events that can be judged


def run(job: "dict[str, Any]", channel: "Channel") -> None:
    """Load the target, warm it up, and obey until the parent has no more orders."""
    channel.emit("awake")  # whatever happens from here on, the interpreter is one
    if not job["target"]:  # started before it was known
        job.update(channel.order())
    watch_moka()
    try:
        target = targets.load(job["target"], job["request"])
    except targets.UnusableError as error:
        channel.emit("unusable", reason=str(error), traceback=[])
        return
    except BaseException as error:  # noqa: BLE001  # a person's module may raise anything, SystemExit included
        from leakbench.child.main import describe

        is_hook = isinstance(error, targets.HookError)
        seen = describe((is_hook and error.__cause__) or error, job)
        failed = f": {error} raised" if is_hook else " does not import:"
        reason = f"{job['target']}{failed} {seen['type']}: {seen['message']}"
        channel.emit("unusable", reason=reason, traceback=seen["traceback"])
        return
    obey(job, channel, target)


def obey(job: "dict[str, Any]", channel: "Channel", target: targets.Target) -> None:
    """Warm the target up, do what the parent orders until it has no more to order, and close the target."""
    channel.emit("loaded")
    session = Session(job, channel, target)
    try:
        session.warm_up()
        while True:
            order = channel.order()
            if not order:
                break
            getattr(session, "do_" + order.pop("do"))(**order)
    except targets.UnusableError as error:
        channel.emit("unusable", reason=str(error), traceback=[])
    except targets.FailedError as error:
        channel.emit("failed", reason=str(error), step=job.get("current_step"))
    else:
        channel.emit("closing")
        target.close()


def _dormant() -> "ModuleType":
    """The search for code that has not run, with all that it needs."""
    import ast  # noqa: F401  # only where there is a line to look at, and then in its place

    from leakbench.child import dormant

    return dormant


class Session:
    """A warmed-up target and what can be asked of it; each `do_…` answers with records."""

    def __init__(self, job: "dict[str, Any]", channel: "Channel", target: targets.Target) -> None:
        self._job = job
        self._channel = channel
        self._target = target
        self._next = 0
        self._ladder: Ladder | None = None
        self._caches: list[Any] = []
        self._cache_entries = array("q")  # there before the first reading, and all along
        self._is_slow = False
        self._followed = 0  # objects that the collector follows, by the start of the climb

    def warm_up(self) -> None:
        """Run a few steps, and say how long one takes."""
        gc.unfreeze()  # the program may have frozen its own garbage
        gc.collect()
        gc.freeze()  # a collection of what was imported takes longer than all that is done here
        memory = Memory()
        self._try(0)
        self._channel.emit("stepped")
        self._next = 1
        first = memory.anonymous_bytes()
        fds_first = descriptor_count()
        grown = 0
        taken = taken_now = 0.0
        while self._next < _WARM_UP_STEPS and taken < _WARM_UP_SECONDS and grown <= _WARM_UP_BYTES:
            began = time.perf_counter()
            for i in range(self._next, 2 * self._next):  # as many again: the 64th step ends it
                self._try(i)
                taken_now = time.perf_counter() - began
                if taken + taken_now > _WARM_UP_SECONDS:
                    break
            self._next = i + 1
            taken += taken_now
            grown = difference(memory.anonymous_bytes(), first) or 0
        self._is_slow = taken > _SLOW_STEP_SECONDS * (self._next - 1)
        collect()
        freeze()  # as in the climb: what a collection costs there
        began = time.perf_counter()
        collect()
        collect_seconds = time.perf_counter() - began
        self._channel.emit(
            "ready",
            steps=self._next,
            step_seconds=taken / max(1, self._next - 1),
            collect_seconds=collect_seconds,
            grown_bytes_per_step=grown / max(1, self._next - 1),
            fds_per_step=(descriptor_count() - fds_first) / max(1, self._next - 1),
            file=self._target.file,
            has_teardown=self._target.has_teardown,
        )

    def _try(self, i: int) -> None:
        self._job["current_step"] = i
        self._target.try_step(i)
        self._job["current_step"] = None

    def do_climb(
        self,
        octaves: "list[list[int]]",
        growth_cap_bytes: int,
        stop_at_seconds: float,
        *,
        freeze: bool = False,
    ) -> None:
        """Climb octave by octave while the parent says go; answers with rungs, and a "top" for each.

        freeze: spare the collector, at every rung, what existed by the end of the warm-up; `do_thaw` then
        tells what that hid.
        """
        if self._ladder is None:
            if not freeze:
                gc.unfreeze()
            self._caches = bounded_caches()
            self._cache_entries = array("q", [0] * len(self._caches))
            fill_stack_cache()
            self._ladder = Ladder(
                self._channel,
                self._target.step,
                self._next,
                self._cache_sizes,
                stretch_steps=1 if self._is_slow else STRETCH_STEPS,
            )
            self._followed = len(gc.get_objects())
        for rungs in octaves:
            reached = self._ladder.climb(rungs, growth_cap_bytes, stop_at_seconds)
            self._channel.emit("top", reason=reached, heap_kind=self._ladder.heap_kind)
            if reached != "top" or self._channel.word() != b"go":
                return

    def _cache_sizes(self) -> "array[int]":
        for position, cache in enumerate(self._caches):
            bound = cache.bound()
            self._cache_entries[position] = -1 if bound is None else bound.entries
        return self._cache_entries

    def do_thaw(self) -> None:
        """Live heap with nothing spared: a frozen object that died in a cycle keeps all that it leads to.

        Where next to nothing that the collector follows has come since the freeze, there is nothing hidden.
        """
        assert self._ladder is not None  # noqa: S101  # the parent climbs before it asks
        came = len(gc.get_objects()) - self._followed
        gc.unfreeze()
        heap_bytes = self._ladder.readings()["heap_bytes"] if came > _FEW_OBJECTS else None
        self._channel.emit("thawed", heap_bytes=heap_bytes)

    def do_doubt(self, budget_seconds: float) -> None:
        """Whether any code might yet remove what grew: only then is it worth the search for who holds it.

        True, too, where that cannot be told: the search is in a process of its own, whose end costs little.
        """
        assert self._ladder is not None  # noqa: S101  # the parent climbs before it doubts
        try:
            dormant = import_whatever_lies_about(_dormant)
            removes = self._ladder.interrupt(
                lambda step, i: dormant.may_remove(step, i, budget_seconds, self._target.waiting_codes())
            )
        except BaseException:  # noqa: BLE001  # a step may raise anything
            removes = True
        self._channel.emit("doubted", may_remove=removes)

    def do_weigh(self, positions: "list[int]") -> None:
        """What each of these declared caches gives back when it is cleared: an entry's price, measured.

        Ends the ladder's usefulness: the caches are empty afterwards. Others are left as they are, for what
        leaks may lie in one: a list that an lru_cache of one entry hands out.
        """
        assert self._ladder is not None  # noqa: S101  # the parent climbs before it weighs
        alive = len(bounded_caches())
        weighed = []
        for position in positions:
            cache = self._caches[position]
            known = cache.as_record()
            if known is None or not known["len"]:
                continue
            collect()
            before = self._ladder.live_bytes()
            if cache.clear():
                collect()
                known["freed_bytes"] = before - self._ladder.live_bytes()
                known["position"] = position
                weighed.append(known)
        self._channel.emit(
            "weighed",
            caches=weighed,
            left_bytes=self._ladder.live_bytes(),
            alive_at_end=alive,
            alive_at_start=len(self._caches),
        )

    def do_refill(self, steps: int, seconds: float) -> None:
        """So many steps more, or as many as there is time for, and all counters then."""
        assert self._ladder is not None  # noqa: S101  # as above
        self._ladder.run_on(steps, seconds)
        sizes = list(self._cache_sizes())
        self._channel.emit("refilled", cache_entries=sizes, **self._ladder.readings())

    def do_settle(self) -> None:
        """What stays once everything collectable is collected and free pages are given back."""
        from leakbench.child.gauges import trim

        assert self._ladder is not None  # noqa: S101  # as above
        trim()
        self._channel.emit("settled", **self._ladder.readings())

    def do_holders(
        self, skip: int, budget_seconds: float, dormant_seconds: float, growth_cap_bytes: int
    ) -> None:
        """Who holds what grows after so many more steps, and whether code that would remove has not run."""
        from leakbench.child.gauges import Heap
        from leakbench.child.holder import search

        gc.unfreeze()  # what was there before the first step may be what grows
        heap = Heap(Memory())
        step = self._target.step
        for i in range(self._next, self._next + skip):
            step(i)
        self._next += skip
        collect()
        before, first = heap.live_bytes(), self._next
        found = search(
            step,
            self._next,
            roots=self._target.roots,
            budget_seconds=budget_seconds,
            heap_bytes=heap.live_bytes,
            growth_cap_bytes=growth_cap_bytes,
        )
        self._next += found["steps"]
        collect()
        self._channel.emit(
            "holders", grown_bytes=heap.live_bytes() - before, collects=gc.isenabled(), **found
        )
        dormant = import_whatever_lies_about(_dormant)
        told = dormant.find_dormant(
            step, self._next, _to_doubt(found["holders"]), dormant_seconds, self._target.waiting_codes()
        )
        self._next += told["steps"]
        told["watched_to"] = self._next
        told["kept_rate"] = told["rate_from_then"] = 0.0
        if told["woken"]:
            collect()
            woken = heap.live_bytes()
            told["kept_rate"] = (woken - before) / (self._next - first)
            stop_at = time.perf_counter() + 2 * dormant_seconds
            more = 0
            while more < max(_STEPS_ON, told["steps"]) and time.perf_counter() < stop_at:
                step(self._next + more)
                more += 1
            self._next += more
            collect()
            told["rate_from_then"] = (heap.live_bytes() - woken) / max(1, more)
        self._channel.emit("dormant", **told)

    def do_trace(self, capture: str, steps: int, *, native: bool) -> None:
        """Where it is allocated, in the person's own code where the stack has any: steps under memray."""
        try:
            import memray
        except ImportError as error:
            self._channel.emit("untraced", reason=f"memray is not installed for this interpreter ({error})")
            return
        from leakbench.child.heap import read_capture, trace

        gc.unfreeze()
        job = {"capture": capture, "warmup": self._next, "scale": steps, "native": native}
        trace(job, self._target.step, memray)
        self._next += steps
        is_own = own_code(self._target.file)
        self._channel.emit("traced", steps=steps, **read_capture(capture, is_own, memray, native=native))


def _to_doubt(holders: "list[dict[str, Any]]") -> "dict[str, str]":
    """The types of what holds much of the growth, and may yet hold less, by their paths.

    A cache with a declared bound answers for itself; its own code need not be doubted.
    """
    growing = [each for each in holders if not (each["allow_listed"] or each["turns_over"])]
    least = _DOUBTED_SHARE * max((each["bytes_share"] or 0.0 for each in growing), default=0.0)
    return {
        each["path"]: each["type"]
        for each in growing
        if each["path"] is not None and (each["bytes_share"] or 0.0) >= least
    }


def own_code(target_file: "str | None") -> "Callable[[str], bool]":
    """Whether a file is the person's own: in no folder of installed packages, nor the standard library's.

    Where the target itself is installed, its package's files are own.
    """
    import os
    import sysconfig

    paths = sysconfig.get_paths()
    libraries = tuple(
        {os.path.join(paths[name], "") for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    )
    harness = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
    home = os.path.join(os.path.dirname(target_file or ""), "")
    if home.startswith(libraries):
        return lambda file: file.endswith(".py") and file.startswith(home)
    return lambda file: file.endswith(".py") and not file.startswith((*libraries, harness))
