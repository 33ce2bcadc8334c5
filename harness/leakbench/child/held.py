"""The holder probe's inside: who holds what grows, from a root to the container that takes the entries in."""

from leakbench.child import work
from leakbench.child.gauges import Heap, Memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from leakbench.child.channel import Channel


def run(job: "dict[str, Any]", channel: "Channel") -> None:
    """Search on from the warm-up; runs more steps than the case's scale where growth is rare."""
    from leakbench.child.holder import search

    scenario, mitigation = work.load(job)
    channel.emit("ready")
    workload = work.start(job, scenario, mitigation)
    heap = Heap(Memory())
    found = search(
        workload.step, job["warmup"], budget_seconds=job["budget_seconds"], heap_bytes=heap.live_bytes
    )
    channel.emit("holders", **found)
