"""The frame says what was measured, and nothing else: missing is missing, zero is zero, damage is named."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from leakbench.columns import ALL, RUNGS
from leakbench.counts import COUNTS
from leakbench.errors import LeakbenchError
from leakbench.frame import PRICES, cases_frame, measurements_frame, priced, read_run, rungs_frame

KIB = 1024


def _line(case: str = "map:none", probe: str = "rss", repeat: int = 0, **values: Any) -> dict[str, Any]:
    return {
        "schema": 1, "case": case, "scale": 64, "seed": 0, "params": {}, "repeat": repeat, "probe": probe,
        "status": "measured", "reason": None, "values": values,
    }  # fmt: skip


def _write(folder: Path, *lines: dict[str, Any], tail: str = "") -> Path:
    (folder / "measurements.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines) + tail)
    return folder


def test_a_missing_value_is_missing_and_a_zero_is_zero(tmp_path: Path) -> None:
    """Zero lost entries is a finding; no count of them is none."""
    frame = measurements_frame(_write(tmp_path, _line(lost_entries=0), _line("map:ttl", peak_rss_bytes=1)))
    assert frame["lost_entries"].tolist()[0] == 0
    assert frame["lost_entries"].isna().tolist() == [False, True]
    assert str(frame["lost_entries"].dtype) == "Int64"


def test_growth_is_peak_less_baseline_and_may_be_negative(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "peak_rss_bytes": 8 * KIB,
        "baseline_rss_bytes": 12 * KIB,
        "imports_rss_bytes": 2 * KIB,
    }
    frame = measurements_frame(_write(tmp_path, _line(**values)))
    assert frame.loc[0, "peak_growth_bytes"] == -4 * KIB
    assert frame.loc[0, "peak_own_bytes"] == 6 * KIB


def test_interval_site_and_holder_become_columns_of_their_own(tmp_path: Path) -> None:
    site = {"file": "a.py", "line": 3, "function": "put", "retained_bytes": 9, "stack": [["put", "a.py", 3]]}
    holder = {"path": "a.MAP", "type": "dict", "entries": 5, "chain": ["a", "MAP"]}
    values: dict[str, Any] = {"leak_interval_bytes_per_op": [1.5, 2.5], "site": site, "holder": holder}
    row = measurements_frame(_write(tmp_path, _line(**values))).iloc[0]
    assert [row["leak_interval_low_bytes_per_op"], row["leak_interval_high_bytes_per_op"]] == [1.5, 2.5]
    assert [row["site_file"], row["site_line"], row["holder_path"], row["holder_entries"]] == [
        "a.py",
        3,
        "a.MAP",
        5,
    ]


def test_a_count_of_the_scenarios_own_is_a_column_after_the_others(tmp_path: Path) -> None:
    frame = measurements_frame(_write(tmp_path, _line(table_bytes=64), _line("map:ttl", table_bytes=2.5)))
    assert list(frame.columns)[-1] == "table_bytes"
    assert frame["table_bytes"].tolist() == [64.0, 2.5]


def test_the_last_of_repeated_lines_counts(tmp_path: Path) -> None:
    """A resumed run measures again what had failed."""
    failed = _line() | {"status": "failed", "reason": "deadline"}
    frame = measurements_frame(_write(tmp_path, failed, _line(allocations=3)))
    assert frame["status"].tolist() == ["measured"]


def test_a_cut_off_last_line_is_left_out_and_said(tmp_path: Path) -> None:
    run = read_run(_write(tmp_path, _line(), tail='{"schema": 1, "case": "map:t'))
    assert len(run.lines) == 1
    assert any("incomplete" in note and "line 2" in note for note in run.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": 1, "ca\n{"schema": 1}\n', "line 1"),
        ('{"schema": 99, "case": "map:none"}\n', "schema 99"),
        ('{"schema": 1, "case": 5}\n', "'case'"),
    ],
)
def test_damage_elsewhere_is_an_error_that_names_the_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "measurements.jsonl").write_text(text)
    with pytest.raises(LeakbenchError, match=said):
        read_run(tmp_path)


@pytest.mark.parametrize("value", ["many", float("nan"), float("inf"), 1.5, True])
def test_what_is_no_count_is_refused_by_name(tmp_path: Path, value: object) -> None:
    with pytest.raises(LeakbenchError, match="allocations"):
        measurements_frame(_write(tmp_path, _line(allocations=value)))


def test_a_folder_without_measurements_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(LeakbenchError, match=re.escape("measurements.jsonl")):
        read_run(tmp_path)


def test_measurements_alone_are_enough_and_what_is_missing_is_said(tmp_path: Path) -> None:
    run = read_run(_write(tmp_path, _line()))
    assert [note.partition(" ")[0] for note in run.notes] == ["environment.json", "cases.json"]
    assert measurements_frame(run)["python"].isna().all()


def test_repeats_are_drawn_together_as_median_and_range(tmp_path: Path) -> None:
    lines = [_line(repeat=n, allocations=count, peak_since="exec") for n, count in enumerate((7, 3, 4))]
    row = cases_frame(measurements_frame(_write(tmp_path, *lines))).iloc[0]
    assert [row["allocations"], row["allocations_min"], row["allocations_max"]] == [4, 3, 7]
    assert [row["repeats"], row["failures"], row["peak_since"]] == [3, 0, "exec"]


def test_repeats_that_disagree_are_shown_as_such(tmp_path: Path) -> None:
    lines = [
        _line(probe="ledger", repeat=n, verdict=verdict)
        for n, verdict in enumerate(("leak", "steady", "leak"))
    ]
    row = cases_frame(measurements_frame(_write(tmp_path, *lines))).iloc[0]
    assert row["verdict"] == "leak | steady"


def test_each_repeat_is_held_to_what_is_declared(tmp_path: Path) -> None:
    """Of a declared `bounded`, steady meets it and a leak does not; what has no verdict is not judged."""
    truth = {"verdict": "bounded", "deterministic": False}
    case = {"scenario": "map", "mitigation": "none", "version": 3, "truth": truth}
    (tmp_path / "cases.json").write_text(json.dumps([case]))
    verdicts = [
        _line(probe="ledger", repeat=n, verdict=verdict) for n, verdict in enumerate(("steady", "leak"))
    ]
    frame = measurements_frame(_write(tmp_path, *verdicts, _line(), _line("map:undeclared", verdict="leak")))
    assert frame["truth_met"].tolist() == [True, False, pd.NA, pd.NA]
    assert frame["deterministic"].tolist() == [False, False, False, pd.NA]
    assert frame["scenario_version"].tolist() == [3, 3, 3, pd.NA]


def test_prices_are_ratios_to_the_bounds_of_the_same_scenario(tmp_path: Path) -> None:
    def rss(case: str, peak: int, speed: float) -> dict[str, Any]:
        return _line(case, peak_rss_bytes=peak, imports_rss_bytes=0, ops_per_second=speed)

    lines = [
        rss("map:none", 90, 8.0),
        rss("map:ttl", 60, 2.0),
        rss("map:ideal", 30, 16.0),
        rss("other:x", 5, 1.0),
    ]
    cases = priced(cases_frame(measurements_frame(_write(tmp_path, *lines)))).set_index("case")
    assert cases.loc["map:ttl", "speed_ratio"] == 2.0 / 8.0
    assert cases.loc["map:ttl", "memory_ratio"] == 60 / 30
    assert cases["speed_ratio"].isna()["other:x"]


def test_rungs_are_a_row_each(tmp_path: Path) -> None:
    ladder = [[0, 10, 20, 30, 40, 1, 5, 0, 0.0], [256, 15, 20, 30, 41, 1, 5, 0, 0.5]]
    frame = rungs_frame(_write(tmp_path, _line(probe="ledger", ladder=ladder)))
    assert frame[["steps", "heap_bytes", "seconds"]].to_numpy().tolist() == [[0, 10, 0.0], [256, 15, 0.5]]


def test_results_readme_names_every_column_with_its_unit() -> None:
    text = (Path(__file__).parent.parent / "results" / "README.md").read_text()
    counts = (column for columns in COUNTS.values() for column in columns)
    for column in (*ALL, *PRICES, *RUNGS, *counts):
        assert f"| `{column.name}` | {column.unit} | " in text, column.name
