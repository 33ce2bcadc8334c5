"""Starts measured children and listens to them: exec, clean environment, deadline, memory cap.

Every child is a fresh process: a fork would inherit the parent's high-water mark (VmHWM), and even an
exec'd one inherits `ru_maxrss`, which is therefore never read. One thread drives all children through a
selector, so that a hundred cases need no locks and Ctrl-C arrives where it can be acted on.
"""

from __future__ import annotations

import ctypes  # noqa: F401  # the copy of this process that becomes a child needs it, and finds it here
import os
import resource  # noqa: F401  # as above
import selectors
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.child.kin import descendants, end
from leakbench.launch import Process, package_folder
from leakbench.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import FrameType

_KEPT_BYTES = 16_384
_READ_BYTES = 1 << 16
_WATCH_SECONDS = 0.05
_LINGER_SECONDS = 1.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_GIB = 1 << 30
_AT_REST = (b"T", b"t", b"Z", b"X")  # stopped, traced or dead: proc(5)
_LOOKS, _LOOK_SECONDS = 20, 0.0005
_INTERRUPTING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Limits(NamedTuple):
    """What a child may use before it is killed; reaching a limit is a failure that keeps what was seen."""

    deadline_seconds: float = 300.0
    memory_bytes: int = 4 * _GIB  # resident; watched every 50 ms


class Ending(NamedTuple):
    """How a child ended.

    kind is "done", "raised", "exited", "killed", "deadline", "memory cap", "garbled" or "interrupted".
    """

    kind: str
    detail: str
    traceback: tuple[str, ...] = ()
    step: int | None = None


class Order(NamedTuple):
    """What a child is to do, and in which surroundings."""

    job: Mapping[str, Any]  # a literal: None, bool, int, float, str, list, tuple, dict
    environ: Mapping[str, str]
    python: str = sys.executable
    flags: tuple[str, ...] = ("-S",)  # no site: no .pth file of the parent's environment runs in the child
    arguments: tuple[str, ...] | None = None  # another program than ours; PIPES_VARIABLE tells it its pipes
    folder: str | None = None
    limits: Limits = Limits()
    keep_aslr: bool = False


def clean_environ(**extra: str) -> dict[str, str]:
    """The fixed environment of a measured child: the same on every machine but for PATH and HOME."""
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environ.update(extra)
    return environ


