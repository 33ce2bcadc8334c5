"""What is asked of a commit's command line, and what is made of its answers; the command line is told."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from asv.benchmarks import Benchmarks
from leakbench.asv_together import announcing
from leakbench.tracking import asking, measuring, together
from leakbench.tracking.benchmarks import look_up

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS = 1_024
STEADY, WAVERING = "steady", "wavering"


class Told:
    """A leakbench whose scenarios have two cases each, one of which answers with another peak each time."""

    def __init__(self, *listed: Mapping[str, object]) -> None:
        self.listed = [{"name": "s", "mitigations": self._mitigations()} | dict(each) for each in listed]
        self.asked: list[str] = []
        self.ran: list[tuple[str, ...]] = []
        self.peak = 100
        self.fails_with: int | None = None
        self.knows_repeats = True

    @staticmethod
    def _mitigations() -> list[dict[str, object]]:
        return [{"name": STEADY, "deterministic": True}, {"name": WAVERING, "deterministic": False}]

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        self.asked.append(words[0])
        if words[0] == "list":
            return subprocess.CompletedProcess(words, 0, json.dumps({"scenarios": self.listed}), "")
        cases = words[1 : words.index("--profile")]
        repeats = int(words[words.index("--heap-repeats") + 1]) if "--heap-repeats" in words else 1
        if repeats > 1 and not self.knows_repeats:
            complaint = f"leakbench: error: unrecognized arguments: --heap-repeats {repeats}"
            return subprocess.CompletedProcess(words, 2, "", complaint)
        self.ran.append(cases)
        if self.fails_with is not None and len(cases) > 1:
            return subprocess.CompletedProcess(words, self.fails_with, "", "no room")
        folder = Path(words[words.index("--out") + 1])
        folder.mkdir(parents=True)
        rows = [
            self._row(case, repeat)
            for name in cases
            for case in self._cases_of(name)
            for repeat in range(repeats if case.endswith(WAVERING) else 1)
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "measurements.jsonl").write_text(lines, encoding="utf-8")
        return subprocess.CompletedProcess(words, 0, "", "")

    @staticmethod
    def _cases_of(name: str) -> list[str]:
        if ":" in name or name == "noop":
            return [name]
        return [f"{name}:{STEADY}", f"{name}:{WAVERING}"]

    def _row(self, case: str, repeat: int) -> dict[str, Any]:
        self.peak += case.endswith(WAVERING)
        row = {"case": case, "probe": "heap", "repeat": repeat, "status": "measured", "scale": STEPS}
        return row | {"values": {"heap_peak_bytes": self.peak if case.endswith(WAVERING) else 100}}


class Asked(NamedTuple):
    """What asv is given, and what that took."""

    measured: measuring.Measured
    ran: list[tuple[str, ...]]  # the cases of each run but the no-op's


def _measure(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    listed: Mapping[str, object],
    steps: int | None,
    *,
    knows_repeats: bool = True,
) -> Asked:
    told = Told(listed)
    told.knows_repeats = knows_repeats
    monkeypatch.chdir(tmp_path)  # where runs are kept
    monkeypatch.setattr(asking, "leakbench", told)
    nothing = asking.Source(packages=())
    measured = measuring.measure("s", version=1, steps=steps, source=nothing)
    return Asked(measured, [cases for cases in told.ran if cases != ("noop",)])


def test_the_heaps_peak_is_repeated_where_figures_do_not_repeat_by_themselves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = _measure(monkeypatch, tmp_path, {}, STEPS)
    assert asked.ran == [("s",)]
    assert look_up(asked.measured, STEADY, "heap_peak") == 100
    assert look_up(asked.measured, WAVERING, "heap_peak") == {"samples": [101, 102, 103], "number": 1}


def test_an_older_commit_is_asked_for_the_repeats_in_runs_that_leave_the_reported_one_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = _measure(monkeypatch, tmp_path, {}, STEPS, knows_repeats=False)
    assert asked.ran == [("s",), (f"s:{WAVERING}",), (f"s:{WAVERING}",)]
    assert look_up(asked.measured, WAVERING, "heap_peak") == {"samples": [101, 102, 103], "number": 1}
    told = (tmp_path / "runs" / "s" / "measurements.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line)["case"] for line in told.splitlines()] == [f"s:{STEADY}", f"s:{WAVERING}"]


class Asv:
    """Asks set-ups as asv does once leakbench's plugin has said what it is going to ask."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: Told) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(asking, "leakbench", told)
        monkeypatch.setattr(measuring, "check_origin", lambda _packages: None)  # here it is the work tree's
        monkeypatch.setattr(measuring, "_noop_baseline_bytes", lambda: 0)
        self._monkeypatch = monkeypatch
        self.told = told

    def says(self, occasion: str, **scenarios: str) -> None:
        self._monkeypatch.setenv(
            together.VARIABLE, json.dumps({"occasion": occasion, "scenarios": scenarios})
        )

    def peaks(self, scenario: str) -> dict[str, Any]:
        measured = measuring.measure(scenario, version=1, steps=STEPS)
        assert measured["absent"] is None
        return {name: case["figures"]["heap_peak"] for name, case in measured["cases"].items()}


