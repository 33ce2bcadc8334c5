"""A step that misbehaves is a failure with its reason; the run goes on, and its exit status says so."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from leakbench.probes.ledger import fixed_rungs

from tests.commands import leakbench, rows, write_scenario

if TYPE_CHECKING:
    from pathlib import Path

FAILED = 4
PROBES = ("rss", "ledger", "heap", "latency")


class Bad(NamedTuple):
    """A step of a person's own, and what is to be said of it."""

    step: str
    ending: str
    reason: str  # its beginning


STEPS = {
    "raises": Bad('raise ValueError("no [/bold] way")', "raised", "ValueError: no [/bold] way at step 500"),
    "says-nothing": Bad("raise ValueError", "raised", "ValueError at step 500"),
    "says-too-much": Bad('raise ValueError("a\\nb\\u2028" + "x" * 9999)', "raised", "ValueError: a b x"),
    "undecodable": Bad(r'raise OSError(os.fsdecode(b"\xff\x1b[31m"))', "raised", r"OSError: \udcff\x1b[31m"),
    "cannot-speak": Bad("raise Mute", "raised", "Mute: <exception str() failed> at step 500"),
    "pipe-breaks": Bad('raise BrokenPipeError("peer")', "raised", "BrokenPipeError: peer at step 500"),
    "recurses": Bad("self.step(i)", "raised", "RecursionError: maximum recursion depth exceeded"),
    "exits": Bad('sys.exit("enough")', "raised", "SystemExit: enough at step 500"),
    "vanishes": Bad("os._exit(0)", "exited", "exited with status 0 before it was done"),
    "is-killed": Bad("os.kill(os.getpid(), 9)", "killed", "was killed by SIGKILL"),
    "crashes": Bad("import ctypes; ctypes.string_at(0)", "killed", "was killed by SIGSEGV"),
    "falls-silent": Bad("[os.close(fd) for fd in pipes()]", "exited", "exited with status 1 before it was"),
    "garbles": Bad('[os.write(fd, b"{]\\n") for fd in pipes()]', "garbled", "wrote into the pipe that"),
    "prints": Bad('print("hello")', "", "the case printed 6 bytes to standard output, beginning 'hello"),
    "prints-raw": Bad('os.write(1, b"\\xff")', "", "the case printed 1 bytes to standard output, beginning"),
}
HEAD = """
class Mute(Exception):
    def __str__(self):
        raise RuntimeError

def pipes():
    import fcntl
    writable = []
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            kept = fcntl.fcntl(fd, fcntl.F_GETFL)
        except OSError:
            continue
        if fd > 2 and kept & os.O_ACCMODE == os.O_WRONLY and "pipe:" in os.readlink(f"/proc/self/fd/{fd}"):
            writable.append(fd)
    return writable
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, list[dict[str, Any]]]:
    """Exit status, standard error and records of one run over all of them, and one good case after them."""
    folder = tmp_path_factory.mktemp("bad")
    for name, bad in STEPS.items():
        write_scenario(folder / "own", name, f"if i == 500: {bad.step}", head=HEAD)
    write_scenario(folder / "own", "good")
    probes = [word for probe in PROBES for word in ("--probe", probe)]
    done = leakbench(
        "run", *STEPS, "good", "--scenarios", folder / "own", "--out", folder / "run", "--no-report", *probes
    )
    return done.returncode, done.stderr, rows(folder / "run")


@pytest.mark.slow
def test_the_run_goes_on_to_its_end_and_its_status_says_that_cases_failed(
    run: tuple[int, str, list[dict[str, Any]]],
) -> None:
    status, said, found = run
    assert status == FAILED
    assert [row["status"] for row in found if row["case"] == "good:none"] == ["measured"] * 4
    assert len(found) == 4 * (len(STEPS) + 1)
    assert f"4 measured, {4 * len(STEPS)} failed in" in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("name", STEPS)
def test_a_bad_step_is_a_failure_with_its_reason(
    run: tuple[int, str, list[dict[str, Any]]], name: str, probe: str
) -> None:
    bad = STEPS[name]
    _, said, found = run
    (row,) = (row for row in found if (row["case"], row["probe"]) == (f"{name}:none", probe))
    assert row["status"] == "failed"
    assert row["reason"].startswith(bad.reason)
    assert len(row["reason"]) < 450
    assert row["reason"].isprintable()
    assert row["values"].get("ending", "") == bad.ending
    assert f"failed {name}:none {probe}: {row['reason']}\n" in said


@pytest.mark.slow
def test_the_record_holds_the_tracebacks_last_lines_and_none_of_ours(
    run: tuple[int, str, list[dict[str, Any]]],
) -> None:
    _, _, found = run
    for row in (row for row in found if row["case"] == "raises:none"):
        first, place, line, *_, last = row["values"]["traceback"]
        assert first == "Traceback (most recent call last):"
        assert place.endswith(f'raises.py", line {place.split("line ")[1].split(",")[0]}, in step')
        assert "own" + os.sep in place
        assert line.strip() == 'if i == 500: raise ValueError("no [/bold] way")'
        assert last == "ValueError: no [/bold] way"


@pytest.mark.slow
def test_a_ladder_that_was_cut_off_keeps_the_rungs_it_saw(run: tuple[int, str, list[dict[str, Any]]]) -> None:
    """Fallen at step 500, the first 16 of which are the warm-up: every rung up to 484 was reached."""
    _, _, found = run
    reached = [rung for rung in fixed_rungs(1_024) if rung <= 500 - 16]
    for name in ("raises", "is-killed", "vanishes"):
        (row,) = (row for row in found if (row["case"], row["probe"]) == (f"{name}:none", "ledger"))
        assert [rung[0] for rung in row["values"]["ladder"]] == [0, *reached]


@pytest.mark.slow
def test_a_step_that_hangs_is_ended_at_its_deadline(tmp_path: Path) -> None:
    own = write_scenario(tmp_path / "own", "hangs", "if i == 500: signal.pause()")
    done = leakbench(
        "run", "hangs", "--scenarios", own, "--out", tmp_path / "run", "--no-report", "--probe", "ledger",
        "--deadline", "1",
    )  # fmt: skip
    assert done.returncode == FAILED
    (row,) = rows(tmp_path / "run")
    assert row["reason"] == "did not end within 1 s"
    assert row["values"]["ending"] == "deadline"
    assert row["values"]["ladder"][-1][0] == max(n for n in fixed_rungs(1_024) if n <= 500 - 16)


@pytest.mark.slow
def test_a_step_that_outgrows_the_memory_cap_is_ended_and_keeps_its_rungs(tmp_path: Path) -> None:
    """A MiB each step from step 500 on: how far it gets beyond the cap is the watcher's period."""
    step = "if i >= 500: self.kept.append(bytearray(b'x') * (1 << 20))"
    own = write_scenario(tmp_path / "own", "outgrows", step, steps=1 << 20)
    done = leakbench(
        "run", "outgrows", "--scenarios", own, "--out", tmp_path / "run", "--no-report", "--probe", "ledger",
        "--memory-cap", "200MiB",
    )  # fmt: skip
    assert done.returncode == FAILED
    (row,) = rows(tmp_path / "run")
    assert row["reason"] == "grew past its memory cap of 200 MiB"
    assert row["values"]["ending"] == "memory cap"
    assert {0, 256, 431} <= {rung[0] for rung in row["values"]["ladder"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        "subprocess.Popen(['sleep', '1000'], close_fds=False)",
        "subprocess.Popen(['sleep', '1000'], close_fds=False, start_new_session=True)",
        "os.fork() or (os.setsid(), signal.pause())",
    ],
    ids=["in its group", "in a session of its own", "forked"],
)
def test_a_grandchild_that_holds_the_pipes_neither_hangs_the_run_nor_outlives_it(
    tmp_path: Path, how: str
) -> None:
    """It inherits a pipe of ours too: that this one has ended says that nobody holds it any more."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    step = f"if i == 500: os.set_inheritable(os.open({str(fifo)!r}, os.O_WRONLY), True); {how}"
    own = write_scenario(tmp_path / "own", "parent", step, head="import subprocess")
    done = leakbench(
        "run", "parent", "--scenarios", own, "--out", tmp_path / "run", "--no-report", "--probe", "rss",
        "--deadline", "30",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (row,) = rows(tmp_path / "run")
    assert row["values"]["processes_left"] == 1
    os.set_blocking(reading, True)  # positional only
    assert os.read(reading, 1) == b""
    os.close(reading)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("if __name__ != 'm' and 'leakbench.cli' not in sys.modules: raise ImportError('not in a child')",
         "ImportError: not in a child"),
        ("if 'leakbench.cli' not in sys.modules: Scenario = print", "TypeError: "),
    ],
)  # fmt: skip
def test_a_scenario_that_imports_here_and_not_in_the_child_is_a_failure(
    tmp_path: Path, head: str, reason: str
) -> None:
    own = write_scenario(tmp_path / "own", "fickle", head=head)
    done = leakbench(
        "run", "fickle", "--scenarios", own, "--out", tmp_path / "run", "--no-report", "--probe", "rss"
    )
    assert done.returncode == FAILED
    (row,) = rows(tmp_path / "run")
    assert row["reason"].startswith(reason)
