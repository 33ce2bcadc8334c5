"""Repeats that disagree are told as one verdict and what speaks against it."""

from __future__ import annotations

import pytest
from leakbench.repeats import Together, together


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        (["steady"], Together("steady")),
        (["leak", "leak"], Together("leak")),
        (["steady", "bounded", "steady"], Together("bounded", "steady in 2 of 3")),
        (["unreturned", "bounded", "steady"], Together("bounded", "unreturned in 1 of 3, steady in 1 of 3")),
        (["unreturned", "bounded", "unreturned"], Together("unreturned", "bounded in 1 of 3")),
        (["leak", "steady", "leak"], Together("leak", "steady in 1 of 3")),
        (["leak", "steady", "bounded"], Together("bounded", "leak in 1 of 3, steady in 1 of 3")),
        (["leak", "steady"], Together("inconclusive", "leak in 1 of 2, steady in 1 of 2")),
        (
            ["leak", "steady", "inconclusive", "leak"],
            Together("inconclusive", "leak in 2 of 4, steady in 1 of 4"),
        ),
        (["inconclusive", "steady"], Together("inconclusive", "steady in 1 of 2")),
        (["failed"], Together("failed")),
    ],
)
def test_most_of_them_decide_and_short_of_a_leak_the_most_that_was_seen_counts(
    verdicts: list[str], told: Together
) -> None:
    assert together(verdicts) == told
