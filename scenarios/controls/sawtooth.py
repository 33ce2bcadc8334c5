"""A buffer that grows and is flushed, over and over.

Mechanism: records are gathered in a list and written out in batches; between two flushes memory grows
like a leak's, and each flush gives all of it back. A detector that compares two instants sees growth as
often as not.

Who retains: the buffer, one batch at most.

The batch of 1,500 is no power of two, so that readings at 256, 512, 1,024, … steps meet it at ever
other heights, and see it fall in every second octave or so.
"""

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_RECORD_BYTES = 128


class Sawtooth:
    """The workload: one record a step, a flush every `batch_records`."""

    def __init__(self, make: "Callable[[], list[bytes]]", run: Run) -> None:
        self._batch_records = run.params["batch_records"]
        self._buffer = make()

    def step(self, i: int) -> None:
        buffer = self._buffer
        buffer.append(bytes(_RECORD_BYTES))
        if len(buffer) == self._batch_records:
            buffer.clear()

    def counts(self) -> "dict[str, int | float]":
        """Live are the records not yet flushed: all that the buffer holds."""
        return {"live_entries": len(self._buffer), "retained_entries": len(self._buffer), "lost_entries": 0}


SCENARIO = Scenario(
    "sawtooth",
    Sawtooth,
    kind="control",
    title="A buffer that grows until it is flushed",
    params={"batch_records": Parameter(1_500, 1, 1 << 20, "records in a batch")},
)


@SCENARIO.mitigation("none", verdict="bounded", summary="a batch is gathered, written and let go")
def none() -> "list[bytes]":
    return []
