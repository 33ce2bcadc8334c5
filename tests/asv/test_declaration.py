"""asv's declaration, its configuration, and what the benchmarks make of an answer."""

from __future__ import annotations

import math
import re
import runpy
from pathlib import Path

import pytest
from asv.util import load_json
from leakbench.catalogue import discover
from leakbench.tracking import measuring
from leakbench.tracking.benchmarks import CaseFailedError, Tracked, look_up

ROOT = Path(__file__).resolve().parents[2]


def test_every_case_of_the_quick_profile_is_declared_to_asv_as_the_catalogue_has_it() -> None:
    declare = runpy.run_path(str(ROOT / "benchmarks" / "declare.py"))
    for name, wanted in declare["declarations"](list(discover().entries.values())).items():
        assert (declare["TRACKED"] / name).read_text(encoding="utf-8") == wanted, "run make declare"


def test_asv_installs_what_the_lock_pins() -> None:
    configuration = load_json(str(ROOT / "asv.conf.json"), js_comments=True)
    assert configuration is not None
    pins = configuration["matrix"]["req"]
    lock = (ROOT / "requirements" / "test.txt").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9.-]+)(==\S+)", lock, re.MULTILINE))
    assert pins
    for name, version in pins.items():
        assert locked[name.removeprefix("pip+").replace("_", "-")] == version, name


def _row(probe: str, values: dict[str, object], status: str = "measured") -> dict[str, object]:
    return {"case": "s:m", "probe": probe, "status": status, "reason": "why", "values": values}


@pytest.mark.parametrize("verdict", ["filling", "bounded", "steady", "unreturned", "inconclusive"])
def test_every_verdict_that_is_no_leak_is_exactly_zero(verdict: str) -> None:
    rows = [_row("ledger", {"verdict": verdict, "leak_bytes_per_op": 0.25})]
    assert measuring.by_mitigation(rows, 0)["m"]["figures"] == {"leak_bytes_per_op": [0.0]}


def test_resident_memory_is_told_less_the_noops_and_may_be_negative() -> None:
    rows = [_row("rss", {"peak_rss_bytes": 900, "settled_rss_bytes": 1_500, "ops_per_second": 2e6})]
    figures = measuring.by_mitigation(rows, 1_000)["m"]["figures"]
    # 900 − 1,000, 1,500 − 1,000, and a second is 1e9 ns: 1e9 / 2e6 = 500
    assert figures == {"peak_rss": [-100.0], "settled_rss": [500.0], "ns_per_op": [500.0]}


def test_only_finite_numbers_reach_asv() -> None:
    rows = [_row("ledger", {"verdict": "leak", "leak_bytes_per_op": math.inf})]
    measured: measuring.Measured = {"absent": None, "cases": measuring.by_mitigation(rows, 0)}
    assert measured["cases"]["m"]["figures"] == {}
    value = look_up(measured, "m", "leak_bytes_per_op")
    assert isinstance(value, float)
    assert math.isnan(value)  # asv's n/a


def test_a_failed_probe_is_a_failure_with_its_reason_and_the_others_stand() -> None:
    rows = [_row("heap", {}, "failed"), _row("ledger", {"verdict": "steady", "leak_bytes_per_op": 0.0})]
    measured = {"absent": None, "cases": measuring.by_mitigation(rows, 0)}
    with pytest.raises(CaseFailedError, match="heap: why"):
        look_up(measured, "m", "heap_peak")
    assert look_up(measured, "m", "leak_bytes_per_op") == 0


def test_repeats_reach_asv_as_samples() -> None:
    rows = [_row("heap", {"heap_peak_bytes": size}) for size in (1, 3)]
    measured = {"absent": None, "cases": measuring.by_mitigation(rows, 0)}
    assert look_up(measured, "m", "heap_peak") == {"samples": [1.0, 3.0], "number": 1}


class _Asked(Tracked):
    def setup_cache(self) -> dict[str, object]:
        return {}


@pytest.mark.parametrize(
    ("measured", "why"),
    [
        ({"absent": "no scenario 's'", "cases": {}}, "no scenario 's'"),
        ({"absent": None, "cases": {}}, "no mitigation 'm'"),
        ({"absent": None, "cases": {"m": {"absent": "not run: theine"}}}, "not run: theine"),
    ],
)
def test_what_a_commit_lacks_does_not_apply(measured: dict[str, object], why: str) -> None:
    with pytest.raises(NotImplementedError, match=why):
        _Asked().setup(measured, "s", "m")


def test_a_package_of_the_work_tree_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    with pytest.raises(measuring.MisplacedError, match="those of the work tree"):
        measuring.check_origin(("leakbench",))
