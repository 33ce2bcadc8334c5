"""Brings a measured interpreter up, from fork to exec: a session of its own, no ASLR, death with its parent.

A check is as quick as its child is started early, so this module imports no more than an interpreter has
imported anyway: `subprocess` alone would take as long as half of one's start. The one child that nobody has
asked for yet is started by `ahead`, while the command line is read.
"""

from __future__ import annotations

import os
import sys

from leakbench.child.channel import PIPES_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import NoReturn

ADDR_NO_RANDOMIZE = 0x0040000  # sys/personality.h
PR_SET_PDEATHSIG, PR_SET_THP_DISABLE = 1, 41  # sys/prctl.h
_SIGKILL = 9  # without `signal`, which takes 2 ms to import
_ASK = 0xFFFFFFFF  # personality(2): say what it is, change nothing
_BOOT = (
    "import sys;sys.path.insert(0,sys.argv[1]);from leakbench.child.main import main;"
    "sys.path.remove(sys.argv[1]);main(int(sys.argv[2]),int(sys.argv[3]))"
)
_COUNTER_VARIABLES = ("PYTHONMALLOC", "PYTHONTRACEMALLOC", "GLIBC_TUNABLES", "MALLOC_ARENA_MAX")
_TRACER_PREFIXES = ("COV_CORE_", "COVERAGE_PROCESS_")  # they have coverage trace every child
_OTHER_INTERPRETER_OR_HELP = ("-h", "--h", "--p")
_COME_UP = b"{'probe': 'check', 'target': ''}\n"  # the target follows in an order of its own
_STANDARD_STREAMS = (0, 1, 2)
_MOST_SAID_BYTES = 2_000
_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.0005, 0.01


def exact_heap_environ() -> dict[str, str]:
    """What makes glibc's count of live heap exact: no pymalloc above it, no thread cache inside it.

    And one arena for all threads: another is made, of 2 KiB and for good, whenever a thread starts before the
    one before it has let go of its own, which a busy machine decides.
    """
    tunables = ("glibc.malloc.tcache_count=0", "glibc.malloc.arena_max=1")
    return {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": ":".join(tunables)}


def inherited_environ() -> dict[str, str]:
    """The person's own environment, less what would change the counters; a hash seed unless they set one."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in _COUNTER_VARIABLES and not name.startswith(_TRACER_PREFIXES)
    }
    environ.setdefault("PYTHONHASHSEED", "0")
    return environ


def package_folder() -> str:
    """The folder that holds the `leakbench` package; the only one that the child's start adds to sys.path."""
    return os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


class Process:
    """A child of this process: its number, and our ends of its four pipes.

    Raises OSError where the program cannot be started, and RuntimeError where what is done before it cannot;
    with `wait_for_exec` off they are raised by `confirm`.
    """

    __slots__ = ("_failure_fd", "_status", "errors_fd", "orders_fd", "output_fd", "pid", "records_fd")

    def __init__(
        self,
        python: str,
        flags: Sequence[str],
        environ: Mapping[str, str],
        *,
        arguments: Sequence[str] | None = None,
        folder: str | None = None,
        keep_aslr: bool = False,
        wait_for_exec: bool = True,
    ) -> None:
        self._status: int | None = None
        self.pid = 0
        parent = os.getpid()
        pipes: list[tuple[int, int]] = []
        try:
            pipes.extend(_pipe() for _ in range(5))
            orders, records, output, errors, failure = pipes
            # Of one width: a longer command line moves what is allocated after it, and the heap's count.
            numbers = (f"{orders[0]:05d}", f"{records[1]:05d}")
            given = dict(environ)
            if arguments is None:
                command = [python, *flags, "-c", _BOOT, package_folder(), *numbers]
            else:
                command = [python, *flags, *arguments]
                given[PIPES_VARIABLE] = ",".join(numbers)
            self.pid = _fork()
            if self.pid == 0:
                _surround(parent, keep_aslr=keep_aslr)
                _arrange_descriptors(output[1], errors[1], (orders[0], records[1]), failure[1])
                if folder is not None:
                    os.chdir(folder)
                os.execvpe(command[0], command, given)  # noqa: S606  # an interpreter and our own boot line
        except BaseException as error:
            if os.getpid() != parent:
                _end_copy(error, pipes[-1][1])
            for descriptor in (each for pipe in pipes for each in pipe):
                os.close(descriptor)
            if self.pid:
                self.kill()
            raise
        for inner in (orders[0], records[1], output[1], errors[1], failure[1]):
            os.close(inner)
        self.orders_fd, self.records_fd = orders[1], records[0]
        self.output_fd, self.errors_fd, self._failure_fd = output[0], errors[0], failure[0]
        if wait_for_exec:
            self.confirm(python)

    def confirm(self, python: str) -> None:
        """Wait until the program has begun; raise what kept it from it, with everything cleared away."""
        said = os.read(self._failure_fd, _MOST_SAID_BYTES).decode()
        os.close(self._failure_fd)
        if said:
            self.wait()
            self.close()
            os.close(self.orders_fd)
            number, _, text = said.partition(" ")
            if int(number):
                raise OSError(int(number), os.strerror(int(number)), python)
            raise RuntimeError(f"{python} was not started: {text}")

    def kill(self) -> None:
        """End it, whatever it does, and reap it."""
        os.kill(self.pid, _SIGKILL)
        self.wait()

    def poll(self) -> int | None:
        """The exit status, negative for a signal's number; None while it runs."""
        return self._reap(os.WNOHANG)

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait for its end, for so long at most; returns what `poll` does."""
        if seconds is None:
            return self._reap(0)
        import time

        give_up = time.monotonic() + seconds
        pause = _FIRST_POLL_SECONDS
        while self.poll() is None and time.monotonic() < give_up:
            time.sleep(pause)  # waitpid knows no limit, and a descriptor for it (pidfd) only Linux has
            pause = min(2 * pause, _LONGEST_POLL_SECONDS)
        return self._status

    def _reap(self, options: int) -> int | None:
        if self._status is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # where SIGCHLD is ignored nobody can tell
                self._status = 0
            else:
                self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status

    def close(self) -> None:
        """Close what it wrote to us."""
        for descriptor in (self.records_fd, self.output_fd, self.errors_fd):
            os.close(descriptor)


def _fork() -> int:
    """Fork, with no warning of the threads that the copy lacks: it is to become another program.

    Nor may a collection in the copy run the finalizers of this process's garbage, which this one runs too.
    """
    import gc
    import warnings

    collects = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
    except BaseException:
        if collects:
            gc.enable()
        raise
    if pid and collects:
        gc.enable()
    return pid


def _end_copy(error: BaseException, failure: int) -> NoReturn:
    """Say why the copy of this process becomes nothing, and end it before anything of the caller's runs."""
    try:
        number = getattr(error, "errno", None) or 0
        os.write(failure, f"{number} {type(error).__name__}: {error}".encode()[:_MOST_SAID_BYTES])
    finally:
        os._exit(127)


def _pipe() -> tuple[int, int]:
    """A pipe, above the standard streams: where one of those is closed, its number would be taken."""
    reading, writing = os.pipe()
    if min(reading, writing) > max(_STANDARD_STREAMS):
        return reading, writing
    import fcntl

    moved = tuple(fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 3) for each in (reading, writing))
    os.close(reading)
    os.close(writing)
    return moved[0], moved[1]


