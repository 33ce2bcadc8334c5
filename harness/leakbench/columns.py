"""Every column of the measurements frame: name, type, unit, and which way is better.

One table, so that the frame's types, the report's formats, the comparison's directions and
results/README.md cannot drift apart (tests/test_frame.py holds the README to it).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Better = Literal["less", "more", ""]


class Column(NamedTuple):
    """One column. `better` is empty where neither less nor more of it is a merit."""

    name: str
    dtype: Literal["string", "Int64", "Float64", "boolean"]  # pandas' nullable types: missing is not NaN
    unit: str
    meaning: str
    better: Better = ""


SETTING = (
    Column("schema", "Int64", "", "version of the measurement's line"),
    Column("system", "string", "", "operating system"),
    Column("arch", "string", "", "machine architecture"),
    Column("libc", "string", "", "C library and version"),
    Column("python", "string", "", "implementation and version of the measured interpreter"),
    Column("allocator", "string", "", "the interpreter's own allocator"),
    Column("cpu", "string", "", "model of the processor"),
    Column("jobs", "Int64", "", "children at work at a time"),
    Column("commit", "string", "", "commit of leakbench; with + where the work tree differed"),
    Column("scenario_version", "Int64", "", "raised whenever the meaning of a scenario's figures changes"),
    Column("deterministic", "boolean", "", "whether its author declares that bytes and counts repeat"),
)
"""Where a row was measured; with it rows of several runs may stand in one frame."""

KEY = (
    Column("case", "string", "", "scenario:mitigation"),
    Column("scenario", "string", "", "the scripted workload"),
    Column("mitigation", "string", "", "the way to mend it; none is the leaking baseline, ideal the bound"),
    Column("scale", "Int64", "steps", "steps measured after the warm-up"),
    Column("seed", "Int64", "", "seed of the scripted operations"),
    Column("params", "string", "", "the scenario's parameters that are not at their default"),
    Column("repeat", "Int64", "", "0, 1, …: cases that are not deterministic are repeated"),
    Column("probe", "string", "", "way of measuring: rss, ledger, heap, latency, holder"),
    Column("status", "string", "", "measured or failed"),
    Column("reason", "string", "", "why it failed; empty where it was measured"),
)

VALUES: dict[str, tuple[Column, ...]] = {
    "rss": (
        Column("peak_rss_bytes", "Int64", "B", "the kernel's high-water mark of the child", "less"),
        Column("peak_since", "string", "", "baseline, or exec where the mark could not be reset"),
        Column("baseline_rss_bytes", "Int64", "B", "resident after the warm-up, before the steps", "less"),
        Column(
            "peak_growth_bytes", "Int64", "B", "peak_rss_bytes − baseline_rss_bytes; may be negative", "less"
        ),
        Column("imports_rss_bytes", "Int64", "B", "share of the scenario's imports in the baseline", "less"),
        Column("peak_own_bytes", "Int64", "B", "peak_rss_bytes − imports_rss_bytes", "less"),
        Column(
            "settled_rss_bytes",
            "Int64",
            "B",
            "resident after the steps, collected and trimmed",
            "less",
        ),
        Column(
            "settled_growth_bytes",
            "Int64",
            "B",
            "settled_rss_bytes − baseline_rss_bytes; may be negative",
            "less",
        ),
        Column("ops_per_second", "Float64", "op/s", "steps a second, nothing else in the process", "more"),
        Column("wall_seconds", "Float64", "s", "time of the steps"),
        Column(
            "gc_pause_seconds", "Float64", "s", "all pauses of the cyclic collector during the steps", "less"
        ),
        Column("gc_pause_max_seconds", "Float64", "s", "the longest of them", "less"),
        Column("live_entries", "Int64", "entries", "entries that the program may still ask for, at the end"),
        Column("retained_entries", "Int64", "entries", "entries in the map, at the end", "less"),
        Column("lost_entries", "Int64", "entries", "let go while they lived, during the run", "less"),
        Column("stale_answers", "Int64", "answers", "entries served after their life had ended", "less"),
        Column(
            "hit_ratio", "Float64", "1", "share of requests for living entries that were answered", "more"
        ),
        Column("threads_left", "Int64", "threads", "still there once the map was dropped", "less"),
        Column("fds_left", "Int64", "descriptors", "still open once the map was dropped", "less"),
        Column("processes_left", "Int64", "processes", "still there once the map was dropped", "less"),
    ),
    "ledger": (
        Column(
            "verdict",
            "string",
            "",
            "leak, bounded, steady, unreturned or inconclusive; filling: `check` alone",
        ),
        Column(
            "leak_bytes_per_op",
            "Float64",
            "B/op",
            "growth of live heap; exactly 0 where nothing leaks",
            "less",
        ),
        Column("leak_interval_low_bytes_per_op", "Float64", "B/op", "lower end of the rate's interval"),
        Column("leak_interval_high_bytes_per_op", "Float64", "B/op", "upper end of the rate's interval"),
        Column(
            "smallest_detectable_bytes_per_op",
            "Float64",
            "B/op",
            "a leak in the heap this fast would have been seen, if it comes 32 times in the second half",
        ),
        Column(
            "smallest_detectable_outside_bytes_per_op",
            "Float64",
            "B/op",
            "the same of memory outside the heap, where the first 2 MiB are noise",
        ),
        Column("noise_bytes", "Float64", "B", "the largest delta between rungs that is no growth"),
        Column("evidence", "string", "", "one sentence that a person can check against the rungs"),
        Column(
            "truth_met",
            "boolean",
            "",
            "whether the verdict is what the scenario's author declares; bounded and steady are one",
        ),
        Column("stopped", "string", "", "why the ladder ended: top, or growth cap"),
        Column("heap_kind", "string", "", "which counter gave live heap"),
    ),
    "heap": (
        Column(
            "heap_peak_bytes",
            "Int64",
            "B",
            "high-water mark of what was allocated in the steps (memray)",
            "less",
        ),
        Column("heap_retained_bytes", "Int64", "B", "of that, still allocated at the end", "less"),
        Column("allocations", "Int64", "allocations", "number of allocations in the steps", "less"),
        Column("capture_bytes", "Int64", "B", "size of memray's capture"),
        Column("capture", "string", "", "the capture, relative to the run folder"),
        Column("site_file", "string", "", "file of the line that retains most"),
        Column("site_line", "Int64", "", "its number"),
        Column("site_function", "string", "", "its function"),
        Column("site_retained_bytes", "Int64", "B", "what was allocated there and is still held"),
    ),
    "latency": (
        Column("op_p50_ns", "Int64", "ns", "median time of a step, the clock's own included", "less"),
        Column("op_p99_ns", "Int64", "ns", "99 of 100 steps are at most this long", "less"),
        Column("op_p999_ns", "Int64", "ns", "999 of 1,000 steps are at most this long", "less"),
        Column("clock_p50_ns", "Int64", "ns", "median time of reading the clock twice"),
    ),
    "holder": (
        Column("holder_path", "string", "", "who holds it, as Python would write it"),
        Column("holder_type", "string", "", "type of the container that grows"),
        Column("holder_entries", "Int64", "entries", "entries in it"),
        Column("holder_root", "string", "", "what the path starts from: module global, class attribute, …"),
        Column("holder_bytes_share", "Float64", "1", "its share of the heap's growth; all shares make 1"),
    ),
}

RUNGS = (
    Column("steps", "Int64", "steps", "steps since the baseline"),
    Column("heap_bytes", "Int64", "B", "live heap as the allocator counts it"),
    Column("taken_bytes", "Int64", "B", "what the allocator holds of the kernel"),
    Column("anonymous_bytes", "Int64", "B", "resident pages that no file on a disk backs, shared ones too"),
    Column("rss_bytes", "Int64", "B", "resident memory"),
    Column("threads", "Int64", "threads", "running threads"),
    Column("fds", "Int64", "descriptors", "open file descriptors"),
    Column("processes", "Int64", "processes", "child processes"),
    Column("seconds", "Float64", "s", "since the ladder began"),
)
"""A rung of the ladder, in the order of a line's `ladder` entries; a row each in rungs.csv."""

ALL = (*SETTING, *KEY, *(column for columns in VALUES.values() for column in columns))
BY_NAME = {column.name: column for column in ALL}
