"""An interpreter that is started before it is known what for, and what a start depends on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from leakbench.launch import Ahead, Process

from tests.commands import open_descriptors

KNOWN = Path(__file__).parent / "subjects" / "known.py"


def test_what_is_started_ahead_is_taken_once_and_takes_its_target_later() -> None:
    ahead = Ahead()
    ahead.begin(["service.py::step", "--json"])
    process = ahead.take()
    assert process is not None
    assert ahead.take() is None
    order = {"probe": "check", "target": f"{KNOWN}::nothing", "request": None}
    os.write(process.orders_fd, f"{order!r}\n\n".encode())
    os.close(process.orders_fd)
    said = b""
    while received := os.read(process.records_fd, 65_536):
        said += received
    process.close()
    assert process.wait() == 0
    assert [json.loads(line)["record"] for line in said.splitlines()] == [
        "awake", "loaded", "stepped", "ready", "done",
    ]  # fmt: skip


def test_what_nobody_takes_is_ended_and_leaves_no_descriptor() -> None:
    before = open_descriptors()
    ahead = Ahead()
    ahead.begin(["service.py::step"])
    ahead.end()
    ahead.end()
    assert open_descriptors() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # no child is left, nor one that has ended


@pytest.mark.parametrize(
    "words", [["a.py::step", "--python", "python3.9"], ["a.py::step", "--pyth=python3.9"], ["-h"], ["--help"]]
)
def test_another_interpreter_and_help_have_none_started(words: list[str]) -> None:
    ahead = Ahead()
    ahead.begin(words)
    assert ahead.take() is None


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_a_closed_standard_stream_is_no_pipe_of_the_childs(closed: str) -> None:
    """Its number is the first that is free."""
    command = [sys.executable, "-m", "leakbench", "check", f"{KNOWN}::nothing", "--json", "--only-verdict"]
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *command]
    done = subprocess.run(shell, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"] == "steady"


def test_a_process_is_waited_for_no_longer_than_asked() -> None:
    process = Process(sys.executable, (), {}, arguments=("-c", "raise SystemExit(3)"))
    os.close(process.orders_fd)
    assert process.wait() == 3
    process.close()
    sleeper = Process(sys.executable, (), {}, arguments=("-c", "import time; time.sleep(60)"))
    assert sleeper.wait(0.05) is None
    os.kill(sleeper.pid, 9)
    assert sleeper.wait(10) == -9
    os.close(sleeper.orders_fd)
    sleeper.close()
