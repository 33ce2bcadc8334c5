"""What is deterministic repeats: to the last digit where bits are counted, within 64 KiB where pages are.

With nothing beside it, and with a process that keeps the other core busy.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from leakbench import catalogue, plan, spawn
from leakbench.model import Measurement
from leakbench.probes import Place, probe
from leakbench.runner import outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.slow
TIMES = 3
MOST_RSS_SPREAD_BYTES = 64 * 1024
CASES = (
    ("session-map", "none"), ("session-map", "ideal"), ("session-map", "ttl"), ("sawtooth", "none"),
)  # fmt: skip


@pytest.fixture(params=["quiet", "busy"])
def beside(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing, or a process that computes for as long as the test lasts."""
    if request.param == "quiet":
        yield
        return
    with subprocess.Popen([sys.executable, "-c", "while True: sum(range(10_000))"]) as busy:
        yield
        busy.kill()


def measure(
    case: tuple[str, str], probe_name: str, folder: Path, scale: int | None = None
) -> list[Mapping[str, Any]]:
    (task,) = plan.make_tasks(catalogue.discover(), [case], scale=scale, probes=[probe_name])
    place = Place(folder, spawn.Limits(deadline_seconds=60.0), growth_cap_bytes=1 << 28)
    (folder / "captures").mkdir(exist_ok=True)
    values = []
    for _ in range(TIMES):
        (child,) = spawn.run([probe(probe_name).order(task, place)])
        outcome = outcome_of(task, child)
        assert isinstance(outcome, Measurement), outcome.reason
        values.append(outcome.values)
    return values


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("case", CASES, ids=":".join)
def test_the_ladder_repeats_to_the_last_digit(case: tuple[str, str], tmp_path: Path) -> None:
    runs = measure(case, "ledger", tmp_path)
    assert len({run["leak_bytes_per_op"] for run in runs}) == 1
    assert len({run["verdict"] for run in runs}) == 1
    ladders = {tuple((rung[0], rung[1]) for rung in run["ladder"]) for run in runs}
    assert len(ladders) == 1  # live heap at every rung, to the byte


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("case", CASES, ids=":".join)
def test_the_heaps_peak_repeats_to_the_last_digit(case: tuple[str, str], tmp_path: Path) -> None:
    runs = measure(case, "heap", tmp_path, scale=8_192)
    assert len({run["heap_peak_bytes"] for run in runs}) == 1
    assert len({run["heap_retained_bytes"] for run in runs}) == 1
    assert len({run["allocations"] for run in runs}) == 1
    assert runs[0]["heap_peak_bytes"] > 0


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("case", CASES, ids=":".join)
def test_resident_growth_repeats_within_64_kib(case: tuple[str, str], tmp_path: Path) -> None:
    runs = measure(case, "rss", tmp_path)
    grown = [run["peak_rss_bytes"] - run["baseline_rss_bytes"] for run in runs]
    assert max(grown) - min(grown) <= MOST_RSS_SPREAD_BYTES
    counts = ("_entries", "_answers", "_left", "_ratio")
    counted = [name for name in runs[0] if name.endswith(counts)]
    assert counted
    assert all(run[name] == runs[0][name] for run in runs for name in counted)
