"""Each probe measures what it says, on workloads whose figures can be worked out by hand."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

import pytest
from leakbench import catalogue, plan, spawn, store
from leakbench.child.latency import quantile
from leakbench.columns import ALL
from leakbench.model import Measurement, Outcome
from leakbench.probes import NAMES, Place
from leakbench.probes.ledger import LADDER, fixed_rungs, further_octaves
from leakbench.runner import execute

from tests.commands import write_scenario

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MIB = 1 << 20


class Silent:
    """A listener that keeps nothing."""

    def started(self, task: plan.Task) -> None: ...

    def ended(self, task: plan.Task, outcome: Outcome) -> None: ...


def measure(folder: Path, probe: str, step: str, **how: Any) -> Mapping[str, Any]:
    """The values of one probe on a scenario whose steps are the one line `step`."""
    folder.mkdir(exist_ok=True)
    write_scenario(folder / "own", "mine", step, **how)
    tasks = plan.make_tasks(catalogue.discover([folder / "own"]), [("mine", "none")], probes=[probe])
    with store.Run(folder / "run") as run:
        place = Place(run.folder, spawn.Limits(deadline_seconds=30.0), growth_cap_bytes=1 << 28)
        execute(tasks, run, place, jobs=1, listener=Silent())
    (outcome,) = store.outcomes(run.folder)
    assert isinstance(outcome, Measurement), outcome.reason
    return outcome.values


def test_rss_sees_a_spike_that_is_gone_again(tmp_path: Path) -> None:
    """32 MiB in one step, freed in the same: in the peak, neither in the baseline nor in what is settled."""
    seen = measure(tmp_path, "rss", "i == 500 and bytearray(b'x') * (32 << 20)")
    assert 31 * MIB < seen["peak_rss_bytes"] - seen["baseline_rss_bytes"] < 33 * MIB
    assert abs(seen["settled_rss_bytes"] - seen["baseline_rss_bytes"]) < MIB


def test_rss_does_not_count_what_the_warm_up_took_and_gave_back(tmp_path: Path) -> None:
    seen = measure(tmp_path, "rss", "i == 3 and bytearray(b'x') * (32 << 20)")
    assert seen["peak_since"] == "baseline"
    assert seen["peak_rss_bytes"] - seen["baseline_rss_bytes"] < MIB


def test_rss_keeps_the_imports_apart_and_below_the_baseline(tmp_path: Path) -> None:
    seen = measure(tmp_path, "rss", "pass", head="ballast = bytearray(b'x') * (32 << 20)")
    assert 32 * MIB <= seen["imports_rss_bytes"] < 34 * MIB
    assert seen["baseline_rss_bytes"] > 32 * MIB
    assert seen["peak_rss_bytes"] - seen["baseline_rss_bytes"] < MIB


@pytest.mark.slow
def test_rss_counts_what_a_workload_leaves_behind(tmp_path: Path) -> None:
    """Three descriptors, two threads that wait for ever, one child process: from steps 500 to 502."""
    step = (
        "500 <= i < 503 and os.open('/dev/null', os.O_RDONLY);"
        " 500 <= i < 502 and threading.Thread(target=forever.wait, daemon=True).start();"
        " i == 500 and subprocess.Popen(['sleep', '1000'])"
    )
    seen = measure(tmp_path, "rss", step, head="import subprocess, threading\nforever = threading.Event()")
    left = {name: seen[name] for name in ("fds_left", "threads_left", "processes_left")}
    assert left == {"fds_left": 3, "threads_left": 2, "processes_left": 1}


def test_rss_adds_up_the_collectors_pauses(tmp_path: Path) -> None:
    quiet = measure(tmp_path / "a", "rss", "pass")
    step = "self.kept.append([self.kept]); i % 100 or gc.collect()"
    busy = measure(tmp_path / "b", "rss", step, head="import gc")
    assert quiet["gc_pause_seconds"] == 0
    assert 0 < busy["gc_pause_max_seconds"] <= busy["gc_pause_seconds"] < busy["wall_seconds"]


def test_a_workloads_own_counts_come_with_the_rss_probe(tmp_path: Path) -> None:
    seen = measure(tmp_path, "rss", "self.counts = lambda: {'live_entries': i, 'hit_ratio': 0.0}")
    assert (seen["live_entries"], seen["hit_ratio"]) == (16 + 1_024 - 1, 0.0)


def test_the_ledger_finds_a_rate_that_can_be_worked_out(tmp_path: Path) -> None:
    """bytes(40) asks for 33 + 40 bytes; with glibc's 8 of its own, rounded up to 16, that is 96 a step.

    The list that holds them is filled before, so that its own table does not grow. The heap itself takes
    128 bytes an octave that are not theirs, and the last three octaves begin at 512 steps: 128 / 512 at most.
    """
    head = "kept = [None] * 8192"
    seen = measure(tmp_path, "ledger", "kept[i] = bytes(40)", steps=4_096, verdict="leak", head=head)
    assert seen["leak_bytes_per_op"] == pytest.approx(96, abs=128 / 512)
    low, high = seen["leak_interval_bytes_per_op"]
    assert low <= seen["leak_bytes_per_op"] <= high
    assert (seen["verdict"], seen["leaking"], seen["heap_kind"]) == ("leak", ["heap"], "mallinfo2")


def test_the_ledger_is_exact_to_the_byte_once_everything_is_warm(tmp_path: Path) -> None:
    seen = measure(tmp_path, "ledger", "[bytes(40)] * 8", steps=4_096)
    heap_bytes = {rung[LADDER.index("steps")]: rung[LADDER.index("heap_bytes")] for rung in seen["ladder"]}
    assert {heap_bytes[steps] for steps in heap_bytes if steps >= 512} == {heap_bytes[4_096]}
    assert (seen["verdict"], seen["leak_bytes_per_op"]) == ("steady", 0)


def test_the_ledger_ends_at_the_growth_cap_with_a_verdict(tmp_path: Path) -> None:
    """64 KiB a step: past 4,096 of them, which is 256 MiB, the ladder ends, and the leak is told."""
    step = "self.kept.append(bytearray(b'x') * (64 << 10))"
    seen = measure(tmp_path, "ledger", step, steps=8_192, verdict="leak")
    assert seen["stopped"] == "growth cap"
    assert 4_096 <= seen["ladder"][-1][0] < 8_192
    assert seen["verdict"] == "leak"
    assert seen["leak_bytes_per_op"] == pytest.approx(64 << 10, rel=0.02)


def test_memory_that_processes_could_share_is_memory_outside_the_heap(tmp_path: Path) -> None:
    """An anonymous mapping is shared unless asked otherwise: a MiB a step, 256 steps below the growth cap."""
    step = "mapping = mmap.mmap(-1, 1 << 20); mapping.write(bytes(1 << 20)); self.kept.append(mapping)"
    seen = measure(tmp_path, "ledger", step, verdict="leak", head="import mmap")
    assert seen["stopped"] == "growth cap"
    assert 256 <= seen["ladder"][-1][0] < 512
    assert seen["leaking"] == ["heap", "outside heap"]  # each object is a few hundred bytes beside
    assert seen["leak_bytes_per_op"] == pytest.approx(MIB, rel=0.02)


@pytest.mark.parametrize("scale", [8, 100, 256, 1_024, 32_768, 1_000_000])
def test_the_rungs_follow_from_the_scale_alone(scale: int) -> None:
    rungs = fixed_rungs(scale)
    assert rungs[-1] == scale
    assert list(rungs) == sorted(set(rungs))
    assert rungs[0] <= 256


@pytest.mark.parametrize(
    ("scale", "tops"),
    [
        (1_024, [2_048, 4_096, 8_192, 16_384, 32_768, 65_536]),
        (131_072, [262_144, 524_288, 1_048_576]),
        (1_000_000, [2_000_000, 4_000_000]),
    ],
)
def test_further_octaves_lie_above_the_ladder_each_twice_as_high(scale: int, tops: list[int]) -> None:
    octaves = further_octaves(fixed_rungs(scale))
    reached = [octave[-1] for octave in octaves]
    assert all(top / 1.2 < rung <= top for top, rung in zip(tops, reached, strict=True))
    assert all(a[-1] < b[0] for a, b in itertools.pairwise(octaves))


def test_the_heap_sees_small_objects_that_pymalloc_hides(tmp_path: Path) -> None:
    """bytes(40) is 73 bytes, of which memray is asked for each: 1,024 of them are retained."""
    seen = measure(tmp_path, "heap", "kept[i] = bytes(40)", verdict="leak", head="kept = [None] * 8192")
    asked = sys.getsizeof(bytes(40))
    assert 0 <= seen["heap_retained_bytes"] - 1_024 * asked < 4_096
    assert seen["heap_peak_bytes"] >= seen["heap_retained_bytes"]
    assert seen["allocations"] >= 1_024
    site = seen["site"]
    assert (site["function"], site["file"].endswith("own/mine.py")) == ("step", True)
    assert site["retained_bytes"] == pytest.approx(1_024 * asked, rel=0.02)
    assert (tmp_path / "run" / seen["capture"]).is_file()


def test_latency_gives_quantiles_in_their_order(tmp_path: Path) -> None:
    """One step in 64 spins a million times: above the 98th percentile, so p50 misses it and p99 does not."""
    seen = measure(tmp_path, "latency", "i % 64 or sum(range(20_000))")
    assert 0 < seen["op_p50_ns"] < seen["op_p99_ns"] <= seen["op_p999_ns"]
    assert seen["clock_p50_ns"] > 0


@pytest.mark.parametrize(
    ("count", "share", "rank"),
    [(100, 0.5, 50), (100, 0.99, 99), (1000, 0.999, 999), (1, 0.999, 1), (3, 0.5, 2)],
)
def test_a_quantile_is_the_nearest_rank(count: int, share: float, rank: int) -> None:
    assert quantile(list(range(1, count + 1)), share) == rank


@pytest.mark.slow
def test_every_figure_of_a_measurement_is_a_documented_column(tmp_path: Path) -> None:
    """results/README.md is made of the columns; a figure beyond them nobody could look up."""
    documented = {column.name for column in ALL}
    undocumented = {
        (probe, name)
        for probe in NAMES
        for name, value in measure(
            tmp_path / probe, probe, "self.kept.append(bytes(64))", verdict="leak"
        ).items()
        if name not in documented and not isinstance(value, (list, dict))
    }
    assert undocumented == set()
