"""Reference cycles that the collector finds and frees.

Mechanism: each step builds a parent and a child that refer to each other, and drops both. Reference
counts alone never free them; the collector does, some hundreds of steps later. A detector that does not
collect before it reads, or that counts a collection's leftovers, calls this a leak.

Who retains: nobody. Until the next collection the pair holds itself.
"""

import gc

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Node:
    """One half of a pair; `other` closes the cycle."""

    __slots__ = ("other", "payload")

    def __init__(self, payload_bytes: int) -> None:
        self.other: Node | None = None
        self.payload = bytes(payload_bytes)


class CollectableCycle:
    """The workload: one cycle made and dropped a step, by what `make` gives."""

    def __init__(self, make: "Callable[[], Callable[[int], object]]", run: Run) -> None:
        self._payload_bytes = run.params["payload_bytes"]
        self._build = make()

    def step(self, i: int) -> None:
        self._build(self._payload_bytes)

    def counts(self) -> "dict[str, int | float]":
        """Live is none; retained are the halves that a collection does not free."""
        gc.collect()
        return {"live_entries": 0, "retained_entries": sum(type(each) is Node for each in gc.get_objects())}


SCENARIO = Scenario(
    "collectable-cycle",
    CollectableCycle,
    kind="control",
    title="Reference cycles that the collector frees",
    params={"payload_bytes": Parameter(64, 0, 1 << 20, "bytes of payload in each half of a cycle")},
)


@SCENARIO.mitigation("none", verdict="steady", summary="the collector is on, and finds every cycle")
def none() -> "Callable[[int], object]":
    return _build_pair


def _build_pair(payload_bytes: int) -> None:
    parent, child = Node(payload_bytes), Node(payload_bytes)
    parent.other, child.other = child, parent
