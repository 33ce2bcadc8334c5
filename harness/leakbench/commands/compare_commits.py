"""`leakbench compare` of commits: the tables, and what they exit with."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from leakbench import judge_history as judging
from leakbench.errors import LeakbenchError
from leakbench.units import format_bytes, format_rate

if TYPE_CHECKING:
    from leakbench.asv_history import Series

WORSE = 1


def show_history(folder: Path, truth: Path | None) -> int:
    """Say of each series what each commit brought or mended; 1 where its tip still has something."""
    from leakbench.asv_history import read

    series = whole(read(folder))
    if not series:
        raise LeakbenchError(
            f"{folder} has results of none of its branches' commits; `asv run` measures them"
            " (`git fetch --unshallow` first, where the clone is shallow)"
        )
    left = []
    perfect = True
    for one in series:
        findings = judging.judge(one.commits)
        _print_series(one, findings)
        left += judging.unmended(findings)
        if truth is not None:
            graded = judging.grade(findings, json.loads(truth.read_text(encoding="utf-8")))
            perfect = perfect and graded.perfect
            _print_grade(graded)
    return (0 if perfect else WORSE) if truth is not None else (WORSE if left else 0)


def whole(series: list[Series]) -> list[Series]:
    """The first branch of each machine and environment: the configuration names the main one first."""
    first: dict[tuple[str, str], Series] = {}
    for one in series:
        first.setdefault((one.machine, one.environment), one)
    return list(first.values())


def show_pair(base: str, head: str, *, bench: str | None, python: str | None) -> int:
    """Measure two commits and say what the second changed; 1 where it is worse, or leaks."""
    from leakbench.commits import dirty, measure_pair
    from leakbench.terminal import BAD, LESS, console, table

    here = Path()
    if dirty(here):
        sys.stderr.write("leakbench compare: the work tree has changes that are in no commit: not measured\n")
    screen = console()
    bad = False
    for pair in measure_pair(here, base, head, bench=bench, python=python):
        findings = judging.judge([pair.base, pair.head])
        changed = {(finding.case, finding.quantity): finding for finding in findings}
        rows = table("", "case", "quantity", base, head, title=pair.environment)
        for key, after in sorted(pair.head.figures.items()):
            before = pair.base.figures.get(key)
            leaks = key[1] == judging.LEAK and after.median > 0
            finding = changed.get(key)
            worse = finding is not None and finding.outcome == judging.WORSE
            bad = bad or worse or leaks
            if finding is not None or leaks:
                mark = BAD if worse or leaks else LESS
                shown = "not measured" if before is None else figure(key[1], before.median)
                rows.add_row(mark, key[0], key[1], shown, figure(key[1], after.median))
        if rows.row_count:
            screen.print(rows)
        else:
            screen.print(
                f"{pair.environment}: nothing leaks, and heap and entries have not changed beyond noise"
            )
    return WORSE if bad else 0


def _print_series(one: Series, findings: list[judging.Finding]) -> None:
    from leakbench.terminal import BAD, LESS, console, table

    screen = console()
    screen.print(f"{one.place}: {one.told}", style="bold")
    rows = table("", "commit", "", "case", "quantity", "before", "after", "subject")
    for finding in findings:
        mark = BAD if finding.outcome == judging.WORSE else LESS
        name = finding.commit.hash[:8]
        if finding.since is not None:
            name = f"{finding.since.hash[:8]}..{name}"
        before, after = (figure(finding.quantity, value) for value in (finding.before, finding.after))
        rows.add_row(mark, name, finding.said, finding.case, finding.quantity, before, after, finding.subject)
    if findings:
        screen.print(rows)
    else:
        screen.print("no commit brought or mended anything")


def _print_grade(graded: judging.Graded) -> None:
    from leakbench.terminal import alarm, console

    screen = console()
    screen.print(
        f"{len(graded.right)} planted changes found, {len(graded.missed)} missed,"
        f" {len(graded.false_alarms)} false alarms"
    )
    for word, rows in (("missed", graded.missed), ("false alarm", graded.false_alarms)):
        for row in rows:
            screen.print(alarm(word, ", ".join(row)))


def figure(quantity: str, value: float) -> str:
    if quantity == judging.LEAK:
        return format_rate(value)
    return format_bytes(value) if quantity == judging.PEAK else f"{value:,.0f} entries"
