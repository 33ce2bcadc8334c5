"""What is asked of a commit's command line, and what is made of its answers; the command line is told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from leakbench.tracking import measuring
from leakbench.tracking.benchmarks import look_up

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS = 1_024
STEADY, WAVERING = "steady", "wavering"


class Told:
    """A leakbench of two cases, one of which answers with another peak each time."""

    def __init__(self, listed: Mapping[str, object]) -> None:
        self.listed = {"name": "s", "mitigations": self._mitigations()} | dict(listed)
        self.ran: list[tuple[str, ...]] = []
        self.peak = 100

    @staticmethod
    def _mitigations() -> list[dict[str, object]]:
        return [{"name": STEADY, "deterministic": True}, {"name": WAVERING, "deterministic": False}]

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        if words[0] == "list":
            return subprocess.CompletedProcess(words, 0, json.dumps({"scenarios": [self.listed]}), "")
        cases = words[1 : words.index("--profile")]
        self.ran.append(cases)
        folder = Path(words[words.index("--out") + 1])
        folder.mkdir(parents=True)
        every = [f"s:{STEADY}", f"s:{WAVERING}"] if cases == ("s",) else cases
        lines = "".join(json.dumps(self._row(case)) + "\n" for case in every)
        (folder / "measurements.jsonl").write_text(lines, encoding="utf-8")
        return subprocess.CompletedProcess(words, 0, "", "")

    def _row(self, case: str) -> dict[str, Any]:
        self.peak += case.endswith(WAVERING)
        row = {"case": case, "probe": "heap", "status": "measured", "scale": STEPS, "reason": ""}
        return row | {"values": {"heap_peak_bytes": self.peak if case.endswith(WAVERING) else 100}}


class Asked(NamedTuple):
    """What asv is given, and what that took."""

    measured: measuring.Measured
    ran: list[tuple[str, ...]]  # the cases of each run but the no-op's


def _measure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listed: Mapping[str, object], steps: int | None
) -> Asked:
    told = Told(listed)
    monkeypatch.chdir(tmp_path)  # where runs are kept
    monkeypatch.setattr(measuring, "_leakbench", told)
    nothing = measuring.Source(packages=())
    measured = measuring.measure("s", version=1, steps=steps, source=nothing)
    return Asked(measured, [cases for cases in told.ran if cases != ("noop",)])


def test_the_heaps_peak_is_repeated_where_figures_do_not_repeat_by_themselves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = _measure(monkeypatch, tmp_path, {}, STEPS)
    assert asked.ran == [("s",), (f"s:{WAVERING}",), (f"s:{WAVERING}",)]
    assert look_up(asked.measured, STEADY, "heap_peak") == 100
    assert look_up(asked.measured, WAVERING, "heap_peak") == {"samples": [101, 102, 103], "number": 1}


def test_the_repeats_leave_the_run_that_is_reported_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _measure(monkeypatch, tmp_path, {}, STEPS)
    told = (tmp_path / "runs" / "s" / "measurements.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line)["case"] for line in told.splitlines()] == [f"s:{STEADY}", f"s:{WAVERING}"]


@pytest.mark.parametrize(
    ("listed", "runs"),
    [
        ({"steps": {"quick": STEPS}}, 0),  # is not measured at all
        ({}, 3),  # of an older commit its lines tell
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
