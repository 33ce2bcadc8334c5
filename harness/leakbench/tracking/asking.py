"""Asks one commit's own command line, and keeps its answers where the dashboard's report looks for them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

_REPORTED = (0, 1, 4)  # of `leakbench run`: all true, a verdict untrue, a case failed; the folder holds all
_USAGE = 2  # argparse's
_LONGEST_NAME = 100  # of the 255 bytes that file systems allow; asv draws the same line

Row = dict[str, Any]
"""A line of measurements.jsonl."""


class Source(NamedTuple):
    """Where the measured code comes from.

    packages   must lie in the environment that asv built for the commit, and not in the work tree
    scenarios  the file or folder that describes the workload of code which is not leakbench's own
    """

    packages: tuple[str, ...] = ("leakbench", "leakbench.scenarios")
    scenarios: str | None = None

    def options(self) -> tuple[str, ...]:
        return () if self.scenarios is None else ("--scenarios", self.scenarios)


CATALOGUE = Source()


def leakbench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leakbench", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run(
    folder: Path, cases: tuple[str, ...], probes: tuple[str, ...], source: Source, *more: str
) -> list[Row]:
    """Lines of measurements.jsonl; of a probe that the commit does not have there are none.

    more: an option with its value, which an older commit may not know and is then left out. Raises
    RuntimeError where the run itself came to nothing.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    chosen = [word for probe in probes for word in ("--probe", probe)]
    options = ("--profile", "quick", "--no-report", "--out", str(folder), *chosen, *more, *source.options())
    done = leakbench("run", *cases, *options)
    sys.stderr.write(done.stderr)
    known = tuple(probe for probe in probes if f"invalid choice: '{probe}'" not in done.stderr)
    if done.returncode == _USAGE and known != probes:
        return run(folder, cases, known, source, *more) if known else []
    if done.returncode == _USAGE and more and f"unrecognized arguments: {more[0]}" in done.stderr:
        return run(folder, cases, probes, source)
    if done.returncode not in _REPORTED:
        raise RuntimeError(
            f"leakbench run {' '.join(cases)} ended with status {done.returncode}: {done.stderr}"
        )
    return read(folder)


def read(folder: Path) -> list[Row]:
    """What a run folder holds; nothing where there is none."""
    try:
        text = (folder / "measurements.jsonl").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.split("\n") if line]


def folder_of(name: str) -> Path:
    """Where a run is kept for the dashboard's report: by commit and environment, or here."""
    commit, environment, home = (os.environ.get(f"ASV_{word}") for word in ("COMMIT", "ENV_NAME", "CONF_DIR"))
    if commit is None or environment is None or home is None:
        return Path("runs", name).resolve()
    return Path(home, ".asv", "runs", commit, folder_name(environment), name)


def folder_name(environment: str) -> str:
    """An environment's folder: its name, or its checksum where every requirement in it makes it too long."""
    if len(environment) <= _LONGEST_NAME:
        return environment
    return f"env-{hashlib.sha256(environment.encode()).hexdigest()[:32]}"
