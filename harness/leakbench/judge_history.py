"""A history's figures, commit by commit -> every commit that brought something back or mended it. Pure.

asv flags what is still bad at the tip of a branch; this names each change on the way, mended or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LEAK, PEAK, LOST = "leak", "peak", "lost"
QUANTITIES = {LEAK: "leak_bytes_per_op", PEAK: "heap_peak", LOST: "lost_entries"}
"""What is judged, and which tracked quantity tells of it. Speeds and resident memory are shown by asv and
not judged: on a shared machine they move by themselves."""

WORSE, BETTER = "worse", "better"


class Span(NamedTuple):
    """A figure: its median, the ends of its interval, and whether it was repeated.

    What is deterministic is measured once.
    """

    median: float
    low: float
    high: float
    repeated: bool = False


class Commit(NamedTuple):
    """A commit and its figures by (case, quantity); what was not measured or does not apply is absent."""

    hash: str
    subject: str
    figures: Mapping[tuple[str, str], Span]


class Noise(NamedTuple):
    """The largest difference between two commits that says nothing; both must be exceeded."""

    absolute: float
    share: float


NOISE = {
    LEAK: Noise(1.0, 0.02),  # bytes per operation; where neither rate is 0
    # Bytes. Of a deterministic case the peak repeats to the byte; what a commit moves it by below 1 KiB is
    # the size of a frame, a name, the interpreter's own.
    PEAK: Noise(1_024.0, 0.01),
    LOST: Noise(0.0, 0.0),
}


REPEATED_SHARE = 0.3
"""The least share that a repeated figure has to change by. Its repeats are of one minute, but clocks and
other threads go with the machine's load: one commit's moka peaked at 400 KiB and, minutes later, at 445 KiB,
each time within 2 %."""


class Finding(NamedTuple):
    """A commit that changed a figure beyond noise.

    since  the last commit before it whose figure counts, where that is not the one just before: any commit
           between may have been it
    """

    commit: Commit
    case: str
    quantity: str
    outcome: str
    before: float
    after: float
    since: Commit | None

    @property
    def subject(self) -> str:
        return self.commit.subject if self.since is None else f"{self.commit.subject}, or one before it"

    @property
    def said(self) -> str:
        """The change in a word."""
        if self.quantity == LEAK and self.before == 0:
            return "brought"
        if self.quantity == LEAK and self.after == 0:
            return "mended"
        return "raised" if self.outcome == WORSE else "lowered"


def judge(commits: Sequence[Commit]) -> list[Finding]:
    """Findings in the order of the commits, oldest first; then by case and quantity."""
    cases = sorted({case for commit in commits for case, _ in commit.figures})
    found = [
        finding for case in cases for quantity in QUANTITIES for finding in _changes(commits, case, quantity)
    ]
    order = {commit.hash: place for place, commit in enumerate(commits)}
    return sorted(found, key=lambda finding: order[finding.commit.hash])


def _changes(commits: Sequence[Commit], case: str, quantity: str) -> Iterable[Finding]:
    """Compare each commit with the last before it whose figure counts."""
    last: int | None = None
    for place, commit in enumerate(commits):
        after = commit.figures.get((case, quantity))
        if after is None or (quantity == PEAK and _leaks(commit, case)):
            continue  # what leaks raises the peak as long as it is let run
        if last is not None:
            before = commits[last].figures[case, quantity]
            if differs(quantity, before, after):
                outcome = WORSE if after.median > before.median else BETTER
                since = commits[last] if last != place - 1 else None
                yield Finding(commit, case, quantity, outcome, before.median, after.median, since)
        last = place


def _leaks(commit: Commit, case: str) -> bool:
    rate = commit.figures.get((case, LEAK))
    return rate is not None and rate.median > 0


def differs(quantity: str, before: Span, after: Span) -> bool:
    """Whether two figures differ beyond their own ranges and the quantity's noise."""
    if before.low <= after.high and after.low <= before.high:
        return False
    if quantity == LEAK and 0 in (before.median, after.median):
        return True  # 0 is the rate of every verdict that is no leak
    noise = NOISE[quantity]
    share = max(noise.share, REPEATED_SHARE if before.repeated or after.repeated else 0.0)
    change = abs(after.median - before.median)
    return change > noise.absolute and change > share * abs(before.median)


def unmended(findings: Iterable[Finding]) -> list[Finding]:
    """The last finding of each case and quantity, where it is for the worse: what the tip still has."""
    last = {(finding.case, finding.quantity): finding for finding in findings}
    return [finding for finding in last.values() if finding.outcome == WORSE]


class Graded(NamedTuple):
    """Findings against the truth; each as (subject, case, quantity, outcome)."""

    right: tuple[tuple[str, str, str, str], ...]
    missed: tuple[tuple[str, str, str, str], ...]
    false_alarms: tuple[tuple[str, str, str, str], ...]

    @property
    def perfect(self) -> bool:
        return not self.missed and not self.false_alarms


def grade(findings: Iterable[Finding], truth: Mapping[str, object]) -> Graded:
    """Hold findings against a truth.json of `leakbench history`."""
    rows = truth["commits"]
    assert isinstance(rows, list)  # noqa: S101  # our own document
    planted = [
        (row["subject"], brings["case"], brings["quantity"], brings["outcome"])
        for row in rows
        for brings in row["brings"]
    ]
    found = [(f.commit.subject, f.case, f.quantity, f.outcome) for f in findings]
    return Graded(
        tuple(one for one in planted if one in found),
        tuple(one for one in planted if one not in found),
        tuple(one for one in found if one not in planted),
    )
