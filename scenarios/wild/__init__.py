"""Real leaks of published packages: the version that leaked against the version that mended it.

One file each. `none` is the version that leaks, `upgrade` the one that no longer does, and both take the very
same step; `workaround` is what users of a package do that has not been mended. Look-alikes have `none` alone.
A file imports its package inside the function that makes the step: the package is installed on demand, into
a folder of its own, and only the measured child ever sees it.
"""

from leakbench.contract import Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FULL_TIMES_QUICK = 4


class Steps:
    """The workload: the step that was made; packages keep no count of what they retain."""

    def __init__(self, make: "Callable[[], Callable[[int], object]]", _run: Run) -> None:
        self.step = make()


def published(name: str, *, title: str, quick_steps: int = 16_384, warmup: int = 1_024) -> Scenario:
    """A real leak, or a look-alike; the full profile takes four times the steps of the quick one."""
    steps = {"quick": quick_steps, "full": quick_steps * _FULL_TIMES_QUICK}
    return Scenario(name, Steps, kind="wild", title=title, steps=steps, warmup=warmup)