def _surround(parent: int, *, keep_aslr: bool) -> None:
    """Make the forked copy of this process ready for what it becomes: a group of its own, no core.

    No transparent huge pages either: with them what is resident depends on what the kernel merged by then.
    """
    import ctypes
    import resource

    os.setsid()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, _SIGKILL)
        if os.getppid() != parent:  # it died in between
            os._exit(1)
        libc.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
        if not keep_aslr:
            # A container may refuse; `doctor` says so.
            libc.personality(libc.personality(_ASK) | ADDR_NO_RANDOMIZE)


def _arrange_descriptors(output: int, errors: int, inherited: Iterable[int], failure: int) -> None:
    """Leave open what the new program is to have, and what dies with the old one; nothing else."""
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for stream, source in zip(_STANDARD_STREAMS, (nowhere, output, errors), strict=True):
        os.dup2(source, stream)
        os.set_inheritable(stream, True)  # noqa: FBT003  # it takes no names; dup2 to itself leaves it as it was
    kept = {*_STANDARD_STREAMS, *inherited, failure}
    for name in os.listdir("/dev/fd"):
        if int(name) not in kept:
            os.closerange(int(name), int(name) + 1)  # the one that listed them is closed by now
    for descriptor in inherited:
        os.set_inheritable(descriptor, True)  # noqa: FBT003  # as above


class Ahead:
    """Holds an interpreter that is started before it is known what is to be checked."""

    def __init__(self) -> None:
        self._process: Process | None = None

    def begin(self, words: Sequence[str]) -> None:
        """Start it, unless the words of the command line ask for another interpreter, or for help.

        Reading the command line and starting an interpreter then take as long as the longer of the two. Where
        it does not start there is none: the check starts its own, and says what is amiss.
        """
        if any(word.startswith(_OTHER_INTERPRETER_OR_HELP) for word in words):
            return
        environ = {**inherited_environ(), **exact_heap_environ()}
        try:
            self._process = Process(sys.executable, (), environ, wait_for_exec=False)
            os.write(self._process.orders_fd, _COME_UP)
        except OSError:
            self.end()

    def take(self) -> Process | None:
        """What was started and has begun, once."""
        process, self._process = self._process, None
        if process is not None:
            try:
                process.confirm(sys.executable)
            except (OSError, RuntimeError):
                return None
        return process

    def end(self) -> None:
        """End it where nobody has taken it."""
        process = self.take()
        if process is not None:
            process.kill()
            process.close()
            os.close(process.orders_fd)


ahead = Ahead()
