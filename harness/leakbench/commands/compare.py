"""Compare two runs, two commits, or a history of commits: better, worse, unchanged beyond noise.

  leakbench compare results/runs/before results/runs/after
  leakbench compare A B --markdown           a table for a pull request
  leakbench compare A B --unlike             compare even what was measured on unlike machines
  leakbench compare main HEAD                two commits, built and measured as asv.conf.json says
  leakbench compare --history                every commit that asv has measured: what it brought or mended

Of commits, leaks, the heap's peak and lost entries are judged; speeds and resident memory, which move by
themselves on a shared machine, are tracked alone.

Exit status: 0 where nothing is worse, 1 where the second is worse beyond noise or leaks (of a history: where
the last commit still is worse than one before it), 2 where the two cannot be compared.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from leakbench.errors import LeakbenchError
from leakbench.output import written_at_once

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from leakbench.report.comparison import Comparison, ShownRow

WORSE = 1
_STYLES = {"worse": "bold red", "better": "green"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sides", nargs="*", metavar="A B", help="two runs' folders, or two commits")
    parser.add_argument(
        "--history", action="store_true", help="judge asv's results in the current folder, or in A"
    )
    parser.add_argument("--truth", type=Path, metavar="truth.json", help="hold a history's findings to it")
    parser.add_argument("--bench", metavar="REGEX", help="of two commits: only these benchmarks")
    parser.add_argument("--python", metavar="VERSION", help="of two commits: only this Python, such as 3.12")
    parser.add_argument(
        "--unlike", action="store_true", help="compare in spite of unlike machines or versions"
    )
    parser.add_argument(
        "--markdown", action="store_true", help="print Markdown, for a pull request's comment"
    )
    parser.add_argument("--html", type=Path, metavar="FILE.html", help="write a page as well")


def run(options: argparse.Namespace) -> int:
    if options.history:
        from leakbench.commands.compare_commits import show_history

        _refuse(options, ("bench", "python"), "two commits")
        _refuse(options, ("unlike", "markdown", "html"), "two runs' folders")
        if len(options.sides) > 1:
            raise LeakbenchError(f"--history takes one folder, got {len(options.sides)}")
        return show_history(Path(*options.sides), options.truth)
    _refuse(options, ("truth",), "--history")
    if len(options.sides) != len(("A", "B")):
        raise LeakbenchError(f"compare wants two runs or two commits, got {len(options.sides)}")
    if not any(Path(side).is_dir() for side in options.sides):
        _refuse(options, ("unlike", "markdown", "html"), "two runs' folders")
        from leakbench.commands.compare_commits import show_pair

        return show_pair(*options.sides, bench=options.bench, python=options.python)
    _refuse(options, ("bench", "python"), "two commits")
    a, b = (Path(side) for side in options.sides)
    return _runs(a, b, options)


def _refuse(options: argparse.Namespace, names: Sequence[str], of: str) -> None:
    """Raise LeakbenchError for an option that would have no effect here."""
    for name in names:
        if getattr(options, name):
            raise LeakbenchError(f"--{name} is for {of}")


def _runs(a: Path, b: Path, options: argparse.Namespace) -> int:
    from leakbench import report
    from leakbench.report import comparison

    found = report.compare_runs(a, b, in_spite_of_unlike=options.unlike)
    if options.html is not None:
        with written_at_once(options.html) as part:
            part.write_text(comparison.to_page(found), encoding="utf-8")
    if options.markdown:
        sys.stdout.write(comparison.to_markdown(found))
    else:
        _show(found)
    return WORSE if found.is_worse else 0


def _show(found: Comparison) -> None:
    from rich.text import Text

    from leakbench.report.comparison import alone, headline, shown_rows
    from leakbench.terminal import console

    screen = console()
    screen.print(headline(found), style="bold")
    for phrase in found.caveats:
        screen.print(phrase, style="yellow")
    rows = shown_rows(found)
    said = ("", "")
    for row, figures in zip(rows, _aligned(rows), strict=True):
        if said != (row.outcome, row.case):
            said = (row.outcome, row.case)
            screen.print(Text.assemble((row.outcome, _STYLES[row.outcome]), f" {row.case}"), soft_wrap=True)
        screen.print(figures, soft_wrap=True)
    for phrase in alone(found):
        screen.print(phrase, style="dim")


def _aligned(rows: Sequence[ShownRow]) -> list[str]:
    """Give each row's quantity, both figures and the change, in columns."""
    if not rows:
        return []
    quantity, a, b = (
        max(map(len, cells)) for cells in zip(*((r.quantity, r.a, r.b) for r in rows), strict=True)
    )
    return [f"  {r.quantity:{quantity}}  {r.a:>{a}} → {r.b:>{b}}  {r.change}".rstrip() for r in rows]
