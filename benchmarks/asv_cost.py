"""What a commit costs under asv: one set-up that measures all figures, or a benchmark that measures each.

  python benchmarks/asv_cost.py            three rounds, in turn
  python benchmarks/asv_cost.py --rounds 5

Writes the history of `leakbench history` into a temporary folder and lets asv build one environment there.
Then each round times `asv run` of the last commit, installed already, twice: as leakbench's benchmarks are,
and with the same seven figures of the same two cases as separate benchmarks, each measured for itself.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from leakbench.history import write_history
from leakbench.terminal import console, table

APART = '''"""The same figures, each measured for itself."""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

from leakbench.tracking.benchmarks import PROBE_OF

WORKLOAD = str(Path(__file__).with_name("workload.py"))
NAMED = {"heap_peak": "heap_peak_bytes", "peak_rss": "peak_rss_bytes", "settled_rss": "settled_rss_bytes"}
NAMED |= {"ns_per_op": "ops_per_second"}


class Apart:
    params = ("reports", "sessions")
    param_names = ("mitigation",)
    timeout = 300


def alone(quantity):
    def track(self, case):
        with tempfile.TemporaryDirectory() as folder:
            words = ["run", f"deskservice:{case}", "--probe", PROBE_OF[quantity], "--scenarios", WORKLOAD]
            words += ["--profile", "quick", "--no-report", "--out", f"{folder}/run"]
            subprocess.run([sys.executable, "-m", "leakbench", *words], capture_output=True)
            line = Path(folder, "run", "measurements.jsonl").read_text().splitlines()[0]
        return json.loads(line)["values"].get(NAMED.get(quantity, quantity), math.nan)

    return track


for quantity in PROBE_OF:
    setattr(Apart, f"track_{quantity}", alone(quantity))
'''
WAYS = {"one set-up": "Service", "each for itself": "Apart"}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="of both ways, in turn (default: 3)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="leakbench-asv-cost-") as home:
        desk = Path(home, "desk")
        write_history(desk)
        (desk / "benchmarks" / "bench_apart.py").write_text(APART, encoding="utf-8")
        asv(desk, "machine", "--yes")
        asv(desk, "run", "--bench", "just-discover", "HEAD^!")
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way, benchmarks in WAYS.items():
                begun = time.perf_counter()
                asv(desk, "run", "--bench", rf"\.{benchmarks}\.", "HEAD^!")
                seconds[way].append(time.perf_counter() - begun)
    show(seconds)
    return 0


def asv(desk: Path, *words: str) -> None:
    """Run asv, whose answer has to be good; `desk`'s parent is the person's home."""
    environ = {**os.environ, "HOME": str(desk.parent)}
    command = [sys.executable, "-m", "asv", *words]
    done = subprocess.run(command, cwd=desk, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"asv {' '.join(words)}:\n{done.stdout}{done.stderr}")


def show(seconds: dict[str, list[float]]) -> None:
    rows = table("a commit's figures", "median", "least", "greatest")
    for way, times in seconds.items():
        rows.add_row(way, *(f"{value:.1f} s" for value in (statistics.median(times), min(times), max(times))))
    screen = console()
    screen.print(rows)
    together, apart = (statistics.median(seconds[way]) for way in WAYS)
    screen.print(f"each for itself takes {apart / together:.1f} times as long")


if __name__ == "__main__":
    sys.exit(main())
