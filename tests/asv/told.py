"""A history of `leakbench history` with figures that are told, not measured, in the files that asv writes.

For what is made of figures: the judge, asv's own regressions, the dashboard. That they are measured right is
tests/asv/test_measured_history.py's part.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from asv import benchmark as asv_benchmark
from asv.results import Results
from asv.runner import BenchmarkResult
from asv.util import write_json
from leakbench.history import write_history
from leakbench.planted import COMMITS, LEAK, PEAK, REPORTS, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

ENVIRONMENT = "virtualenv-py3.11"
MACHINE = {"machine": "told", "arch": "x86_64", "cpu": "", "num_cpu": "2", "os": "Linux", "ram": "0"}
_BEGINS = {(SESSIONS, LEAK): 0.0, (SESSIONS, PEAK): 60_000.0, (REPORTS, LEAK): 0.0, (REPORTS, PEAK): 70_000.0}
_TRACKED = {
    LEAK: "bench_service.Service.track_leak_bytes_per_op",
    PEAK: "bench_service.Service.track_heap_peak",
}
_SPEED = "bench_service.Service.track_ns_per_op"
_RESIDENT = tuple(f"bench_service.Service.track_{name}_rss" for name in ("peak", "settled"))

TOLD = len((*_TRACKED, _SPEED, *_RESIDENT))
"""How many benchmarks have figures."""


def tell(folder: Path) -> list[str]:
    """Write the history, and a result for each of its commits; their hashes, oldest first."""
    write_history(folder)
    hashes = git(folder, "rev-list", "--first-parent", "--reverse", "main").split()
    benchmarks = _benchmarks(folder)
    results = folder / ".asv" / "results"
    write_json(str(results / "benchmarks.json"), benchmarks, 2)
    write_json(str(results / MACHINE["machine"] / "machine.json"), MACHINE, 1)
    for day, (commit, figures) in enumerate(zip(hashes, series(), strict=True)):
        date = 1_000 * int(git(folder, "show", "--no-patch", "--format=%at", commit))
        told = Results(MACHINE | {"python": "3.11"}, {}, commit, date, "3.11", ENVIRONMENT, {})
        for quantity, name in _TRACKED.items():
            _add(told, benchmarks[name], [figures[REPORTS, quantity], figures[SESSIONS, quantity]])
        _add(told, benchmarks[_SPEED], [1_000.0 * 2**day] * 2)  # ever slower, which nobody is to judge
        for name in _RESIDENT:
            _add(told, benchmarks[name], [1_000_000.0 * 2**day] * 2)  # nor this
        told.save(str(results))
    return hashes


def series() -> Iterable[Mapping[tuple[str, str], float]]:
    """What is told of each commit: of a leak 64 B or, half mended, 32 B; of a peak a step of 2 %."""
    figures = dict(_BEGINS)
    yield dict(figures)
    for place, commit in enumerate(COMMITS):
        for brings in commit.brings:
            key = (brings.case, brings.quantity)
            if brings.quantity == PEAK:
                figures[key] *= 1.02 if brings.outcome == "worse" else 1 / 1.02
            elif brings.outcome == "worse":
                figures[key] = 64.0
            else:
                later = (
                    b.outcome for c in COMMITS[place + 1 :] for b in c.brings if (b.case, b.quantity) == key
                )
                figures[key] = 32.0 if next(later, "worse") == "better" else 0.0
        yield dict(figures)


def run_asv(folder: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run asv where `home` is the person's home, with the machine it describes."""
    command = [sys.executable, "-m", "asv", *words]
    environ = {**os.environ, "HOME": str(home)}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _benchmarks(folder: Path) -> dict[str, dict[str, Any]]:
    """What asv finds in the history's benchmarks, by name; asked as asv asks an environment's interpreter."""
    answer = folder / ".asv" / "benchmarks.json"
    answer.parent.mkdir()
    command = [
        sys.executable,
        str(asv_benchmark.__file__),
        "discover",
        str(folder / "benchmarks"),
        str(answer),
    ]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return {one["name"]: one for one in json.loads(answer.read_text(encoding="utf-8"))}


def _add(told: Results, benchmark: Mapping[str, Any], values: list[float]) -> None:
    told.add_result(benchmark, BenchmarkResult(values, [None, None], [None, None], 0, "", None))
