"""A run that is not whole is shown as far as it goes, what is missing named; what is no run is refused."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

import pytest
from leakbench import report
from leakbench.compare import UnlikeError
from leakbench.errors import LeakbenchError

from tests.report.runs import ENVIRONMENT, declared, ledger, line, rss, small_run, write_run

if TYPE_CHECKING:
    from pathlib import Path


def _front(folder: Path) -> str:
    return html.unescape(report.write(folder).read_text())


def test_a_run_that_was_cut_off_names_the_cases_that_it_did_not_reach(tmp_path: Path) -> None:
    names = [f"map:m{n}" for n in range(16)]
    write_run(tmp_path, [rss(names[0]), ledger(names[0])], [declared(name) for name in names])
    front = _front(tmp_path)
    assert "Not measured, 15 of the run's cases: map:m1, map:m2," in front
    assert "map:m12 and 3 more." in front
    assert "0 of 1 cases leak" in front


def test_a_whole_run_names_nothing_missing(tmp_path: Path) -> None:
    assert "Not measured" not in _front(small_run(tmp_path))


def test_a_case_that_was_cut_off_before_its_verdict_is_not_judged_and_did_not_fail(tmp_path: Path) -> None:
    write_run(tmp_path, [rss("map:none")], [declared("map:none", "leak")])
    front = _front(tmp_path)
    assert "not judged" in front
    assert "failed" not in front


@pytest.mark.parametrize("kept_bytes", [1, 40, -3])
def test_a_damaged_last_line_is_left_out_and_said(tmp_path: Path, kept_bytes: int) -> None:
    """Cut off after its first byte, in its middle, and just before its end."""
    folder = small_run(tmp_path)
    file = folder / "measurements.jsonl"
    *whole, last = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(whole) + last[:kept_bytes])
    front = _front(folder)
    assert f"line {len(whole) + 1} of measurements.jsonl was cut off and is left out" in front
    assert "Not measured, 1 of the run's cases: map:broken." in front
    assert ">none</b>" in front


def test_another_schema_is_refused_by_its_number(tmp_path: Path) -> None:
    write_run(tmp_path, [rss("map:none"), rss("map:ttl") | {"schema": 7}])
    with pytest.raises(LeakbenchError, match="line 2: has schema 7, this leakbench reads 1; measure again"):
        report.write(tmp_path)
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [("machine", "arch", "aarch64"), ("machine", "libc", "musl 1.2"), ("python", "version", "3.13.0")],
)
def test_a_baseline_of_another_machine_is_refused_by_what_differs(
    tmp_path: Path, part: str, name: str, value: str
) -> None:
    other: dict[str, Any] = ENVIRONMENT | {part: ENVIRONMENT[part] | {name: value}}
    before = write_run(tmp_path / "a", [ledger("map:ttl")], environment=other)
    after = write_run(tmp_path / "b", [ledger("map:ttl")])
    with pytest.raises(UnlikeError, match=value):
        report.write(after, baseline=before)


def test_deleted_captures_are_said_at_each_case_and_break_no_link(tmp_path: Path) -> None:
    lines = [line("map:none", "heap", capture="captures/none.bin")]
    report.write(write_run(tmp_path, lines))
    page = (tmp_path / "report" / "scenario-map.html").read_text()
    assert 'Flamegraphs: <span class="missing">capture deleted</span>' in page
    assert "../flamegraphs/" not in page


@pytest.mark.parametrize("name", ["environment.json", "cases.json", "claims.json"])
def test_a_damaged_file_beside_the_measurements_is_named_with_the_way_out(tmp_path: Path, name: str) -> None:
    folder = small_run(tmp_path)
    (folder / name).write_text('{"cut": ')
    with pytest.raises(LeakbenchError, match=f"{name} cannot be read: .*; delete it to go without"):
        report.write(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    "chart",
    [
        {"series": [{"name": "a", "points": [[1, "x"]]}]},
        {"series": [{"name": "a", "points": [[1]]}]},
        {"series": "none"},
        {"title": 3, "unit": "furlongs", "series": [{"points": [["a", 1]]}]},
    ],
)
def test_a_chart_that_cannot_be_drawn_leaves_its_claim_in_words(tmp_path: Path, chart: object) -> None:
    claim = {"section": "2.1", "says": "x", "measured": "as it says", "verdict": "holds", "chart": chart}
    write_run(tmp_path, [rss("map:none")])
    (tmp_path / "claims.json").write_text(json.dumps([claim]))
    report.write(tmp_path)
    assert "as it says" in (tmp_path / "report" / "claims.html").read_text()
