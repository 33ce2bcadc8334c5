"""A server of one's own: it starts, answers, tells how it died, and leaves nothing behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from leakbench.mitigations.server import (
    Server,
    ServerError,
    ServerRefusedError,
    command,
    redis_binary,
    valkey_binary,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS = 10.0
BINARIES = [valkey_binary(), redis_binary()]


@pytest.fixture(autouse=True)
def _own_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever the test leaves in the temporary folder is found; short, for a socket's path has 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="t"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    folder.rmdir()  # an OSError where it is not empty


@pytest.mark.parametrize("binary", BINARIES, ids=["valkey", "redis"])
def test_it_answers_and_tells_its_own_figures(binary: str) -> None:
    server = Server(binary)
    assert server.ask("SET", "a", b"\r\n\x00") == b"OK"
    assert server.ask_all([command("GET", "a"), command("GET", "z"), command("DBSIZE")]) == [
        b"\r\n\x00",
        None,
        1,
    ]
    assert isinstance(server.ask("NO-SUCH"), ServerRefusedError)
    assert int(server.info("memory")["used_memory"]) > 0
    resident_bytes = server.resident_bytes()  # read first: it may grow by a page before the peak is
    assert server.peak_resident_bytes() >= resident_bytes > 1 << 20
    server.stop()
    server.stop()


def test_it_listens_on_no_port_and_its_socket_is_gone() -> None:
    server = Server(valkey_binary())
    process = Path("/proc", str(server.pid))
    sockets = {str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        lines = (process / "net" / table).read_text(encoding="ascii").splitlines()[1:]
        assert not [line for line in lines if f"socket:[{line.split()[9]}]" in sockets]
    assert list(Path(tempfile.gettempdir()).iterdir()) == []
    server.stop()


def test_a_dropped_server_is_stopped() -> None:
    server = Server(valkey_binary())
    pid = server.pid
    del server
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_one_that_refuses_to_start_says_why() -> None:
    with pytest.raises(
        ServerError, match=r"refused to start, status 1; its last log lines:\n(.|\n)*no-such-option"
    ):
        Server(valkey_binary(), ["--no-such-option", "1"])


def test_one_that_cannot_be_run_is_named() -> None:
    with pytest.raises(ServerError, match="/no-such-server cannot be run: No such file"):
        Server("/no-such-server")


def test_one_that_dies_in_the_middle_says_so_with_its_last_log_lines() -> None:
    server = Server(valkey_binary())
    assert server.ask("PING") == b"PONG"  # it says that it is ready before it answers, not before it listens
    os.kill(server.pid, signal.SIGKILL)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(ServerError, match=r"died .*status -9; its last log lines:\n(.|\n)*Ready to accept"):
        server.ask("PING")
    server.stop()


def test_it_dies_with_a_parent_that_is_killed() -> None:
    """The parent starts a server, says its process number and waits to be killed."""
    program = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from leakbench.mitigations.server import Server, valkey_binary\n"
        "server = Server(valkey_binary()); print(server.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, tempfile.gettempdir()], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    watched = os.pidfd_open(pid)
    parent.kill()
    parent.communicate()
    readable, _, _ = select.select([watched], [], [], PATIENCE_SECONDS)
    os.close(watched)
    assert readable, "the server outlives its parent"