def _two() -> Told:
    return Told({"name": "s"}, {"name": "t"}, {"name": "new", "version": 2}, {"name": "w", "kind": "wild"})


MEANT = f"1 of {STEPS} steps"


def test_the_first_set_up_measures_what_all_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of another version, of packages that nobody asked to install, and unknown to the commit: left out."""
    asv = Asv(monkeypatch, tmp_path, _two())
    asv.says("first", s=MEANT, t=MEANT, new=MEANT, w=MEANT, gone=MEANT)
    assert asv.peaks("t") == {STEADY: [100], WAVERING: [104, 105, 106]}
    assert asv.peaks("s") == {STEADY: [100], WAVERING: [101, 102, 103]}
    assert asv.told.ran == [("s", "t")]
    assert asv.told.asked.count("list") == 1


def test_another_occasion_is_measured_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asv = Asv(monkeypatch, tmp_path, _two())
    for occasion in ("first", "second"):
        asv.says(occasion, s=MEANT, t=MEANT)
        asv.peaks("s")
    assert asv.told.ran.count(("s", "t")) == 2


def test_a_smaller_selection_leaves_the_run_of_a_greater_one_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asv = Asv(monkeypatch, tmp_path, _two())
    for occasion, scenarios in (("first", {"s": MEANT, "t": MEANT}), ("second", {"s": MEANT})):
        asv.says(occasion, **scenarios)
        asv.peaks("s")
    runs = [file.parent for file in (tmp_path / "runs").glob("*/measurements.jsonl")]
    names = {folder.name: {line["case"].partition(":")[0] for line in asking.read(folder)} for folder in runs}
    assert sorted(map(sorted, names.values())) == [["s"], ["s", "t"]]
    assert names["s"] == {"s"}


def test_a_joint_run_that_is_cut_off_is_not_begun_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asv = Asv(monkeypatch, tmp_path, _two())
    asv.says("first", s=MEANT, t=MEANT)
    with monkeypatch.context() as broken:
        broken.setattr(measuring, "_measure_together", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            asv.peaks("s")
    asv.peaks("t")
    assert asv.told.ran == [("t",)]


def _interrupted(_folder: Path, _asked: dict[str, str]) -> list[asking.Row]:
    raise KeyboardInterrupt


def test_what_was_not_announced_is_measured_for_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asv = Asv(monkeypatch, tmp_path, _two())
    asv.says("first", t=MEANT)
    asv.peaks("s")
    assert asv.told.ran[0] == ("s",)


def test_where_the_joint_run_comes_to_nothing_each_measures_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asv = Asv(monkeypatch, tmp_path, _two())
    asv.told.fails_with = 70
    asv.says("first", s=MEANT, t=MEANT)
    asv.peaks("s")
    asv.peaks("t")
    assert [cases for cases in asv.told.ran if len(cases[0]) == 1] == [("s", "t"), ("s",), ("t",)]
    assert "each set-up measures its own: leakbench run s t ended with status 70" in capsys.readouterr().err


class Environment(NamedTuple):
    """As asv hands it on."""

    name: str


def _asv_benchmark(name: str, scenario: str, seconds: int) -> dict[str, Any]:
    return {
        "name": name,
        "param_names": ["scenario", "mitigation"],
        "params": [[f"'{scenario}'"], ["'none'"]],
        "setup_cache_key": f"bench:{seconds}",
        "setup_cache_timeout": seconds,
        "version": f"1 of {seconds} steps",
    }


def test_asv_is_wrapped_to_announce_what_it_has_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each set-up has the time of all, for any may come first; afterwards all is as it was."""
    monkeypatch.delenv(measuring.ASKED, raising=False)
    tracked = {
        name: _asv_benchmark(name, scenario, seconds)
        for scenario, seconds in (("b", 60), ("a", 120))
        for name in (
            f"bench_scenarios.{scenario.upper()}.track_heap_peak",
            f"bench_scenarios.{scenario.upper()}.track_peak_rss",
        )
    }
    wild = _asv_benchmark("bench_wild.W.track_heap_peak", "wild-w", 600)
    own = {"name": "own.time_it", "param_names": [], "params": []}
    seen: list[Any] = []

    def run_benchmarks(benchmarks: Mapping[str, Any], environment: Environment, *, quick: bool) -> str:
        seen.append((json.loads(os.environ[together.VARIABLE]), environment.name, quick))
        seen.append({name: each.get("setup_cache_timeout") for name, each in benchmarks.items()})
        return "results"

    benchmarks = Benchmarks(SimpleNamespace(benchmark_dir=""), [*tracked.values(), own, wild])
    assert announcing(run_benchmarks)(benchmarks, Environment("py3.11"), quick=True) == "results"
    (said, name, quick), timeouts = seen
    assert said["scenarios"] == {"a": "1 of 120 steps", "b": "1 of 60 steps"}
    assert (name, quick) == ("py3.11", True)
    assert timeouts == dict.fromkeys(tracked, 180) | {"own.time_it": None}
    assert [each["setup_cache_timeout"] for each in tracked.values()] == [60, 60, 120, 120]
    assert together.VARIABLE not in os.environ


