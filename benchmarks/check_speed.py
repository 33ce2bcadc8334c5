"""How long a verdict takes, whole process, against the usual detectors, on what each gets right.

  python benchmarks/check_speed.py            three rounds of every pair
  python benchmarks/check_speed.py --rounds 7

Needs psleak, leak-assert and pytest-memray (requirements/test.txt). Prints, for each detector, the wall time
of `leakbench check --only-verdict` over the detector's on the subjects that both get right, pair by pair
in turn, and the geometric mean of these ratios; then the full answer against the verdict alone.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from leakbench.terminal import console, table

SUBJECTS = Path(__file__).resolve().parent.parent / "tests" / "subjects" / "known.py"
LEAKS = {
    "entry_a_step": True,
    "mebibyte_in_100": True,
    "one_in_three": True,
    "malloc_in_c": True,
    "nothing": False,
    "sawtooth_of_300": False,
    "window": False,
    "lru_small": False,
    "cycle": False,
}
PSLEAK = """
import itertools, sys, unittest
sys.path.insert(0, {folder!r})
import known
from psleak import MemoryLeakTestCase
class Test(MemoryLeakTestCase):
    def test_it(self):
        count = itertools.count()
        self.execute(lambda: known.{name}(next(count)))
unittest.main(argv=["psleak"])
"""
LEAK_ASSERT = """
import sys
sys.path.insert(0, {folder!r})
import known
from leak_assert import LeakTest
with LeakTest(iterations=1000, warmup=50) as test:
    for i in test:
        known.{name}(i)
test.assert_growth_rate(max="10b/iter")
"""
PYTEST_MEMRAY = """
import sys
sys.path.insert(0, {folder!r})
import known
import pytest
@pytest.mark.limit_leaks("1 KB")
def test_it():
    for i in range(1000):
        known.{name}(i)
"""


def commands(name: str, folder: Path) -> dict[str, list[str]]:
    """The command line of each detector on one subject; exit status 0 says no leak, anything else a leak."""
    texts = {"psleak": PSLEAK, "leak-assert": LEAK_ASSERT, "pytest-memray": PYTEST_MEMRAY}
    files = {}
    for detector, text in texts.items():
        files[detector] = folder / f"test_{detector.replace('-', '_')}_{name}.py"
        files[detector].write_text(text.format(folder=str(SUBJECTS.parent), name=name), encoding="utf-8")
    leakbench = [str(Path(sys.executable).parent / "leakbench"), "check", f"{SUBJECTS}::{name}"]
    pytest = [
        "-m",
        "pytest",
        "-q",
        "--memray",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(folder),
    ]
    return {
        "leakbench": [*leakbench, "--only-verdict"],
        "full answer": leakbench,
        "psleak": [sys.executable, str(files["psleak"])],
        "leak-assert": [sys.executable, str(files["leak-assert"])],
        "pytest-memray": [sys.executable, *pytest, str(files["pytest-memray"])],
    }


def run(command: list[str], detector: str) -> tuple[float, bool]:
    """(wall seconds, accused) of one whole process."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if detector == "psleak":
        environ["PYTHONMALLOC"] = "malloc"  # without it psleak skips its checks and says OK
    began = time.perf_counter()
    done = subprocess.run(command, env=environ, capture_output=True, check=False)
    return time.perf_counter() - began, done.returncode != 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each pair (default: 3)")
    rounds = parser.parse_args().rounds
    ratios: dict[str, list[float]] = {}
    rows = table("subject", "leakbench s", "full answer", "psleak", "leak-assert", "pytest-memray")
    with tempfile.TemporaryDirectory() as folder:
        for name, leaks in LEAKS.items():
            taken: dict[str, list[float]] = {}
            right: dict[str, bool] = {}
            lines = commands(name, Path(folder))
            for round_number in range(rounds + 1):
                for detector, command in lines.items():
                    seconds, accused = run(command, detector)
                    if round_number == 0:  # compiles what an installation would have compiled
                        continue
                    taken.setdefault(detector, []).append(seconds)
                    right[detector] = right.get(detector, True) and accused == leaks
            cells = []
            for detector in lines:
                median = statistics.median(taken[detector])
                cells.append(f"{median:.2f}" + ("" if right[detector] else " wrong"))
                if detector != "leakbench" and right[detector] and right["leakbench"]:
                    pairs = zip(taken["leakbench"], taken[detector], strict=True)
                    ratios.setdefault(detector, []).append(statistics.median(a / b for a, b in pairs))
            rows.add_row(name, *cells)
    screen = console()
    screen.print(rows)
    for detector, found in ratios.items():
        mean = math.exp(statistics.fmean(math.log(ratio) for ratio in found))
        said = f"leakbench --only-verdict takes {mean:.2f} times as long as {detector}"
        screen.print(f"{said} (geometric mean over {len(found)} subjects both get right)")


if __name__ == "__main__":
    main()
