"""An interpreter that is started before it is known what for, and what a start depends on."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
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
        "awake", "loaded", "stepped", "ready", "closing", "done",
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
def test_a_closed_standard_stream_is_no_pipe_of_the_childs(closed: str, tmp_path: Path) -> None:
    """Its number is the first that is free; the step has its own streams all the same."""
    file = tmp_path / "reads.py"
    file.write_text("import sys\ndef step(): assert not sys.stdin.read(); print(file=sys.stderr)\n")
    command = [sys.executable, "-m", "leakbench", "check", f"{file}::step", "--json", "--only-verdict"]
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


def test_what_keeps_a_program_from_beginning_is_raised_and_leaves_nothing_open() -> None:
    before = open_descriptors()
    with pytest.raises(FileNotFoundError, match="No such file"):
        Process("/no/such/python", (), {})
    with pytest.raises(NotADirectoryError):
        Process(sys.executable, (), {}, folder=sys.executable)
    with pytest.raises(RuntimeError, match="was not started: ValueError: embedded null byte"):
        Process(sys.executable, (), {}, arguments=("\0",))
    assert open_descriptors() == before


def test_with_standard_output_closed_the_exit_status_is_the_answer() -> None:
    command = [sys.executable, "-m", "leakbench", "check", f"{KNOWN}::entry_a_step", "--only-verdict"]
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    done = subprocess.run(shell, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.slow
@pytest.mark.parametrize("after_seconds", [0.08, 0.12, 0.3])
def test_an_interruption_is_told_in_a_line_whenever_it_comes(after_seconds: float) -> None:
    command = [sys.executable, "-c", "from leakbench.cli import main; print(flush=True); exit(main())"]
    command += ["check", f"{KNOWN}::slow_nothing"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # it is leakbench by now, and not Python on its way
    time.sleep(after_seconds)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=30)
    assert process.returncode == 130
    assert complaint in ("leakbench: interrupted\n", "leakbench check: interrupted\n")


def test_where_no_more_files_may_be_open_the_check_says_so() -> None:
    """And ends as with every usage that cannot be met, and not with the status of a leak."""
    command = [sys.executable, "-m", "leakbench", "check", f"{KNOWN}::nothing"]
    shell = ["sh", "-c", 'ulimit -n 10; exec "$@"', "sh", *command]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("cannot be started: Too many open files\n")
    assert "Traceback" not in done.stderr


def test_no_finalizer_of_this_process_runs_in_the_copy_that_becomes_a_child(tmp_path: Path) -> None:
    """A cycle is garbage already; what the copy imports would have it collected."""
    told = tmp_path / "told"

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            with told.open("a") as file:
                file.write(f"{os.getpid()}\n")

    gc.collect()
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        gc.disable()
        Cycle()
        gc.enable()
        process = Process(sys.executable, (), {}, arguments=("-c", ""))
    finally:
        gc.set_threshold(*threshold)
    process.wait()
    process.close()
    os.close(process.orders_fd)
    gc.collect()
    assert told.read_text().split() == [str(os.getpid())]
