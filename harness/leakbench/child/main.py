"""The child's entry: takes a job, runs one probe on it, and says how it ended.

Started as ``python -c BOOT harness orders_fd records_fd`` (see `leakbench.launch`).
"""

import os
import sys

from leakbench.child.channel import Channel, ParentGoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_TRACEBACK_LINES = 12
_MESSAGE_CHARACTERS = 2_000


def main(orders_fd: int, records_fd: int) -> None:
    """Run the job that arrives on `orders_fd`; never returns."""
    channel = Channel(orders_fd, records_fd)
    job = channel.order()
    status = 1
    try:
        run = load_probe(job)
        sys.path += job.get("path", ())  # behind the standard library: a backport must not shadow it
        run(job, channel)
        flush_output()
        channel.emit("done")
        status = 0
    except ParentGoneError:
        pass  # nobody is left to tell
    except BaseException as error:  # noqa: BLE001  # whatever the workload raises is this record's content
        channel.emit("raised", **describe(error, job))
    finally:
        try:
            end_children()
        finally:
            # A workload's threads, exit handlers and half-dead finalizers have no say in how the child ends.
            os._exit(status)


def end_children() -> None:
    """End what the workload started and left: in a session of its own it would outlive this one's group."""
    from leakbench.child.kin import descendants, end

    for pid in descendants():
        end(pid)


def load_probe(job: "dict[str, Any]") -> "Callable[[dict[str, Any], Channel], None]":
    """Import the probe that the job names, and what it needs.

    The current folder is searched for the target of a check alone: of all else, what lies there by chance is
    no part.
    """
    if "target" not in job:
        if sys.path[0] == "":
            del sys.path[0]
        return _probe(job["probe"])
    run: Callable[[dict[str, Any], Channel], None]
    run = import_whatever_lies_about(lambda: _probe(job["probe"]))
    return run


def import_whatever_lies_about(load: "Callable[[], Any]") -> "Any":
    """What `load` imports, the standard library before the person's own folders.

    A file beside a service may be called ``resource.py`` or ``token.py``.
    """
    folders = sys.path[:]
    library = os.path.dirname(os.__file__)
    sys.path.sort(key=lambda folder: not folder.startswith(library))
    try:
        return load()
    finally:
        sys.path[:] = folders


def _probe(name: str) -> "Callable[[dict[str, Any], Channel], None]":
    if name == "rss":
        from leakbench.child.rss import run
    elif name == "ledger":
        from leakbench.child.ledger import run
    elif name == "heap":
        from leakbench.child.heap import run
    elif name == "holder":
        from leakbench.child.held import run
    elif name == "check":
        from leakbench.child.check import run
    elif name == "latency":
        from leakbench.child.latency import run
    else:
        raise ValueError(f"no probe {name!r}")
    return run


def flush_output() -> None:
    """Let go of what the workload printed: `os._exit` would drop it, and the parent never learn of it."""
    try:
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError):  # the workload closed or replaced it
        return


def describe(error: BaseException, job: "dict[str, Any]") -> "dict[str, Any]":
    """The exception as a record: type, message and the traceback's last lines.

    Our own frames are left out, and the import system's, which would push the person's own lines off.
    """
    from traceback import TracebackException

    own = os.path.dirname(os.path.abspath(__file__))
    report = TracebackException(type(error), error, error.__traceback__)
    importing = os.path.join("importlib", "__init__.py")
    frames = [
        frame
        for frame in report.stack
        if not frame.filename.startswith((own, "<frozen importlib"))
        and not frame.filename.endswith(importing)
    ]
    # A line that is no Python has no frame of its own, but is told all the same.
    report.stack[:] = frames if frames or isinstance(error, SyntaxError) else list(report.stack)
    lines = "".join(report.format()).splitlines()
    return {
        "type": type(error).__name__,
        "message": writable(str(report)),  # of the report: an exception's own __str__ may raise
        "traceback": [writable(line) for line in lines[-_TRACEBACK_LINES:]],
        "step": job.get("current_step"),
    }


def writable(text: str) -> str:
    """At most a screenful, and no lone surrogate, which no file or terminal would take."""
    return text[:_MESSAGE_CHARACTERS].encode("utf-8", "backslashreplace").decode("utf-8")