class Child:
    """A running child: `records` grows as it speaks, `ending` is set once it has ended."""

    def __init__(
        self,
        order: Order,
        on_record: Callable[[Child, dict[str, Any]], None] | None = None,
        started: Process | None = None,
    ) -> None:
        self.records: list[dict[str, Any]] = []
        self.ending: Ending | None = None
        self.stdout_bytes = 0
        self.stdout_head = b""
        self.stderr_tail = b""
        self.peak_seen_bytes = 0
        self.job = order.job
        self._on_record = on_record
        self._limits = order.limits
        self._line = b""
        self._killed_for: str | None = None
        self._ended_at: float | None = None
        self.started = time.monotonic()
        self._process = started or Process(
            order.python,
            order.flags,
            order.environ,
            arguments=order.arguments,
            folder=order.folder,
            keep_aslr=order.keep_aslr,
        )
        self._orders_fd = self._process.orders_fd
        self.send(order.job)

    @property
    def pid(self) -> int:
        return self._process.pid

    def streams(self) -> tuple[tuple[int, Callable[[bytes], None]], ...]:
        process = self._process
        return (
            (process.records_fd, self._hear),
            (process.output_fd, self._print),
            (process.errors_fd, self._complain),
        )

    def send(self, order: Mapping[str, Any]) -> None:
        """Give the child an order; nothing happens where it has already gone."""
        self.say(repr(dict(order)) if order else "")

    def say(self, line: str) -> None:
        """Give the child one line; nothing happens where it has already gone."""
        if self._orders_fd < 0:
            return
        try:
            os.write(self._orders_fd, line.encode() + b"\n")
        except BrokenPipeError:
            return

    def hang_up(self) -> None:
        """Say that nothing more will be said: a child that waits for a word goes on without."""
        if self._orders_fd >= 0:
            os.close(self._orders_fd)
            self._orders_fd = -1

    def kill(self, reason: str) -> None:
        """End the child and all that descends from it; `reason` becomes the ending's kind.

        A daemon, whose parent has ended, descends from it no longer and is beyond reach.
        """
        if self._killed_for is None:
            self._killed_for = reason
        if self._process.poll() is None:
            _halt(self.pid)  # or it may start another while those that it has are listed
        strangers = descendants(str(self.pid))  # in groups of their own, perhaps
        self._kill_group()
        for pid in strangers:
            end(pid)

    def watch(self) -> None:
        """Hold the child to its limits."""
        if self._killed_for is not None:
            return
        if time.monotonic() - self.started > self._limits.deadline_seconds:
            self.kill("deadline")
            return
        resident = _resident_bytes(self.pid)
        self.peak_seen_bytes = max(self.peak_seen_bytes, resident)
        if resident > self._limits.memory_bytes:
            self.kill("memory cap")

    def gone(self, *, silent: bool) -> bool:
        """Whether the child has ended and nothing more is to be heard from it.

        `silent` says that its pipes are closed. A process it left behind may hold them open: the group is
        killed as soon as the child itself has gone, and one that left the group too is heard no longer than
        a second.
        """
        if silent:
            return self._process.wait(_WATCH_SECONDS) is not None  # or it closed its pipes and goes on
        if self._process.poll() is None:
            return False
        if self._ended_at is None:
            self._ended_at = time.monotonic()
            self._kill_group()
        return time.monotonic() - self._ended_at > _LINGER_SECONDS

    def _kill_group(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def finish(self) -> None:
        """Clear away what the child left running, close its pipes, and say how it ended."""
        status = self._process.wait() or 0
        self._kill_group()
        self.hang_up()
        self._process.close()
        self.ending = self._judge_end(status)

    def _judge_end(self, status: int) -> Ending:
        if self._killed_for == "deadline":
            return Ending("deadline", f"did not end within {self._limits.deadline_seconds:g} s")
        if self._killed_for == "memory cap":
            cap = format_bytes(self._limits.memory_bytes)
            return Ending("memory cap", f"grew past its memory cap of {cap}")
        if self._killed_for == "garbled":
            return Ending("garbled", "wrote into the pipe that carries its records")
        if self._killed_for is not None:
            return Ending(self._killed_for, self._killed_for)
        last = self.records[-1]["record"] if self.records else None
        if last == "done":
            return Ending("done", "")
        if last == "raised":
            return self._raised(self.records[-1])
        complaint = self.stderr_tail.decode(errors="replace").strip().splitlines()[-12:]
        if status < 0:
            name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
            return Ending("killed", f"was killed by {name}", tuple(complaint))
        return Ending("exited", f"exited with status {status} before it was done", tuple(complaint))

    def _raised(self, record: dict[str, Any]) -> Ending:
        fell = next((r["step"] for r in reversed(self.records) if r["record"] == "fell"), record.get("step"))
        message = f"{record['type']}: {record['message']}" if record["message"] else record["type"]
        return Ending("raised", message, tuple(record["traceback"]), fell)

    def _hear(self, received: bytes) -> None:
        import json  # not at the top: it has time until the first child speaks

        lines = (self._line + received).split(b"\n")
        self._line = lines.pop()
        for line in lines:
            try:
                record = json.loads(line)
                record["record"]
            except (ValueError, TypeError, KeyError):
                self.kill("garbled")
                return
            self.records.append(record)
            if self._on_record is not None:
                self._on_record(self, record)

    def _print(self, received: bytes) -> None:
        self.stdout_bytes += len(received)
        self.stdout_head = (self.stdout_head + received)[:_KEPT_BYTES]

    def _complain(self, received: bytes) -> None:
        self.stderr_tail = (self.stderr_tail + received)[-_KEPT_BYTES:]


def _resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as statm:
            return int(statm.read().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):  # not Linux, or already gone
        return 0


def _halt(pid: int) -> None:
    """Stop a process, and wait for a moment until it has stopped: its first thread starts no other then."""
    try:
        os.kill(pid, signal.SIGSTOP)
        for _ in range(_LOOKS):
            with open(f"/proc/{pid}/stat", "rb") as stat:
                if stat.read().rpartition(b")")[2].split()[0] in _AT_REST:
                    return
            time.sleep(_LOOK_SECONDS)  # no event tells of a stop to one who has not traced it
    except OSError:  # it is gone, or the kernel lists no processes
        return


class _Undisturbed:
    """Holds back the signals that interrupt us while a child is cleared away, and all that it has started.

    The kernel holds them back for this thread alone. Where another takes one, Python runs its handler in the
    main thread all the same: there each handler only notes, and what it has noted is handled at the end.
    """

    __slots__ = ("_before", "_handlers", "_noted")

    def __enter__(self) -> None:
        self._noted: list[int] = []
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTING)
        try:
            self._take_over()
        except BaseException:  # an interruption by another thread, which came in between
            self.__exit__()
            raise

    def _take_over(self) -> None:
        for number in _INTERRUPTING:
            handler = signal.getsignal(number)
            if callable(handler):
                self._handlers[number] = handler
                try:
                    signal.signal(number, self._note)
                except ValueError:  # this is not the main thread, and no handler runs in it
                    self._handlers.clear()
                    return

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._noted.append(number)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
        for number in self._noted:
            self._handlers[number](number, None)


