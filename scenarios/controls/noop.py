"""A step that does nothing: what the instrument itself costs.

Mechanism: none. Nobody retains anything, so whatever a probe reads here is the probe's own, and the
verdict on every other case can be no finer than the one on this.
"""

from leakbench.contract import Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Noop:
    """The workload: an empty step."""

    def __init__(self, make: "Callable[[], None]", run: Run) -> None:
        make()

    def step(self, i: int) -> None:
        """Return at once."""


SCENARIO = Scenario("noop", Noop, kind="control", title="A step that does nothing")


@SCENARIO.mitigation("none", verdict="steady", summary="nothing to mend: the bound of every other row")
def none() -> None:
    """Build nothing."""
