"""Reference cycles in a program that has put its collector away.

Mechanism: a server switches the collector off for the sake of its pauses, and freezes its heap with
``gc.freeze()`` now and then, so that forked workers share its pages. Requests leave parents and children
that refer to each other. Reference counts never free these; the collector would, and is off; and what was
garbage at the moment of a freeze is out of reach even of a ``gc.collect()`` by hand.

Who retains: nobody. Each pair holds itself, in the collector's permanent generation.

Seen in the wild: LightX2V#1188 (a review found that freezing without collecting first pins whatever
garbage is there).

Each step makes one such pair; every eighth step the heap is frozen. Without the freeze the cycles would pile
up just as well, but any instrument that collects before it reads would mend what it came to measure.
"""

import gc
import weakref

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FREEZE_EVERY_STEPS = 8


class Parent:
    """Knows its child."""

    __slots__ = ("__weakref__", "child", "payload")

    def __init__(self, payload_bytes: int) -> None:
        self.child: Child | None = None
        self.payload = bytes(payload_bytes)


class Child:
    """Knows its parent, as children in trees, documents and widgets do."""

    __slots__ = ("parent",)

    def __init__(self, parent: "Parent | weakref.ref[Parent]") -> None:
        self.parent = parent


class Housekeeping:
    """A mitigation: how a pair is built, and what is done every `_FREEZE_EVERY_STEPS` steps."""

    __slots__ = ("batch_done", "build")

    def __init__(self, build: "Callable[[int], None]", batch_done: "Callable[[], object]") -> None:
        self.build = build
        self.batch_done = batch_done


class ReferenceCycleWithGcOff:
    """The workload: one pair a step."""

    def __init__(self, make: "Callable[[], Housekeeping]", run: Run) -> None:
        self._housekeeping = make()
        self._payload_bytes = run.params["payload_bytes"]

    def step(self, i: int) -> None:
        self._housekeeping.build(self._payload_bytes)
        if i % _FREEZE_EVERY_STEPS == _FREEZE_EVERY_STEPS - 1:
            self._housekeeping.batch_done()

    def counts(self) -> "dict[str, int | float]":
        """Live is none; retained are the pairs that a collection does not free."""
        gc.collect()
        gc.unfreeze()  # for the time of the count: frozen objects are not listed
        kept = sum(type(each) is Parent for each in gc.get_objects())
        gc.freeze()
        return {"live_entries": 0, "retained_entries": kept}

    def close(self) -> None:
        gc.unfreeze()
        gc.enable()


def _build_cycle(payload_bytes: int) -> None:
    parent = Parent(payload_bytes)
    parent.child = Child(parent)


def _build_weakly(payload_bytes: int) -> None:
    parent = Parent(payload_bytes)
    parent.child = Child(weakref.ref(parent))


SCENARIO = Scenario(
    "reference-cycle-with-gc-off",
    ReferenceCycleWithGcOff,
    kind="pattern",
    title="Reference cycles in a program that has put its collector away",
    params={"payload_bytes": Parameter(256, 0, 1 << 20, "bytes of payload that a parent carries")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="gc.freeze()",
    summary="the collector is off, and the heap frozen without collecting first",
    cost="neither gc.enable() nor gc.collect() frees it later; only gc.unfreeze() lets them",
)
def none() -> Housekeeping:
    gc.disable()
    return Housekeeping(_build_cycle, gc.freeze)


@SCENARIO.mitigation(
    "collect-before-freeze",
    verdict="bounded",
    summary="the collector stays off; gc.collect() by hand before each freeze",
    cost="a pause at a moment of one's own choosing, and garbage until then",
)
def collect_before_freeze() -> Housekeeping:
    def batch_done() -> None:
        gc.collect()
        gc.freeze()

    gc.disable()
    return Housekeeping(_build_cycle, batch_done)


@SCENARIO.mitigation(
    "weak-parent",
    verdict="steady",
    summary="the child refers to its parent weakly: no cycle, and nothing for a collector to do",
    cost="a child that outlives its parent has none; a weak reference a pair",
)
def weak_parent() -> Housekeeping:
    gc.disable()
    return Housekeeping(_build_weakly, gc.freeze)


@SCENARIO.mitigation(
    "collector-on",
    verdict="bounded",
    summary="the heap is frozen once, after start-up, and the collector stays on",
    cost="the collector's pauses, over what came after the freeze alone",
)
def collector_on() -> Housekeeping:
    gc.collect()
    gc.freeze()
    return Housekeeping(_build_cycle, _do_nothing)


def _do_nothing() -> None:
    """Leave the heap as it is."""