class Crew:
    """Children at work, at most `jobs` at a time; an iterator over them as they end."""

    def __init__(self) -> None:
        # There only while children are: being a cycle, it would keep its descriptor until the collector runs.
        self._selector: selectors.BaseSelector | None = None
        self._open: dict[Child, set[int]] = {}  # with the descriptors still listened to

    def __len__(self) -> int:
        return len(self._open)

    def start(
        self,
        order: Order,
        on_record: Callable[[Child, dict[str, Any]], None] | None = None,
        started: Process | None = None,
    ) -> Child:
        """Start a child, or take one over whose interpreter has been started, and listen to it."""
        child = Child(order, on_record, started)
        streams = child.streams()
        if self._selector is None:
            self._selector = selectors.DefaultSelector()
        self._open[child] = {descriptor for descriptor, _ in streams}
        for descriptor, take in streams:
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, (child, take))
        return child

    def wait(self, timeout_seconds: float | None = None) -> list[Child]:
        """Listen until a child ends, or for `timeout_seconds`; returns those that have ended."""
        give_up = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while self._open:
            ended = self.listen()
            if ended or (give_up is not None and time.monotonic() >= give_up):
                return ended
        return []

    def listen(self) -> list[Child]:
        """Take in what the children say next, at most for the watch's period; returns those that ended."""
        if self._selector is None:
            return []
        for key, _ in self._selector.select(_WATCH_SECONDS):
            self._take(self._selector, key)
        ended = [child for child, streams in self._open.items() if child.gone(silent=not streams)]
        for child in ended:
            with _Undisturbed():
                for descriptor in self._open.pop(child):
                    self._selector.unregister(descriptor)
                child.finish()
        for child in self._open:
            child.watch()
        if not self._open:
            self._selector.close()
            self._selector = None
        return ended

    def kill(self, reason: str = "interrupted") -> list[Child]:
        """End all that still run, and return them, reaped."""
        with _Undisturbed():
            for child in self._open:
                child.kill(reason)
            ended = []
            while self._open:
                ended += self.wait()
        return ended

    def _take(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        child, take = key.data
        received = os.read(key.fd, _READ_BYTES)
        if received:
            take(received)
            return
        selector.unregister(key.fd)
        self._open[child].discard(key.fd)


def run(orders: Iterable[Order]) -> list[Child]:
    """Run children all at once, each by its first order alone; returns them, ended, in the order given."""
    crew = Crew()
    children = [crew.start(order) for order in orders]
    try:
        for child in children:
            child.hang_up()
        while len(crew):
            crew.wait()
    except BaseException:
        crew.kill()
        raise
    return children


def site_folders() -> list[str]:
    """Where a child that starts without `site` finds what this process can import.

    PYTHONPATH, the folders of installed packages, and what .pth files in them have added. A checkout of
    leakbench is left out, not so the folder that it is installed into: there the others are, too.
    """
    import site

    installed = {*site.getsitepackages(), site.getusersitepackages()}
    first = next((n for n, folder in enumerate(sys.path) if folder in installed), len(sys.path))
    named = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    folders = dict.fromkeys((*map(os.path.abspath, named), *sys.path[first:]))
    unwanted = {package_folder()} - installed
    return [folder for folder in folders if os.path.exists(folder) and folder not in unwanted]
