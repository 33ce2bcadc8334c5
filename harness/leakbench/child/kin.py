"""The processes that a process has started, by the kernel's own list."""

import os


def child_pids(process: str = "self") -> "list[int]":
    """Child processes, zombies included; none where the kernel does not list them."""
    pids: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{process}/task"):
            descriptor = os.open(f"/proc/{process}/task/{thread}/children", os.O_RDONLY)
            try:
                pids.extend(map(int, os.read(descriptor, 1 << 20).split()))
            finally:
                os.close(descriptor)
    except OSError:
        return pids
    return pids


def descendants(process: str = "self") -> "list[int]":
    """Children, theirs, and so on; not a daemon, whose parent has ended."""
    found = child_pids(process)
    return [*found, *[pid for child in found for pid in descendants(str(child))]]


def end(pid: int) -> None:
    """Kill a process, unless it is gone by now or another user's."""
    try:
        os.kill(pid, 9)
    except OSError:
        return
