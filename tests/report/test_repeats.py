"""Repeats that disagree are told as one verdict and what speaks against it."""

from __future__ import annotations

import pytest
from leakbench.report.repeats import Together, together


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        (["steady"], Together("steady")),
        (["leak", "leak"], Together("leak")),
        (["steady", "bounded", "steady"], Together("bounded", "steady in 2 of 3")),
        (["unreturned", "bounded", "steady"], Together("unreturned", "bounded in 1 of 3, steady in 1 of 3")),
        (["leak", "steady", "leak"], Together("inconclusive", "leak in 2 of 3, steady in 1 of 3")),
        (["inconclusive", "steady"], Together("inconclusive", "steady in 1 of 2")),
        (["failed"], Together("failed")),
    ],
)
def test_the_most_that_was_seen_short_of_a_leak_counts(verdicts: list[str], told: Together) -> None:
    assert together(verdicts) == told
