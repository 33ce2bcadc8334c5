"""Readings of the own process, straight from the kernel: no psutil (4.0 MiB), nothing that stays allocated.

On Linux from /proc. Elsewhere there is no more than a high-water mark, which says nothing of the present:
what is resident is None then.
"""

import os
import sys

from leakbench.child.kin import child_pids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LINUX = sys.platform.startswith("linux")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_KIB = 1024
_PROBE_BYTES = 64 * _KIB


class Memory:
    """Resident memory of this process, in bytes; None where the system does not say."""

    __slots__ = ("_clear_fd", "_statm_fd", "_status", "_status_fd")

    def __init__(self) -> None:
        self._status = bytearray(4_096)
        self._statm_fd = os.open("/proc/self/statm", os.O_RDONLY) if LINUX else -1
        self._status_fd = os.open("/proc/self/status", os.O_RDONLY) if LINUX else -1
        self._clear_fd = -1
        if LINUX:
            try:
                self._clear_fd = os.open("/proc/self/clear_refs", os.O_WRONLY)
            except OSError:  # a container may forbid it; the peak is then the process's own since its start
                self._clear_fd = -1

    def resident_bytes(self) -> "int | None":
        if not LINUX:
            return None
        return int(os.pread(self._statm_fd, 128, 0).split()[1]) * _PAGE_BYTES

    def anonymous_bytes(self) -> "int | None":
        """Resident pages that no file on a disk backs: heap, stacks, anonymous mappings, shared ones too.

        Shared ones are the kernel's shmem: ``mmap.mmap(-1, n)``, `multiprocessing.shared_memory`, memfd.
        """
        if not LINUX:
            return None
        anonymous = self._status_bytes(b"RssAnon:")
        if anonymous is None:  # before Linux 4.5, and in sandboxes that write a /proc of their own
            fields = os.pread(self._statm_fd, 128, 0).split()
            return (int(fields[1]) - int(fields[2])) * _PAGE_BYTES
        return anonymous + (self._status_bytes(b"RssShmem:") or 0)

    def _status_bytes(self, field: bytes) -> "int | None":
        """A field of /proc/self/status, read into memory that is there already; None where it is missing."""
        os.preadv(self._status_fd, [self._status], 0)
        start = self._status.find(field)
        if start < 0:
            return None
        return int(self._status[start + len(field) : self._status.index(b"kB", start)]) * _KIB

    def peak_bytes(self) -> int:
        """The kernel's high-water mark since the last `reset_peak`, else since exec."""
        peak = self._status_bytes(b"VmHWM:") if LINUX else None
        return peak_rusage_bytes() if peak is None else peak

    def reset_peak(self) -> bool:
        """Bring the high-water mark down to the present; False where the kernel does not allow it."""
        if self._clear_fd < 0:
            return False
        try:
            os.write(self._clear_fd, b"5")
        except OSError:
            return False
        return True


def peak_rusage_bytes() -> int:
    """The mark ru_maxrss: on Linux it carries the parent's peak across exec, so it serves only elsewhere."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * _KIB


def difference(later_bytes: "int | None", earlier_bytes: "int | None") -> "int | None":
    """None where one of them is not known."""
    if later_bytes is None or earlier_bytes is None:
        return None
    return later_bytes - earlier_bytes


def thread_count() -> int:
    if LINUX:
        return len(thread_ids())
    threading = sys.modules.get("threading")
    return threading.active_count() if threading else 1


def thread_ids() -> "list[str]":
    """The kernel's numbers of this process's threads; none where it does not list them."""
    return os.listdir("/proc/self/task") if LINUX else []


def stray_thread_count() -> int:
    """Threads of the kernel's that Python does not count: a library's own, and joined ones not yet gone.

    A thread is joined before it ends: its stack's bookkeeping and its malloc arena's are freed after that.
    0 where the kernel does not list threads.
    """
    if not LINUX:
        return 0
    import _thread

    return thread_count() - 1 - _thread._count()  # noqa: SLF001  # public only through threading's own objects


def descriptor_count() -> int:
    """Open file descriptors, the one that lists them not counted."""
    return len(os.listdir("/proc/self/fd" if LINUX else "/dev/fd")) - 1


def child_count() -> int:
    """Child processes, zombies included; 0 where the kernel does not list them."""
    return len(child_pids())


class Heap:
    """Live heap according to the allocator, in bytes: exact under PYTHONMALLOC=malloc.

    `kind` says what is read: "mallinfo2" (glibc 2.33 and later), "mallinfo" (earlier glibc, 32-bit
    counters), "zone" (macOS), or None: then `live_bytes` falls back on anonymous resident memory, and where
    that is not to be had either on its high-water mark. A counter that does not count what malloc gives out,
    as glibc's beside a preloaded jemalloc, is none.
    """

    def __init__(self, memory: Memory) -> None:
        import ctypes

        self._memory = memory
        self._read: Any = None
        self._zone: Any = None
        self.kind: str | None = None
        libc = ctypes.CDLL(None)
        names = (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks",
            "uordblks", "fordblks", "keepcost",
        )  # fmt: skip
        for kind, counter in (("mallinfo2", ctypes.c_size_t), ("mallinfo", ctypes.c_int)):
            read = getattr(libc, kind, None)
            if read is not None:
                info = type(
                    "Mallinfo", (ctypes.Structure,), {"_fields_": [(name, counter) for name in names]}
                )
                read.restype = info
                self._read = read
                self.kind = kind
                break
        else:
            self._statistics(ctypes, libc)
        if self.kind is not None and not self._counts(ctypes, libc):
            self.kind = None

    def _counts(self, ctypes: "Any", libc: "Any") -> bool:
        """Whether the counter moves with a block of malloc's, too small to raise glibc's thresholds.

        By half of it: what Python itself lets go of meanwhile counts against it.
        """
        libc.malloc.restype = ctypes.c_void_p
        libc.free.argtypes = [ctypes.c_void_p]
        before = self.live_bytes()
        block = libc.malloc(_PROBE_BYTES)
        with_block = self.live_bytes()
        libc.free(block)
        return with_block - before >= _PROBE_BYTES // 2

    def _statistics(self, ctypes: "Any", libc: "Any") -> None:
        read = getattr(libc, "malloc_zone_statistics", None)
        if read is None:
            return
        fields = [
            ("blocks_in_use", ctypes.c_uint),
            ("size_in_use", ctypes.c_size_t),
            ("max_size_in_use", ctypes.c_size_t),
            ("size_allocated", ctypes.c_size_t),
        ]
        self._zone = type("Statistics", (ctypes.Structure,), {"_fields_": fields})()
        self._zone_at = ctypes.byref(self._zone)
        self._read = read
        self.kind = "zone"

    def read(self) -> "tuple[int, int]":
        """(live, taken): bytes in use, and bytes that the allocator holds from the system."""
        if self.kind is None:
            resident = self._memory.anonymous_bytes()
            if resident is None:
                resident = peak_rusage_bytes()
            return resident, resident
        if self.kind == "zone":
            self._read(None, self._zone_at)
            return self._zone.size_in_use, self._zone.size_allocated
        info = self._read()
        return info.uordblks + info.hblkhd, info.arena + info.hblkhd

    def live_bytes(self) -> int:
        return self.read()[0]


def trim() -> bool:
    """Ask glibc to give free pages back; False where there is no malloc_trim."""
    import ctypes

    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if give_back is None:
        return False
    give_back(0)
    return True
