"""What the process around the maps uses, read when asked; collector pauses are timed as they happen."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable

_PROC = Path("/proc/self")
_CGROUPS = Path("/sys/fs/cgroup")


class ProcessReading(NamedTuple):
    """The process at one moment. None: this system does not tell."""

    rss_bytes: int | None
    heap_bytes: int | None  # in use according to glibc; small objects live in the interpreter's own arenas
    allocated_blocks: int  # those small objects, counted; 0 under PYTHONMALLOC=malloc
    memory_limit_bytes: int | None  # the least of the cgroup's limit and the machine's memory
    gc_pauses: int
    gc_pause_seconds: float
    gc_pause_max_seconds: float
    threads: int  # the operating system's where it tells them, else the interpreter's
    open_fds: int | None


class PauseMeter:
    """Times each run of the cycle collector from start() to stop(): two clock readings and two additions.

    The collector never runs twice at once in one interpreter, so nothing here needs a lock.
    """

    def __init__(self) -> None:
        self.pauses = 0
        self.total_ns = 0
        self.longest_ns = 0
        self._began_ns = 0

    def start(self) -> None:
        if self._collector_ran not in gc.callbacks:
            gc.callbacks.append(self._collector_ran)

    def stop(self) -> None:
        if self._collector_ran in gc.callbacks:
            gc.callbacks.remove(self._collector_ran)

    def _collector_ran(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
        elif self._began_ns:  # 0: the meter was started in the middle of a collection
            pause_ns = time.perf_counter_ns() - self._began_ns
            self.pauses += 1
            self.total_ns += pause_ns
            self.longest_ns = max(self.longest_ns, pause_ns)


def read_process(pauses: PauseMeter) -> ProcessReading:
    """Everything but the pauses is read anew; about 50 µs, most of it for counting descriptors."""
    return ProcessReading(
        rss_bytes=_rss_bytes(),
        heap_bytes=_heap_bytes(),
        allocated_blocks=sys.getallocatedblocks(),
        memory_limit_bytes=memory_limit_bytes(),
        gc_pauses=pauses.pauses,
        gc_pause_seconds=pauses.total_ns / 1e9,
        gc_pause_max_seconds=pauses.longest_ns / 1e9,
        threads=_count_in(_PROC / "task") or threading.active_count(),
        open_fds=_open_fds(),
    )


def memory_limit_bytes(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int | None:
    """The resident memory at which this process meets its end; None where the system does not tell."""
    limits = [_physical_bytes(), *_cgroup_limits_bytes(proc, cgroups)]
    return min((limit for limit in limits if limit is not None), default=None)


def _cgroup_limits_bytes(proc: Path, cgroups: Path) -> list[int]:
    """The limit of the process's cgroup and of each above it: all of them bind."""
    limits = []
    for line in _text(proc / "cgroup").splitlines():
        _number, controllers, path = line.split(":", 2)
        if controllers == "":
            root, file = cgroups, "memory.max"
        elif "memory" in controllers.split(","):
            root, file = cgroups / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            said = _text(folder / file).strip()  # "max" where there is none
            if said.isdigit():
                limits.append(int(said))
            if folder == root:
                break
    return limits


def _physical_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _rss_bytes() -> int | None:
    fields = _text(_PROC / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else None


def _open_fds() -> int | None:
    count = _count_in(_PROC / "fd")
    return None if count is None else count - 1  # the one that reads the folder is gone again


def _count_in(folder: Path) -> int | None:
    try:
        return len(os.listdir(folder))  # noqa: PTH208 - a Path for each would cost ten times as much
    except OSError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


_MALLINFO2 = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"


class _Mallinfo2(ctypes.Structure):
    """struct mallinfo2 of glibc 2.33 and later."""

    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO2.split()]


def _heap_bytes() -> int | None:
    if _mallinfo2 is None:
        return None
    info = _mallinfo2()
    used: int = info.uordblks + info.hblkhd  # in the arenas, and in mappings of their own
    return used


def _find_mallinfo2() -> Callable[[], Any] | None:
    """None with an older glibc, another C library or another system."""
    try:
        function = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return None
    function.restype = _Mallinfo2
    return cast("Callable[[], Any]", function)


_mallinfo2 = _find_mallinfo2()
