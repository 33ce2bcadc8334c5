"""What this machine can measure: each ability tried, not assumed."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from typing import NamedTuple

from leakbench import environment
from leakbench.launch import exact_heap_environ
from leakbench.spawn import Order, clean_environ, run, site_folders
from leakbench.units import format_bytes

_RESIDENT_ERROR_BYTES = 64 * 1024  # what the reading itself may bring is less


class Finding(NamedTuple):
    """One ability; `instead` says what is measured how where it is missing, `mend` how to get it."""

    what: str
    able: bool
    found: str
    instead: str = ""
    mend: str = ""


def examine() -> list[Finding]:
    """Try everything the probes rely on."""
    seen = _child_sees()
    return [
        _reset(),
        _aslr(),
        _huge_pages(),
        _resident(),
        _children(),
        _heap_counter(seen.get("heap_kind")),
        _exactness(seen),
        _memray(),
        _libraries(),
        _program(
            "redis-server",
            "the TTL scenarios run on the embedded server alone",
            "apt-get install redis-server",
        ),
        _program("prometheus", "`make monitor-demo` cannot run", "apt-get install prometheus"),
        _program("git", "runs carry no commit, and `compare` takes no commits", "apt-get install git"),
    ]


def _child_sees() -> dict[str, object]:
    """What a child under the ledger's environment reads on a workload that does nothing."""
    job = {
        "probe": "ledger",
        "path": site_folders(),
        "module": "leakbench.scenarios.controls.noop",
        "mitigation": "none",
        "seed": 0,
        "scale": 8192,
        "warmup": 64,
        "params": {},
        "octaves": [[1024, 2048, 4096, 8192]],
        "growth_cap_bytes": 1 << 30,
        "more": False,
    }
    (child,) = run([Order(job, clean_environ(**exact_heap_environ()))])
    rungs = [record["heap_bytes"] for record in child.records if record["record"] == "rung"]
    tops = [record for record in child.records if record["record"] == "top"]
    kind = tops[0]["heap_kind"] if tops else None
    return {"heap_kind": kind, "drift": rungs[-1] - rungs[-2] if len(rungs) > 1 else None}


def _reset() -> Finding:
    able = environment.can_reset_peak()
    return Finding(
        "reset of the peak mark",
        able,
        "/proc/self/clear_refs can be written" if able else "/proc/self/clear_refs cannot be written",
        "" if able else "peak_rss_bytes counts from exec, and records say peak_since: exec",
        "" if able else "Linux, and a container that mounts /proc writable",
    )


def _aslr() -> Finding:
    able = environment.can_switch_aslr_off()
    return Finding(
        "fixed addresses (ASLR off)",
        able,
        "personality(ADDR_NO_RANDOMIZE) is allowed" if able else "personality(2) is refused",
        "" if able else "resident growth repeats to 4 KiB instead of to the bit",
        "" if able else "run the container with a seccomp profile that allows personality(2)",
    )


def _huge_pages() -> Finding:
    able = environment.can_switch_huge_pages_off()
    mode = environment.huge_pages() or "none in this kernel"
    return Finding(
        "transparent huge pages off",
        able,
        f"{mode}; switched off for every child" if able else f"{mode}; prctl(PR_SET_THP_DISABLE) is refused",
        "" if able else "resident memory jumps by 2 MiB, and depends on what the kernel has merged by then",
        "" if able else "echo never >/sys/kernel/mm/transparent_hugepage/enabled",
    )


def _resident() -> Finding:
    error_bytes = environment.resident_error_bytes()
    able = error_bytes is not None and error_bytes <= _RESIDENT_ERROR_BYTES
    off = "cannot be compared" if error_bytes is None else f"off by {format_bytes(error_bytes)} in here"
    return Finding(
        "resident memory to the page",
        able,
        f"/proc/self/statm against smaps_rollup: {off}",
        "" if able else "RSS is off by up to 256 KiB a thread; the live heap, and leaks in it, are not",
        "" if able else "Linux 6.16 or later",
    )


def _children() -> Finding:
    able = environment.lists_children()
    return Finding(
        "child processes",
        able,
        "/proc lists them" if able else "/proc/self/task/*/children is missing",
        "" if able else "processes_left is 0 whatever was left, and no leak of processes is found",
        "" if able else "Linux with CONFIG_PROC_CHILDREN",
    )


def _heap_counter(kind: object) -> Finding:
    found = {
        "mallinfo2": "glibc's mallinfo2",
        "mallinfo": "glibc's mallinfo, 32 bits wide",
        "zone": "macOS's malloc_zone_statistics",
    }.get(str(kind), "none that counts what malloc gives out")
    able = kind in ("mallinfo2", "zone")
    return Finding(
        "live heap counter",
        able,
        found,
        "" if able else "growth is judged on resident memory; small leaks need longer ladders",
        "" if able else "glibc 2.33 or later, or macOS, and no other malloc preloaded",
    )


def _exactness(seen: dict[str, object]) -> Finding:
    drift = seen["drift"]
    able = drift == 0
    found = (
        f"a no-op drifts by {drift} bytes in 4,096 steps"
        if drift is not None
        else "the ledger's child failed"
    )
    return Finding(
        "heap exact to the byte", able, found, "" if able else "rates carry that noise; see noise_bytes"
    )


def _memray() -> Finding:
    able = importlib.util.find_spec("memray") is not None
    return Finding(
        "memray",
        able,
        "installed" if able else "not installed",
        "" if able else "no heap probe, no allocation site, no flamegraphs",
        "" if able else f"{sys.executable} -m pip install memray (Linux, macOS)",
    )


def _libraries() -> Finding:
    names = ("cachetools", "cachebox", "theine", "moka_py", "expiringdict")
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return Finding(
        "cache libraries",
        not missing,
        "all installed" if not missing else f"missing: {', '.join(missing)}",
        "their cases are shown as not run" if missing else "",
        "make install" if missing else "",
    )


def _program(name: str, instead: str, mend: str) -> Finding:
    path = shutil.which(name)
    return Finding(
        name,
        path is not None,
        "found" if path else "not found",
        "" if path else instead,
        "" if path else mend,
    )