@pytest.mark.parametrize(
    ("listed", "runs"),
    [
        ({"steps": {"quick": STEPS}}, 0),  # is not measured at all
        ({}, 1),  # of an older commit its lines tell
    ],
)
def test_a_commit_of_another_scale_does_not_apply(
    listed: Mapping[str, object], runs: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = _measure(monkeypatch, tmp_path, listed, STEPS * 2)
    assert asked.measured == {
        "absent": "this commit's quick profile takes 1024 steps, the benchmark means 2048",
        "cases": {},
    }
    assert len(asked.ran) == runs


@pytest.mark.parametrize("steps", [None, STEPS])
def test_the_scale_that_is_meant_applies_and_so_does_any_where_none_is_meant(
    steps: int | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = _measure(monkeypatch, tmp_path, {"steps": {"quick": STEPS}}, steps)
    assert asked.measured["absent"] is None


def test_published_packages_are_measured_where_asked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(scenario: str, *, version: int, steps: int) -> measuring.Measured:
        return {"absent": None, "cases": {scenario: (version, steps)}}

    monkeypatch.setattr(measuring, "measure", measured)
    monkeypatch.delenv(measuring.ASKED, raising=False)
    absent = measuring.measure_if_asked("wild-x", version=1, steps=2)["absent"]
    assert absent == "not asked for: LEAKBENCH_TRACK_WILD=1 installs published packages and measures them"
    monkeypatch.setenv(measuring.ASKED, "1")
    assert measuring.measure_if_asked("wild-x", version=1, steps=2)["cases"] == {"wild-x": (1, 2)}
