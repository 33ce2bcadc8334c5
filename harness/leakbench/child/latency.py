"""The latency probe's inside: every step timed, into an array that was there before the first one."""

import gc
import time
from array import array

from leakbench.child import work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from leakbench.child.channel import Channel


def run(job: "dict[str, Any]", channel: "Channel") -> None:
    """Time each step; the clock's own cost (two readings a step) is measured beside it and not taken off."""
    scenario, mitigation = work.load(job)
    channel.emit("ready")
    workload = work.start(job, scenario, mitigation)
    step = workload.step
    warmup, scale = job["warmup"], job["scale"]
    times = array("Q", bytes(8 * scale))
    clock = time.perf_counter_ns
    gc.collect()
    n = 0
    try:
        for n in range(scale):
            began = clock()
            step(warmup + n)
            times[n] = clock() - began
    except BaseException:
        job["current_step"] = warmup + n
        raise
    floor = array("Q", bytes(8 * min(scale, 1_000)))
    for n in range(len(floor)):
        began = clock()
        floor[n] = clock() - began
    ranked = sorted(times)
    channel.emit(
        "latency",
        op_p50_ns=quantile(ranked, 0.5),
        op_p99_ns=quantile(ranked, 0.99),
        op_p999_ns=quantile(ranked, 0.999),
        clock_p50_ns=quantile(sorted(floor), 0.5),
        ops=scale,
    )


def quantile(ranked: "list[int]", share: float) -> int:
    """The smallest reading that at least `share` of all readings do not exceed (nearest rank)."""
    count = len(ranked)
    rank = -int(-share * count // 1)
    return ranked[min(count, max(1, rank)) - 1]
