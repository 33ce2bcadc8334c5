"""How a test runs the real command line, and writes scenarios of a person's own for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_SECONDS = 60.0
_TEMPLATE = """
import os, signal, sys
from leakbench.contract import Scenario
{head}

class Work:
    def __init__(self, make, run):
        self.kept = []

    def step(self, i):
        {step}

SCENARIO = Scenario({name!r}, Work, title="of my own", warmup=16, steps={{"quick": {steps}}})


@SCENARIO.mitigation("none", verdict={verdict!r}, summary="as it is")
def none(*_):
    return None
"""


def write_scenario(
    folder: Path,
    name: str,
    step: str = "pass",
    *,
    verdict: str = "steady",
    steps: int = 1_024,
    head: str = "",
) -> Path:
    """A scenario file of a person's own, whose steps are the one line `step`."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name.replace('-', '_')}.py"
    file.write_text(_TEMPLATE.format(name=name, step=step, verdict=verdict, steps=steps, head=head))
    return file


def clean_environ(**extra: str) -> dict[str, str]:
    """The environment of the test, without what would colour, size or otherwise change the output.

    Git is shown no checkout: a commit made while the tests run would be another circumstance to --resume.
    """
    unwanted = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "GIT_DIR": os.devnull, **extra}


def leakbench(
    *words: str | Path, environ: Mapping[str, str] | None = None, program: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own; `program` runs before it, in the same interpreter."""
    start = f"{program}\nimport sys\nfrom leakbench.cli import main\nsys.exit(main())"
    how = ["-c", start] if program else ["-m", "leakbench"]
    return subprocess.run(
        [sys.executable, *how, *map(str, words)],
        env=dict(environ or clean_environ()),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=ANSWER_SECONDS,
        check=False,
    )


def rows(folder: Path) -> list[dict[str, Any]]:
    """Every complete line of a run, read by nothing of ours."""
    lines = (folder / "measurements.jsonl").read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


def open_descriptors() -> int:
    """How many files this process has open, the one that lists them counted."""
    return sum(1 for _ in Path("/dev/fd").iterdir())
