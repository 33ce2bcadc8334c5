"""The judge of a history, on commits whose answer can be told by hand."""

from __future__ import annotations

import pytest
from asv_runner.statistics import compute_stats
from leakbench import history, planted, planted_files
from leakbench.judge_history import LEAK, LOST, PEAK, Commit, Span, grade, judge, unmended


def _commits(quantity: str, *values: float | None) -> list[Commit]:
    return [
        Commit(f"{n}", f"c{n}", {} if value is None else {("s:m", quantity): Span(value, value, value)})
        for n, value in enumerate(values)
    ]


def _found(commits: list[Commit]) -> list[tuple[str, str]]:
    return [(finding.commit.hash, finding.said) for finding in judge(commits)]


def test_a_leak_that_comes_eases_goes_and_comes_back_is_named_each_time() -> None:
    found = _found(_commits(LEAK, 0, 200, 200, 47, 0, 0, 16))
    assert found == [("1", "brought"), ("3", "lowered"), ("4", "mended"), ("6", "brought")]


def test_a_rate_within_its_noise_is_no_change() -> None:
    assert _found(_commits(LEAK, 200, 200.9, 203)) == []  # below 1 B; below 2 % of 200.9


@pytest.mark.parametrize(("share", "named"), [(1.009, []), (1.02, [("1", "raised")])])
def test_a_peak_counts_from_one_per_cent(share: float, named: list[tuple[str, str]]) -> None:
    assert _found(_commits(PEAK, 1_000_000, 1_000_000 * share)) == named


@pytest.mark.parametrize(("peak", "named"), [(2_024, []), (2_025, [("1", "raised")])])
def test_a_peak_counts_from_more_than_a_kibibyte(peak: float, named: list[tuple[str, str]]) -> None:
    assert _found(_commits(PEAK, 1_000, peak)) == named  # 1,000 + 1,024


def test_ranges_that_meet_are_no_change() -> None:
    commits = [
        Commit("0", "", {("s:m", PEAK): Span(100_000, 90_000, 125_000)}),
        Commit("1", "", {("s:m", PEAK): Span(130_000, 120_000, 140_000)}),
    ]
    assert judge(commits) == []


def _repeated(*peaks: float) -> Span:
    """A peak as it comes back from asv, which makes an interval of the repeats."""
    median, stats = compute_stats(list(peaks), 1)
    return Span(median, stats["ci_99_a"], stats["ci_99_b"], repeated=True)


@pytest.mark.parametrize(
    ("after", "named"),
    [
        ((447_000, 409_000, 431_000), []),  # the ranges meet
        ((452_000, 455_000, 458_000), []),  # 10 %, on a machine that had more to do: moka's, of one commit
        ((603_000, 607_000, 605_000), [("1", "raised")]),
    ],
)
def test_a_peak_that_moves_from_repeat_to_repeat_counts_beyond_that(
    after: tuple[float, ...], named: list[tuple[str, str]]
) -> None:
    peaks = _repeated(409_000, 411_000, 413_000), _repeated(*after)
    commits = [Commit(f"{n}", "", {("s:m", PEAK): peak}) for n, peak in enumerate(peaks)]
    assert _found(commits) == named


def test_a_peak_is_not_judged_while_the_case_leaks_and_then_against_the_last_that_did_not() -> None:
    rows = [(0, 100_000.0), (200, 900_000.0), (0, 150_000.0)]
    commits = [
        Commit(str(n), "", {("s:m", LEAK): Span(rate, rate, rate), ("s:m", PEAK): Span(peak, peak, peak)})
        for n, (rate, peak) in enumerate(rows)
    ]
    peaks = [finding for finding in judge(commits) if finding.quantity == PEAK]
    assert [(p.commit.hash, p.since.hash if p.since else None) for p in peaks] == [("2", "0")]


def test_what_was_not_measured_between_makes_it_a_range() -> None:
    (finding,) = judge(_commits(LEAK, 0, None, 16))
    assert finding.since is not None
    assert finding.since.hash == "0"


def test_an_entry_lost_is_worse() -> None:
    assert _found(_commits(LOST, 0, 1)) == [("1", "raised")]


def test_the_tip_has_what_is_not_mended() -> None:
    assert [finding.commit.hash for finding in unmended(judge(_commits(LEAK, 0, 16, 0, 20, 20)))] == ["3"]
    assert unmended(judge(_commits(LEAK, 0, 16, 0))) == []


def test_a_grade_names_what_was_missed_and_what_was_cried_for_nothing() -> None:
    brings = [{"case": "s:m", "quantity": LEAK, "outcome": "worse"}]
    truth = {"commits": [{"subject": "c1", "brings": brings}, {"subject": "c2", "brings": brings}]}
    graded = grade(judge(_commits(LEAK, 0, 16, 16, 0)), truth)
    assert graded.missed == (("c2", "s:m", LEAK, "worse"),)
    assert graded.false_alarms == (("c3", "s:m", LEAK, "better"),)


def test_every_planted_commit_applies_and_has_a_subject_of_its_own() -> None:
    files = dict(planted_files.FIRST)
    for commit in planted.COMMITS:
        changed = history.apply(files, commit)
        assert changed, commit.subject
        files |= changed
    subjects = [commit.subject for commit in planted.COMMITS]
    assert len(set(subjects)) == len(subjects) >= 12
