"""A large map's death, and who learns of it (article, section 2.5).

Mechanism: somebody wants to know when a map is gone, to count it, to close what belongs to it, to raise an
alarm where it is not. Whatever watches must refer to the map somehow, and whoever refers strongly keeps it
alive: then the watcher is the leak. A weak reference that is not kept never reports, one that is never let
go of is a small leak of its own, and what the collector has to find first is reported only then.

Who retains: the registry of the one who watches, ``REGISTRY``; ``weakref.finalize``'s own where its callback
is a method of the watched; ``REFERENCES``, dead weak references.

Seen in the wild: `weakref.finalize(self, self.close)` in many libraries; its documentation warns of it.

A step makes a map and has it tracked; `LIFE_STEPS` later it is dropped. One in `CYCLIC_EVERY` refers to
itself and waits for the collector, which the program calls every `COLLECT_EVERY` steps. Lost are the deaths
that are never noticed. What other deaths look like to each tracker (resurrected, at exit, in another thread,
with a callback that raises) is tried once, in `counts`. What a record costs is with the entry that the
tracker keeps for it: of the 149 bytes of a weak reference with a callback the reference itself is 80.
"""

import gc
import weakref

from leakbench.contract import Parameter, Run, Scenario
from leakbench.mitigations.tracker_trials import POLLS, Map, costs, deaths, map_for, noticed_at_exit
from leakbench.mitigations.trackers import (
    CallbackTracker,
    DelTracker,
    FinalizeTracker,
    GcTracker,
    PollingTracker,
    QueueTracker,
    ToldTracker,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from leakbench.mitigations.tracker_trials import Make

LIFE_STEPS = 16
CYCLIC_EVERY = 8
COLLECT_EVERY = 128

REGISTRY: "dict[int, Map]" = {}
REFERENCES: "list[weakref.ref[Map]]" = []


class LifetimeTracking:
    """The workload: maps that are tracked, live for a while and are dropped."""

    def __init__(self, make: "Make", run: Run) -> None:
        self._make = make
        self._tracker = make(self._notice)
        self._payload_bytes = run.params["payload_bytes"]
        self._alive: list[Map | None] = [None] * LIFE_STEPS
        self._now = self._dropped = self._noticed = 0
        self._delay_steps = [0, 0]  # longest so far: of plain deaths, of cycles

    def step(self, i: int) -> None:
        self._now = i
        place = i % LIFE_STEPS
        self._drop(place)
        tracked = map_for(self._tracker, self._payload_bytes)
        if i % CYCLIC_EVERY == 0:
            tracked.itself = tracked
        self._tracker.track(tracked, i)
        self._alive[place] = tracked
        self._tracker.poll()
        if i % COLLECT_EVERY == 0:
            gc.collect()

    def _drop(self, place: int) -> None:
        self._dropped += self._alive[place] is not None
        dropped, self._alive[place] = self._alive[place], None
        if dropped is not None and isinstance(self._tracker, ToldTracker):
            self._tracker.told(dropped)

    def _notice(self, label: int) -> None:
        self._noticed += 1
        cyclic = label % CYCLIC_EVERY == 0
        self._delay_steps[cyclic] = max(self._delay_steps[cyclic], self._now - label - LIFE_STEPS)

    def counts(self) -> "dict[str, int | float]":
        """Entries are maps alive; retained are the tracker's records. Then the trials, 1 for yes.

        `plain_delay_steps` and `cycle_delay_steps` are the longest seen in the run. `register_ns` and
        `drop_ns` are means over 500 maps; `record_bytes` is what a tracked map costs besides itself.
        """
        gc.collect()
        for _ in range(POLLS):
            self._tracker.poll()
        alive = sum(each is not None for each in self._alive)
        return {
            "live_entries": alive,
            "retained_entries": len(self._tracker),
            "lost_entries": self._dropped - self._noticed,
            "plain_delay_steps": self._delay_steps[0],
            "cycle_delay_steps": self._delay_steps[1],
            **costs(self._make),
            **deaths(self._make),
            "noticed_at_exit": noticed_at_exit(self._make),
        }


SCENARIO = Scenario(
    "lifetime-tracking",
    LifetimeTracking,
    title="A large map's death, and who learns of it",
    section="2.5",
    steps={"quick": 16_384, "full": 65_536},  # the leaks make each of its collections longer
    warmup=4_096,
    params={"payload_bytes": Parameter(256, 0, 1 << 20, "bytes of payload that a map carries")},
)


class StrongRegistry:
    """Every map in a dict, so that one can always ask which there are."""

    def __init__(self, _notice: "Callable[[int], None]") -> None:
        self._maps = {} if REGISTRY else REGISTRY  # a trial beside the run has a registry of its own

    def track(self, referent: Map, label: int) -> None:
        self._maps[label] = referent

    def poll(self) -> None:
        """Ask in vain: what stands in the registry is alive."""

    def __len__(self) -> int:
        return len(self._maps)


class ClosingFinalizer:
    """``finalize(each, each.close)``: the bound method holds the map, and finalize's registry the method."""

    def __init__(self, notice: "Callable[[int], None]") -> None:
        self._notice = notice
        self._tracked = 0

    def track(self, referent: Map, _label: int) -> None:
        weakref.finalize(referent, referent.close).atexit = False
        self._tracked += 1

    def poll(self) -> None:
        """Nothing to ask for."""

    def __len__(self) -> int:
        return self._tracked


class HoardingTracker:
    """Callbacks that report, on references that stay in a list when they are dead."""

    def __init__(self, notice: "Callable[[int], None]") -> None:
        self._notice = notice
        self._references = [] if REFERENCES else REFERENCES  # as in StrongRegistry

    def track(self, referent: Map, label: int) -> None:
        notice = self._notice
        self._references.append(weakref.ref(referent, lambda _reference: notice(label)))

    def poll(self) -> None:
        """Nothing to ask for."""

    def __len__(self) -> int:
        return len(self._references)


class ForgetfulTracker:
    """A weak reference with a callback that nobody keeps: it dies first and never reports."""

    def __init__(self, notice: "Callable[[int], None]") -> None:
        self._notice = notice

    def track(self, referent: Map, label: int) -> None:
        notice = self._notice
        weakref.ref(referent, lambda _reference: notice(label))

    def poll(self) -> None:
        """Nothing to ask for."""

    def __len__(self) -> int:
        return 0


_AT_ONCE = "runs in whatever thread drops the last reference; "

for _name, _make, _verdict, _holder, _summary, _cost in (
    ("none", StrongRegistry, "leak", "lifetime_tracking.REGISTRY",
     "a registry of all maps, strongly held: it keeps alive what it watches", "never sees a death"),
    ("finalize-own-method", ClosingFinalizer, "leak", "weakref.finalize._registry",
     "weakref.finalize(each, each.close): the callback holds its own object", "never sees a death"),
    ("references-kept", HoardingTracker, "leak", "lifetime_tracking.REFERENCES",
     "callbacks on weak references that nobody takes out of their list", "leaks the references alone"),
    ("reference-not-kept", ForgetfulTracker, "steady", None,
     "a callback on a weak reference that is not kept", "never sees a death"),
    ("del-method", DelTracker, "steady", None,
     "the map's own __del__", _AT_ONCE + "needs a class of one's own"),
    ("weakref-callback", CallbackTracker, "steady", None,
     "weakref.ref with a callback, in a table until it has reported",
     _AT_ONCE + "reports what a finalizer of its cycle brings back to life"),
    ("finalize", FinalizeTracker, "steady", None,
     "weakref.finalize, not at exit", _AT_ONCE + "three times a plain reference's time to register"),
    ("reference-queue", QueueTracker, "steady", None,
     "weak references that put themselves into a queue, as PhantomReference does",
     "noticed when somebody asks; the record stays until then"),
    ("gc-callbacks", GcTracker, "steady", None,
     "gc.callbacks: how many objects a collection freed", "never which; misses what dies without it"),
    ("polling", PollingTracker, "steady", None,
     "weak references, all looked at on every 8th poll", "noticed late; a scan of everything alive"),
    ("ideal", ToldTracker, "steady", None,
     "the owner says that it is done with the map: the bound", "who forgets to say so is not noticed"),
):  # fmt: skip
    SCENARIO.mitigation(_name, verdict=_verdict, holder=_holder, summary=_summary, cost=_cost)(_make)
