"""A map whose entries expire: as many go as come.

Mechanism: each step puts an entry that lives for 500 steps of a scripted clock and removes the one whose
time is over. The map turns over completely and never holds more than the window. Detectors that compare
objects rather than bytes see nothing but new ones.

Who retains: the map, the entries of the last 500 steps.
"""

from leakbench.contract import Parameter, Run, Scenario
from leakbench.mitigations.expiring import ExpiringMap, ScriptedClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_VALUE_BYTES = 256


class TtlWindow:
    """The workload: one put a step, one read of a living entry and one of an expired one."""

    def __init__(self, make: "Callable[[int, ScriptedClock], ExpiringMap]", run: Run) -> None:
        self._ttl_steps = run.params["ttl_steps"]
        self._clock = ScriptedClock()
        self._entries = make(self._ttl_steps, self._clock)
        self._steps = self._lost = self._stale = 0

    def step(self, i: int) -> None:
        self._clock.now = i
        entries = self._entries
        entries[i] = bytes(_VALUE_BYTES)
        oldest_live = max(0, i - self._ttl_steps + 1)
        self._lost += entries.get(oldest_live) is None
        self._stale += entries.get(oldest_live - 1) is not None
        self._steps += 1

    def counts(self) -> "dict[str, int | float]":
        return {
            "live_entries": min(self._steps, self._ttl_steps),
            "retained_entries": len(self._entries),
            "lost_entries": self._lost,
            "stale_answers": self._stale,
        }


SCENARIO = Scenario(
    "ttl-window",
    TtlWindow,
    kind="control",
    title="A map whose entries expire as fast as they come",
    params={"ttl_steps": Parameter(500, 1, 1 << 20, "steps for which an entry lives")},
)


@SCENARIO.mitigation("none", verdict="bounded", summary="every put removes what has come due")
def none(ttl_steps: int, clock: ScriptedClock) -> ExpiringMap:
    return ExpiringMap(ttl_steps, clock)
