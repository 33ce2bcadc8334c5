"""A verdict in words, as the terminal and a failing test show it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from leakbench import wording
from leakbench.verdict import Verdict
from leakbench.wording import span

KNOWN = Path(__file__).parent / "subjects" / "known.py"
LEAK = Verdict(
    target="a.py::f", verdict="leak", leak_bytes_per_op=264.0, interval=(263.9, 264.1),
    smallest_detectable_bytes_per_op=8.14e-05, smallest_detectable_outside_bytes_per_op=4.0, ops=4_096,
    seconds=1.0, noise_bytes=0, retained_heap_bytes=0, retained_rss_bytes=0, site=None, holder=None,
    holders=(), resources={"heap": 264.0}, wanted_ops=None, ladder=(), evidence="it grew", within_limit=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "1 second"),
        (40, "40 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (4_500, "75 minutes"),
        (0.052 * 86_400, "75 minutes"),
        (30 * 3_600, "30 hours"),
        (47.6 * 3_600, "2 days"),
        (35 * 86_400, "35 days"),
        (32 * 365.25 * 86_400, "32 years"),
    ],
)
def test_a_span_is_said_in_the_unit_that_a_person_would_use(seconds: float, said: str) -> None:
    assert span(seconds) == said


def _on_a_terminal(columns: int, *words: str, **environ: str) -> str:
    """What the command shows on a terminal so wide."""
    ours, theirs = pty.openpty()
    try:
        import fcntl
        import struct
        import termios

        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        command = [sys.executable, "-m", "leakbench", "check", *words]
        inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
        done = subprocess.Popen(command, stdout=theirs, env={**inherited, "TERM": "xterm", **environ})
        os.close(theirs)
        theirs = -1
        shown = b""
        try:
            while received := os.read(ours, 65_536):
                shown += received
        except OSError:  # Linux: the other end has been closed
            pass
        done.wait()
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)
    return shown.decode().replace("\r\n", "\n")


def test_an_answer_keeps_within_the_terminal_and_marks_the_verdict_in_colour() -> None:
    shown = _on_a_terminal(72, f"{KNOWN}::entry_a_step", "--only-verdict", "--rate", "10/s")
    assert shown.startswith("\x1b[1;31m▲ leak\x1b[0m  live memory grows without bound\n")
    because = shown[shown.index("  because    ") :].split("\n")
    assert because[1].startswith(" " * 13)  # goes on below where its text begins
    assert because[1][13] != " "
    assert max(map(len, shown.split("\n")[1:-2])) <= 72


def test_no_color_leaves_the_emphasis_and_takes_the_colour() -> None:
    shown = _on_a_terminal(72, f"{KNOWN}::nothing", "--only-verdict", "--steps", "4096", NO_COLOR="1")
    assert shown.startswith("▬ steady  ")
    assert "\x1b[34m" not in shown


@pytest.mark.slow
def test_elsewhere_a_line_is_a_line_and_there_is_no_escape_code() -> None:
    command = [sys.executable, "-m", "leakbench", "check", f"{KNOWN}::entry_a_step", "--only-verdict"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "\x1b" not in done.stdout
    assert [line for line in done.stdout.splitlines() if "three octaves" in line and "because" in line]


def test_an_encoding_without_the_marks_gets_the_answer_all_the_same() -> None:
    command = [sys.executable, "-m", "leakbench", "check", f"{KNOWN}::nothing", "--steps", "4096"]
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert done.returncode == 0
    assert "steady  no growth after warm-up" in done.stdout


@pytest.mark.parametrize(
    ("amount", "thing", "shown"),
    [
        (0.9999, "threads", "1 thread an operation"),
        (2.0, "file descriptors", "2 file descriptors an operation"),
        (1.0, "file descriptors", "1 file descriptor an operation"),
        (1.0, "child processes", "1 child process an operation"),
        (1_234.0, "threads", "1,234 threads an operation"),
    ],
)
def test_one_of_a_thing_is_not_several(amount: float, thing: str, shown: str) -> None:
    assert wording.rates(LEAK._replace(resources={thing: amount}), None, None)[1:] == [shown]


def test_an_interval_is_said_only_where_it_shows() -> None:
    assert wording.rates(LEAK, None, None) == ["264 B/op"]
    wide = LEAK._replace(interval=(260.0, 268.0))
    assert wording.rates(wide, None, None) == ["264 B/op (between 260 B/op and 268 B/op)"]


def test_nobody_is_told_of_less_than_a_thousandth_of_a_byte() -> None:
    (said,) = wording.rates(LEAK._replace(verdict="steady"), None, None)
    assert said.startswith("a leak of 0.001 B/op or more in the heap, of 4 B/op or more outside it,")


def test_a_ceiling_above_the_machines_memory_is_said_to_be_so() -> None:
    def said(ceiling_bytes: int, limit_bytes: int | None) -> list[str]:
        filling = LEAK._replace(verdict="filling", holder={"ceiling_bytes": ceiling_bytes})
        return wording.rates(filling, None, limit_bytes)

    assert said(3 << 30, 4 << 30) == ["it will hold 3.00 GiB when full, within the limit"]
    assert said(1 << 20, None) == ["it will hold 1.00 MiB when full"]
    assert said(1 << 60, None)[0].endswith("when full, which is more memory than this machine has")


def test_what_cannot_tell_says_nothing_of_what_it_would_have_seen() -> None:
    assert wording.rates(LEAK._replace(verdict="inconclusive"), None, None) == []


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        (
            {"path": "a.ROWS", "type": "dict", "entries": 2_869, "entries_per_op": 1.0, "share": 0.98,
             "root": "module global", "bound": None},
            "a.ROWS (dict, 1 entry an operation, 98% of the growth)",
        ),
        (
            {"path": None, "type": "functools.lru_cache", "entries": 65_536, "bound": 100_000},
            "a cache (functools.lru_cache, 65,536 entries, bound 100,000)",
        ),
        (
            {"path": "a.MAP['text']", "type": "str", "entries": 99, "entries_per_op": 16.0, "share": 1.0,
             "root": "module global", "bound": None},
            "a.MAP['text'] (str, 16 characters an operation, 100% of the growth)",
        ),
        (
            {"path": None, "type": "cycles", "entries": None, "bound": None, "root": "unknown"},
            "nobody: gc.disable() leaves cycles uncollected (cycles)",
        ),
        (
            {"path": None, "type": "native", "entries": None, "bound": None, "root": "unknown"},
            "C code, or what grows too rarely to be seen (native)",
        ),
    ],
)  # fmt: skip
def test_entries_are_counted_where_the_climb_made_them(held: dict[str, object], shown: str) -> None:
    assert wording.holder(held) == shown
