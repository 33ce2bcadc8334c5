"""The command line: quick to start, one line for a mistake, one document for --json, plain where asked."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from leakbench.cli import COMMANDS

from tests.commands import clean_environ, leakbench, rows, write_scenario

if TYPE_CHECKING:
    from pathlib import Path

WRONG_USAGE, FAILED = 2, 4
ESCAPE = "\x1b"
QUICK = ("run", "noop", "--probe", "rss", "--scale", "512", "--no-report")


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_shows_examples_of_itself(command: str) -> None:
    done = leakbench(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: leakbench {command}")
    examples = [line for line in done.stdout.splitlines() if line.lstrip().startswith(f"leakbench {command}")]
    assert len(examples) >= 1
    assert done.stderr == ""


def test_the_overview_names_every_command_and_shows_examples() -> None:
    done = leakbench("--help")
    assert done.returncode == 0
    listed = [line.split()[0] for line in done.stdout.splitlines() if re.match(r"    \S", line)]
    assert listed == list(COMMANDS)
    assert "  leakbench run session-map " in done.stdout


def test_without_a_command_it_shows_them_and_fails() -> None:
    done = leakbench()
    assert done.returncode == WRONG_USAGE
    assert done.stdout.startswith("usage: leakbench")


def test_the_version_is_the_packages() -> None:
    done = leakbench("--version")
    assert (done.returncode, done.stdout) == (0, "leakbench 0.1.0\n")


HEAVY = ("pandas", "numpy", "rich", "memray", "altair", "jinja2", "dataclasses", "asyncio", "leakbench.frame")


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"], ["run", "--help"], ["list", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    """What is loaded is counted, not the seconds: those depend on the machine and its neighbours."""
    program = (
        "import atexit, sys\n"
        f"atexit.register(lambda: sys.stderr.write(repr([m for m in {HEAVY!r} if m in sys.modules])))"
    )
    done = leakbench(*words, program=program)
    assert done.returncode == 0
    assert done.stderr == "[]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "sesion-map"], "no scenario 'sesion-map'; did you mean 'session-map'"),
        (["run", "session-map:nome"], "scenario 'session-map' has no mitigation 'nome'; did you mean 'none'"),
        (["run", "noop", "--jobs", "0"], "--jobs 0 is out of its range: 1 or more"),
        (["run", "noop", "--scale", "0"], "--scale 0 is out of its range: 1 step or more"),
        (["run", "noop", "--deadline", "0"], "--deadline 0 is out of its range: more than 0 seconds"),
        (["run", "noop", "--deadline", "nan"], "--deadline nan is out of its range: more than 0 seconds"),
        (
            ["run", "noop", "--memory-cap", "lots"],
            "'lots' is no size; write 512MiB, 2GiB or a number of bytes",
        ),
        (["run", "noop", "--resume"], "--resume needs --out: which run is it to go on with?"),
        (["run", "session-map", "--param", "payload_bytes"], "--param 'payload_bytes': write NAME=N with a"),
        (["run", "session-map", "--param", "payload_byte=1"], "no parameter 'payload_byte' in the selected"),
        (
            ["run", "session-map", "--param", "payload_bytes=-1"],
            "parameter payload_bytes=-1 of 'session-map'",
        ),
        (["report", "nowhere"], "nowhere is no run: it has no "),
        (["check", "a.py::f", "--budget", "nan"], "--budget nan is out of its range: more than 0 seconds"),
        (["check", "a.py::f", "--budget", "inf"], "--budget inf is out of its range: more than 0 seconds"),
        (["check", "a.py::f", "--growth-cap", "lots"], "'lots' is no size; write 512MiB, 2GiB or a number"),
        (["compare", "main", "HEAD", "--markdown"], "--markdown is for two runs' folders"),
        (["compare", "main", "HEAD", "--truth", "truth.json"], "--truth is for --history"),
        (["compare", ".", ".", "--bench", "noop"], "--bench is for two commits"),
        (
            ["flamegraph", "noop:none", "--out", "nowhere/a.html"],
            "nowhere/a.html cannot be written: No such file or directory; choose another file",
        ),
    ],
)
def test_a_mistake_is_one_line_on_standard_error_and_nothing_is_written(
    tmp_path: Path, words: list[str], said: str
) -> None:
    done = leakbench(*words, cwd=tmp_path)
    assert done.returncode == WRONG_USAGE
    assert done.stderr.startswith(f"leakbench {words[0]}: {said}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["list", "--json"], ["list", "--json", "--kind", "control"], ["doctor", "--json"]]
)
def test_json_is_one_document_and_nothing_else(words: list[str]) -> None:
    done = leakbench(*words)
    assert done.stdout == json.dumps(json.loads(done.stdout), indent=1, ensure_ascii=False) + "\n"
    assert json.loads(done.stdout)["schema"] == 1
    assert done.stderr == ""


@pytest.mark.slow
def test_the_list_as_json_tells_the_truth_about_each_mitigation() -> None:
    document = json.loads(leakbench("list", "--json").stdout)
    (found,) = (each for each in document["scenarios"] if each["name"] == "session-map")
    assert (found["kind"], found["section"]) == ("scenario", "2.2")
    by_name = {each["name"]: each for each in found["mitigations"]}
    assert by_name["none"]["leaks"] is True
    assert by_name["none"]["holder"] == "session_map.SESSIONS"
    assert by_name["ideal"]["leaks"] is False
    assert by_name["ideal"]["holder"] is None


@pytest.mark.slow
def test_broken_files_stay_out_of_the_json_and_are_named_on_standard_error(tmp_path: Path) -> None:
    write_scenario(tmp_path, "loud", head="print('hello')")
    broken = write_scenario(tmp_path, "broken", head="import no_such_module")
    done = leakbench("list", "--json", "--scenarios", tmp_path)
    names = [each["name"] for each in json.loads(done.stdout)["scenarios"]]
    assert "loud" in names
    assert "broken" not in names
    assert done.returncode == 1
    assert f"leakbench list: {broken}: does not import: ModuleNotFoundError" in done.stderr


@pytest.mark.slow
def test_a_broken_file_does_not_keep_the_others_from_being_measured_but_shows_in_the_status(
    tmp_path: Path,
) -> None:
    broken = write_scenario(tmp_path / "own", "broken", head="import no_such_module")
    write_scenario(tmp_path / "own", "mine")
    done = leakbench(
        "run",
        "mine",
        "--scenarios",
        tmp_path / "own",
        "--out",
        tmp_path / "run",
        "--probe",
        "rss",
        "--no-report",
    )
    assert done.returncode == FAILED
    assert done.stderr.startswith(f"leakbench run: {broken}: does not import: ModuleNotFoundError")
    assert [(row["case"], row["status"]) for row in rows(tmp_path / "run")] == [("mine:none", "measured")]


def on_a_terminal(*words: str | Path, **environ: str) -> str:
    """What the command line shows where both its outputs are a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "leakbench", *map(str, words)],
        env=clean_environ(TERM="xterm-256color", COLUMNS="120", **environ),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                received = os.read(ours, 4096)
            except OSError:  # Linux says so when the last writer has gone
                break
            if not received:
                break
            shown += received
        process.wait()
    os.close(ours)
    return shown.decode()


