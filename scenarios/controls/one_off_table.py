"""A table that is built once, late, and kept.

Mechanism: the first request of a rare kind builds a lookup table of some 200 KiB, which all later ones
share. It comes long after the warm-up, so memory steps up once in the middle of the measurement and
never again. A detector that looks at the difference of two readings calls this a leak, and so does one
that takes the mean over the run.

Who retains: the module's ``TABLE``, on purpose.
"""

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_RARE_STEPS = 500

TABLE: "dict[int, bytes]" = {}


class OneOffTable:
    """The workload: from step `first_use` on, one step in 500 looks something up in the table."""

    def __init__(self, make: "Callable[[int], None]", run: Run) -> None:
        self._make = make
        self._entries = run.params["table_entries"]
        self._first_use = run.params["first_use"]

    def step(self, i: int) -> None:
        if i >= self._first_use and (i - self._first_use) % _RARE_STEPS == 0:
            if not TABLE:
                self._make(self._entries)
            TABLE[i % self._entries]

    def counts(self) -> "dict[str, int | float]":
        return {"live_entries": len(TABLE), "retained_entries": len(TABLE)}


SCENARIO = Scenario(
    "one-off-table",
    OneOffTable,
    kind="control",
    title="A table that is built at its first use and kept",
    warmup=256,
    params={
        "table_entries": Parameter(1_500, 1, 1 << 20, "entries of the table"),
        "first_use": Parameter(1_500, 0, 1 << 30, "the step that builds it, warm-up included"),
    },
)


@SCENARIO.mitigation("none", verdict="bounded", summary="the table is built once and wanted for good")
def none(entries: int) -> None:
    for key in range(entries):
        TABLE[key] = b"%064d" % key
