"""A run that is cut off leaves no process behind, keeps what it measured, and is gone on with."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.commands import ANSWER_SECONDS, clean_environ, leakbench, rows, write_scenario

if TYPE_CHECKING:
    from pathlib import Path

INTERRUPTED, FAILED = 130, 4
pytestmark = pytest.mark.slow

WAITS = "if i == 500 and os.path.exists({fifo!r}): pipe = os.open({fifo!r}, os.O_WRONLY); signal.pause()"
"""Opens the pipe, which lets the test go on, and holds it open for as long as the process lives."""


class Scene:
    """A run of a case that is measured, and then one of a case that waits for ever."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fifo = folder / "fifo"
        self.out = folder / "run"
        os.mkfifo(self.fifo)
        write_scenario(folder / "own", "quick")
        write_scenario(folder / "own", "waits", WAITS.format(fifo=str(self.fifo)))
        self.words = [
            "run", "quick", "waits", "--scenarios", str(folder / "own"), "--out", str(self.out),
            "--probe", "rss", "--no-report",
        ]  # fmt: skip

    def start(self, *more: str) -> tuple[subprocess.Popen[str], int]:
        """The run, and the reading end of the pipe, once a child waits in its 500th step."""
        run = subprocess.Popen(
            [sys.executable, "-m", "leakbench", *self.words, *more],
            env=clean_environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return run, os.open(self.fifo, os.O_RDONLY)  # returns once the child has opened it too


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def until_nobody_holds(pipe: int) -> None:
    """Return when every process that has the pipe open is gone; the test's time limit ends a wait in vain."""
    assert os.read(pipe, 1) == b""
    os.close(pipe)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_ends_the_children_keeps_what_was_measured_and_says_how_to_go_on(
    scene: Scene, sent: signal.Signals
) -> None:
    """Ctrl-C, and what a CI's timeout, a container's stop or a closed terminal send."""
    run, pipe = scene.start()
    run.send_signal(sent)
    out, said = run.communicate(timeout=ANSWER_SECONDS)
    assert run.returncode == INTERRUPTED
    until_nobody_holds(pipe)
    assert out == ""
    assert "Traceback" not in said
    assert [(row["case"], row["status"]) for row in rows(scene.out)] == [("quick:none", "measured")]
    *_, kept, line = said.splitlines()
    assert kept == "interrupted; 1 measurements are kept. Go on with:"
    assert shlex.split(line) == ["leakbench", *scene.words, "--resume"]


def test_the_line_that_it_prints_goes_on_with_the_same_cases_and_options(scene: Scene) -> None:
    run, _ = scene.start("--scale", "2000", "--seed", "7")
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=ANSWER_SECONDS)
    scene.fifo.unlink()  # so that it no longer waits
    done = leakbench(*shlex.split(said.splitlines()[-1])[1:])
    assert done.returncode == 0, done.stderr
    assert "1 measured (1 more were there already), 0 failed in" in done.stderr
    assert [(row["case"], row["scale"], row["seed"]) for row in rows(scene.out)] == [
        ("quick:none", 2_000, 7),
        ("waits:none", 2_000, 7),
    ]


def test_a_run_that_is_killed_leaves_no_child_behind(scene: Scene) -> None:
    run, pipe = scene.start()
    run.kill()
    run.communicate(timeout=ANSWER_SECONDS)
    until_nobody_holds(pipe)


def test_a_run_that_was_killed_in_the_middle_of_a_line_is_gone_on_with(scene: Scene) -> None:
    run, pipe = scene.start()
    run.kill()
    run.communicate(timeout=ANSWER_SECONDS)
    until_nobody_holds(pipe)
    with (scene.out / "measurements.jsonl").open("a") as file:
        file.write('{"schema": 1, "case": "waits:none", "sca')
    scene.fifo.unlink()
    done = leakbench(*scene.words, "--resume")
    assert done.returncode == 0, done.stderr
    assert "1 measured (1 more were there already), 0 failed in" in done.stderr
    assert [row["case"] for row in rows(scene.out)] == ["quick:none", "waits:none"]


def test_two_interruptions_in_a_row_end_it_all_the_same(scene: Scene) -> None:
    run, pipe = scene.start("--jobs", "2")
    run.send_signal(signal.SIGINT)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=ANSWER_SECONDS)
    assert run.returncode in (INTERRUPTED, -signal.SIGINT)
    until_nobody_holds(pipe)


def test_what_failed_is_measured_anew_and_counts_no_longer(tmp_path: Path) -> None:
    own, out = tmp_path / "own", tmp_path / "run"
    words = ["run", "fickle", "--scenarios", str(own), "--out", str(out), "--probe", "rss"]
    write_scenario(own, "fickle", "raise ValueError")
    assert leakbench(*words).returncode == FAILED
    write_scenario(own, "fickle")
    done = leakbench(*words, "--resume")
    assert done.returncode == 0, done.stderr
    assert [row["status"] for row in rows(out)] == ["failed", "measured"]


def test_a_verdict_that_was_untrue_before_the_cut_is_untrue_after_it(tmp_path: Path) -> None:
    own, out = tmp_path / "own", tmp_path / "run"
    write_scenario(own, "liar", "self.kept.append(bytes(64))", verdict="steady", steps=4_096)
    words = ["run", "liar", "--scenarios", str(own), "--out", str(out), "--probe", "ledger", "--no-report"]
    first, again = leakbench(*words), leakbench(*words, "--resume")
    for done in (first, again):
        assert done.returncode == 1
        assert "untrue liar:none: the verdict is leak, the truth is steady" in done.stderr
    assert len(rows(out)) == 1


def test_a_run_is_not_gone_on_with_under_other_circumstances(tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["run", "noop", "--out", str(out), "--probe", "rss", "--no-report"]
    assert leakbench(*words).returncode == 0
    environment = out / "environment.json"
    text = environment.read_text()
    environment.write_text(text.replace('"implementation": "CPython"', '"implementation": "PyPy"'))
    assert environment.read_text() != text
    done = leakbench(*words, "--resume")
    assert done.returncode == 2
    assert done.stderr == (
        f"leakbench run: {out} was measured under other circumstances: python.implementation"
        " (PyPy then, CPython now); measure anew with another --out\n"
    )


def test_the_run_keeps_the_cases_of_both_its_parts(tmp_path: Path) -> None:
    words = ["--out", str(tmp_path / "run"), "--probe", "rss", "--scale", "512"]
    assert leakbench("run", "noop", *words, "--no-report").returncode == 0
    done = leakbench("run", "sawtooth", *words, "--resume")
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "run" / "report" / "measurements.csv").read_text()
    assert "noop" in report
    assert "sawtooth" in report
    about = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert about["asked"]["cases"] == ["noop", "sawtooth"]
    cases = json.loads((tmp_path / "run" / "cases.json").read_text())
    assert [case["scenario"] for case in cases] == ["noop", "sawtooth"]


def test_without_a_case_it_goes_on_with_what_the_run_was_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["--out", str(out), "--no-report"]
    assert leakbench("run", "noop", "--probe", "rss", "--scale", "512", *words).returncode == 0
    done = leakbench("run", "--resume", *words)
    assert "0 measured (1 more were there already), 0 failed" in done.stderr
    assert [(row["case"], row["scale"]) for row in rows(out)] == [("noop:none", 512)]


def test_there_must_be_a_run_to_go_on_with(tmp_path: Path) -> None:
    done = leakbench("run", "noop", "--resume", "--out", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "nowhere is no run: it has no environment.json" in done.stderr
    assert not (tmp_path / "nowhere").exists()
