"""Claims are judged by comparing values; each verdict is reached here with scripted ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from leakbench.catalogue import discover
from leakbench.claims import CLAIMS, Claim, Statement, figures, findings, show
from leakbench.claims.drawing import Chart, Climb, Quoted, Series, draw
from leakbench.columns import BY_NAME
from leakbench.counts import BY_NAME as COUNTED

from tests.commands import leakbench

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = discover().entries

FIRST = Statement("a is {0}, less than b's {1}", (("s:a", "x_bytes"), ("s:b", "x_bytes")), lambda a, b: a < b)
SECOND = Statement("b {0}", (("s:b", "verdict"),), lambda verdict: verdict == "leak")
CLAIM = Claim("9.9", "b is worse than a, and leaks.", (FIRST, SECOND))


def assert_there_is(case: str) -> None:
    scenario, _, mitigation = case.partition(":")
    assert mitigation in ENTRIES[scenario].mitigations, case


@pytest.mark.parametrize(
    ("b_bytes", "b_verdict", "measured", "verdict"),
    [
        (2048, "leak", "a is 1.00 KiB, less than b's 2.00 KiB; b leak", "holds"),
        (2048, "steady", "a is 1.00 KiB, less than b's 2.00 KiB; not so: b steady", "in part"),
        (512, "steady", "not so: a is 1.00 KiB, less than b's 512 B; not so: b steady", "refuted"),
    ],
)
def test_a_claim_holds_in_part_where_some_of_its_statements_do(
    b_bytes: int, b_verdict: str, measured: str, verdict: str
) -> None:
    known = {("s:a", "x_bytes"): 1024, ("s:b", "x_bytes"): b_bytes, ("s:b", "verdict"): b_verdict}
    (found,) = findings([CLAIM], known)
    assert (found.measured, found.verdict) == (measured, verdict)
    told = found.document()
    assert (told["section"], told["says"]) == ("9.9", "b is worse than a, and leaks.")
    assert [each["is_true"] for each in told["statements"]] == [b_bytes > 1024, b_verdict == "leak"]


def test_a_claim_of_which_a_value_is_missing_is_left_out() -> None:
    assert findings([CLAIM], {("s:a", "x_bytes"): 1024, ("s:b", "x_bytes"): 2048}) == []


def test_repeats_give_their_median_or_what_most_of_them_say() -> None:
    def line(status: str, **values: object) -> dict[str, object]:
        return {"case": "s:a", "status": status, "values": values}

    lines = [
        line("measured", x_ns=3, verdict="leak"),
        line("measured", x_ns=1, verdict="steady"),
        line("measured", x_ns=9, verdict="leak"),
        line("failed", x_ns=1_000),
    ]
    assert figures(lines) == {("s:a", "x_ns"): 3, ("s:a", "verdict"): "leak"}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("table_bytes", 1024, "1.00 KiB"),
        ("leak_bytes_per_op", 180.5, "180 B"),
        ("drop_ns", 1500.0, "1.5 µs"),
        ("lost_entries", 0, "0"),
        ("growth_factor_max", 2.316, "2.3"),
        ("hit_ratio", 0.53911, "0.539"),
        ("reads_per_second", 1234567.8, "1,234,568"),
        ("verdict", "leak", "leak"),
    ],
)
def test_a_value_is_shown_in_the_unit_its_name_ends_in(name: str, value: object, shown: str) -> None:
    assert show(name, value) == shown


def test_every_claim_reads_cases_that_there_are() -> None:
    for claim in CLAIMS:
        for statement in claim.statements:
            for case, _name in statement.reads:
                assert_there_is(case)


def test_every_statement_has_a_place_for_each_of_its_values() -> None:
    for claim in CLAIMS:
        for statement in claim.statements:
            shown = statement.says.format(*(f"<{n}>" for n, _ in enumerate(statement.reads)))
            assert all(f"<{n}>" in shown for n, _ in enumerate(statement.reads)), statement.says


def test_ladders_are_taken_from_the_first_repeat_and_a_holder_is_known_by_its_path() -> None:
    def line(rungs: list[list[int]], path: str) -> dict[str, object]:
        return {"case": "s:a", "status": "measured", "values": {"ladder": rungs, "holder": {"path": path}}}

    known = figures([line([[0, 5]], "X"), line([[0, 7]], "Y"), line([[0, 9]], "Y")])
    assert known == {("s:a", "ladder"): [[0, 5]], ("s:a", "holder"): "Y"}


def test_a_chart_has_the_points_that_were_measured_and_the_series_that_have_any() -> None:
    chart = Chart("T", "threads", "speed", "op/s", (
        Series("a", ((1, ("s:a", "one")), (2, ("s:a", "two")))),
        Series("b", ((1, ("s:b", "one")),)),
        Climb("c", "s:c"),
        Quoted("the article", ((1, 9.5),)),
    ))  # fmt: skip
    known = {("s:a", "two"): 0, ("s:c", "ladder"): [[0, 100, 1], [256, 164, 1]]}
    assert draw(chart, known) == {
        "title": "T",
        "x": "threads",
        "y": "speed",
        "unit": "op/s",
        "series": [
            {"name": "a", "points": [[2, 0]]},
            {"name": "c", "points": [[0, 0], [256, 64]]},
            {"name": "the article", "points": [[1, 9.5]]},
        ],
    }


def test_what_the_article_says_is_no_chart_by_itself() -> None:
    assert draw(Chart("T", "x", "y", "B", (Quoted("the article", ((1, 2),)),)), {}) is None


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.section} {claim.says}")
def test_every_claim_has_a_chart_of_figures_that_there_are_in_the_unit_they_have(claim: Claim) -> None:
    assert claim.chart is not None
    for series in claim.chart.series:
        if isinstance(series, Series):
            for _, (case, name) in series.reads:
                assert_there_is(case)
                column = COUNTED.get(name) or BY_NAME[name]
                assert claim.chart.unit in (column.unit, "times"), name  # counts of several kinds
        elif isinstance(series, Climb):
            assert_there_is(series.case)


@pytest.mark.slow
def test_a_run_writes_what_it_found_of_the_claims_that_it_is_enough_for(tmp_path: Path) -> None:
    """Both cases of one claim of 4.1; of the other claim of that section cases are missing."""
    cases = ("map-scope:weak-keys", "map-scope:weak-keys-in-values")
    done = leakbench("run", *cases, "--probe", "ledger", "--no-report", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads((tmp_path / "run" / "claims.json").read_text(encoding="utf-8"))
    assert (found["section"], found["says"], found["verdict"]) == ("4.1", "Weak keys mend it.", "in part")
    assert [each["is_true"] for each in found["statements"]] == [True, False]
    (series,) = found["chart"]["series"]
    assert [point[0] for point in series["points"]] == ["weak keys", "weak keys in their values"]
