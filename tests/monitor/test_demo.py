"""The demonstration, with a real Prometheus: the leak is told, and nothing is left running after it."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from leakbench.monitor.demo.__main__ import main
from leakbench.monitor.demo.sessions import Sessions

COMMAND = [sys.executable, "-m", "leakbench.monitor.demo"]
END_SECONDS = 30  # nothing takes a tenth of it to end


@pytest.fixture
def _prometheus_is_here() -> None:
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not on PATH: on Debian, apt-get install prometheus")


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the demonstration makes its folders: they must be gone afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def running(temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """A demonstration whose services, Prometheus and load are up."""
    process = subprocess.Popen(
        [*COMMAND, "--stay"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("The rules run"):
            break
    yield process
    process.kill()
    process.communicate()


def children_of(process: subprocess.Popen[str]) -> list[int]:
    """Handles that become readable when the child has ended."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    return [os.pidfd_open(int(pid)) for pid in listed.split()]


def all_end(handles: list[int]) -> bool:
    waiting = select.poll()
    for handle in handles:
        waiting.register(handle, select.POLLIN)
    left = set(handles)
    while left:
        ended = waiting.poll(END_SECONDS * 1000)
        if not ended:
            return False
        for handle, _event in ended:
            waiting.unregister(handle)
            os.close(handle)
            left.remove(handle)
    return True


@pytest.mark.slow
@pytest.mark.usefixtures("_prometheus_is_here")
def test_the_alert_rises_for_the_leak_alone(temporary: Path) -> None:
    """Twice as fast as shown: after 55 seconds at the usual pace, 28 at this one, both mostly waiting."""
    done = subprocess.run(
        [*COMMAND, "--pace", "120", "--seconds", "90"],
        capture_output=True,
        text=True,
        timeout=110,
        env=os.environ | {"TMPDIR": str(temporary)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "LeakbenchMapEntriesGrow (none)" in done.stdout
    assert "(remove-and-expire)" not in done.stdout
    assert "the mended map raised no alert" in done.stdout
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("_prometheus_is_here")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_everything_ends_with_the_command(
    running: subprocess.Popen[str], sent: signal.Signals, temporary: Path
) -> None:
    children = children_of(running)
    assert len(children) == 3, "two services and Prometheus"
    running.send_signal(sent)
    running.communicate(timeout=END_SECONDS)
    assert running.returncode == 130
    assert all_end(children)
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("_prometheus_is_here")
def test_everything_ends_even_when_the_command_is_killed(running: subprocess.Popen[str]) -> None:
    children = children_of(running)
    running.kill()
    assert all_end(children)


@pytest.mark.slow
@pytest.mark.usefixtures("_prometheus_is_here")
def test_a_port_in_use_is_said_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    assert f"port {port} on 127.0.0.1 is in use or not to be had: choose another" in capsys.readouterr().err


@pytest.mark.usefixtures("_prometheus_is_here")
def test_without_a_browser_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "prometheus").symlink_to(shutil.which("prometheus") or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--picture", str(tmp_path / "page.png")]) == 2
    assert "no chromium on PATH, which --picture needs" in capsys.readouterr().err


def test_without_prometheus_the_way_out_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main([]) == 2
    assert (
        "no prometheus on PATH: on Debian and Ubuntu, apt-get install prometheus" in capsys.readouterr().err
    )


@pytest.mark.parametrize("pace", ["0", "241", "nan", "quick"])
def test_a_pace_that_nothing_keeps_is_refused(pace: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--pace", pace])
    assert "argument --pace: " in capsys.readouterr().err


def test_an_unknown_mitigation_is_refused() -> None:
    with pytest.raises(ValueError, match="no mitigation 'hope' here: none or remove-and-expire"):
        Sessions("hope", 1.0)
