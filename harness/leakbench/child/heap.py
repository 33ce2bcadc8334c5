"""The heap probe's inside: the workload under memray, Python's own allocator traced.

Without `trace_python_allocators` a leak of small objects reads as 0 bytes: memray then sees only the
arenas of 1 MiB that pymalloc takes.
"""

import contextlib
import gc
import os
import sys

from leakbench.child import work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from leakbench.child.channel import Channel

_OWN_SHARE = 0.1
_STACK_FRAMES = 32
_HERE = os.path.dirname(os.path.abspath(__file__))


def run(job: "dict[str, Any]", channel: "Channel") -> None:
    """Trace the steps into `job["capture"]`, then read the capture back and report its sums."""
    memray = import_memray(job["memray_path"])
    scenario, mitigation = work.load(job)
    channel.emit("ready")
    workload = work.start(job, scenario, mitigation)
    trace(job, workload.step, memray)
    if job["peak_alone"]:
        channel.emit("heap", heap_peak_bytes=read_peak(job["capture"], memray))
        os.unlink(job["capture"])
        return
    own_file = job["own_file"]
    channel.emit(
        "heap", **read_capture(job["capture"], lambda file: file == own_file, memray, native=job["native"])
    )


def import_memray(path: "list[str]") -> "Any":
    """Import memray from the harness's folders, which the case itself may not import from.

    It brings rich along, and nothing else that a case could then meet in the harness's version.
    """
    before = list(sys.path)
    sys.path.extend(path)
    import memray

    with contextlib.suppress(ImportError):  # the tracker's own, which it looks for only when it starts
        import memray.reporters.module_tools
    sys.modules.pop("typing_extensions", None)
    sys.path[:] = before
    return memray


def trace(job: "dict[str, Any]", step: "Any", memray: "Any") -> None:
    warmup = job["warmup"]
    destination = memray.FileDestination(job["capture"], overwrite=True, compress_on_exit=True)
    gc.collect()
    with memray.Tracker(destination=destination, trace_python_allocators=True, native_traces=job["native"]):
        work.do_steps(job, step, warmup, warmup + job["scale"])
        gc.collect()


def read_peak(capture: str, memray: "Any") -> int:
    """The high-water mark of a capture, in bytes: half the reading that all of its sums take."""
    with memray.FileReader(capture) as reader:
        peak: int = reader.metadata.peak_memory
        return peak


def read_capture(
    capture: str, is_own: "Callable[[str], bool]", memray: "Any", *, native: bool = False
) -> "dict[str, Any]":
    """Sums over a capture: peak, what was still allocated at its end, and the site that retains most.

    heap_peak_bytes is the high-water mark of what the tracker saw: what the warm-up had allocated is
    not in it. `site` is the place that retains most: the innermost frame of a stack in a file that `is_own`,
    or the innermost of all. With `native`, stacks hold the native frames too.
    """
    with memray.FileReader(capture) as reader:
        peak = reader.metadata.peak_memory
        allocations = reader.metadata.total_allocations
        retained = 0
        by_site: dict[tuple[str, int, str], int] = {}
        top_bytes: dict[tuple[str, int, str], int] = {}
        top_stack: dict[tuple[str, int, str], list[tuple[str, str, int]]] = {}
        for record in reader.get_leaked_allocation_records(merge_threads=True):
            retained += record.size
            frames = record.hybrid_stack_trace if native else record.stack_trace
            stack = [tuple(frame) for frame in frames(max_stacks=_STACK_FRAMES)]
            function, file, line = own_frame(stack, is_own)
            site = (file, line, function)
            by_site[site] = by_site.get(site, 0) + record.size
            if record.size > top_bytes.get(site, -1):
                top_bytes[site] = record.size
                top_stack[site] = stack
    answer: dict[str, Any] = {
        "heap_peak_bytes": peak,
        "heap_retained_bytes": retained,
        "allocations": allocations,
        "capture_bytes": os.path.getsize(capture),
        "site": None,
    }
    if by_site:
        # What no frame of the person's own allocated (the number of the step, say) is second choice.
        # Ties go by name, so that equal captures give equal answers.
        own = [key for key in by_site if is_own(key[0]) and by_site[key] >= _OWN_SHARE * retained]
        site = max(own or by_site, key=lambda key: (by_site[key], key))
        answer["site"] = {
            "file": site[0],
            "line": site[1],
            "function": site[2],
            "retained_bytes": by_site[site],
            "stack": [list(frame) for frame in top_stack[site] if not str(frame[1]).startswith(_HERE)],
        }
    return answer


def own_frame(stack: "list[tuple[Any, ...]]", is_own: "Callable[[str], bool]") -> "tuple[str, str, int]":
    """(function, file, line) of the innermost frame in a file that `is_own`, else the innermost."""
    for function, file, line in stack:
        if is_own(str(file)):
            return str(function), str(file), int(line)
    if stack:
        function, file, line = stack[0]
        return str(function), str(file), int(line)
    return "<unknown>", "<unknown>", 0