@pytest.mark.slow
def test_colours_are_for_terminals_and_no_color_takes_them_away(tmp_path: Path) -> None:
    """NO_COLOR forbids colour, not emphasis: what is left are bold and dim (1, 2) and their end (0)."""

    def codes(**environ: str) -> set[str]:
        shown = on_a_terminal("list", "--kind", "scenario", **environ)
        return {code for joined in re.findall(r"\x1b\[([0-9;]*)m", shown) for code in joined.split(";")}

    assert codes() >= {"31", "32"}
    assert codes(NO_COLOR="1") <= {"", "0", "1", "2"}
    assert ESCAPE not in leakbench("list", "--kind", "scenario").stdout
    assert ESCAPE not in leakbench(*QUICK, "--out", tmp_path / "run").stderr


@pytest.mark.slow
def test_a_run_shows_a_bar_on_a_terminal_and_plain_lines_elsewhere(tmp_path: Path) -> None:
    shown = on_a_terminal(*QUICK, "--out", tmp_path / "a")
    assert "━" in shown
    assert "noop:none" in shown
    said = leakbench(*QUICK, "--out", tmp_path / "b").stderr
    assert said.startswith("[1/1] noop:none rss: peak ")
    assert "━" not in said


@pytest.mark.slow
def test_a_failure_is_shown_on_a_terminal_as_it_is_even_where_it_looks_like_markup(tmp_path: Path) -> None:
    own = write_scenario(tmp_path / "own", "raises", 'raise ValueError("no [/bold] [red]way")')
    words = ["run", "raises", "--probe", "rss", "--no-report"]
    shown = on_a_terminal(*words, "--scenarios", own, "--out", tmp_path / "run", NO_COLOR="1")
    assert "ValueError: no [/bold] [red]way at step 0" in shown
    assert "Traceback" not in shown


@pytest.mark.slow
def test_a_title_is_shown_as_it_is_even_where_it_looks_like_markup(tmp_path: Path) -> None:
    own = write_scenario(tmp_path, "titled")
    own.write_text(own.read_text().replace("of my own", "dict[str, int] of [/things] :smile:"))
    done = leakbench("list", "--scenarios", own, environ=clean_environ(COLUMNS="200"))
    assert done.returncode == 0
    assert "dict[str, int] of [/things] :smile:" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("words", [["list"], ["list", "--json"]])
def test_an_output_that_cannot_be_written_is_said(words: list[str]) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        done = subprocess.run(
            [sys.executable, "-m", "leakbench", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == WRONG_USAGE
    assert done.stderr == "leakbench list: the output cannot be written: No space left on device\n"


@pytest.mark.slow
@pytest.mark.parametrize("scale", range(1, 8))
def test_a_run_of_a_few_steps_is_measured(tmp_path: Path, scale: int) -> None:
    words = ["run", "noop", "--probe", "ledger", "--no-report", "--out", str(tmp_path / "run")]
    done = leakbench(*words, "--scale", str(scale))
    assert "1 measured, 0 failed" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", [["list", "--json"], ["list"]])
def test_a_reader_that_goes_away_is_no_error(words: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "leakbench", *words],
        env=clean_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, said = process.communicate()
    assert (process.returncode, said) == (0, b"")


@pytest.mark.slow
def test_a_run_and_its_report_are_made_in_a_folder_by_the_clock(tmp_path: Path) -> None:
    done = leakbench(*QUICK[:-1], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    index = tmp_path / done.stdout.strip()
    assert index.name == "index.html"
    assert index.is_file()
    folder = index.parent.parent
    assert folder.parent == tmp_path / "results" / "runs"
    about = json.loads((folder / "environment.json").read_text())
    assert about["wall_seconds"] > 0
    assert str(tmp_path) not in json.dumps(about)


def test_a_table_in_a_pipe_is_not_folded_to_a_terminals_width() -> None:
    listed = leakbench("list", "--kind", "scenario").stdout.splitlines()
    assert any("malloc_trim(0) gives what the old one took back" in line for line in listed)
