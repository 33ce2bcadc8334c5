"""Shows a run: pages that open from disk, tables, charts, flamegraphs. Loads what it needs when called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from leakbench.report.comparison import Comparison


def write(run_folder: Path, *, redact: bool = True, baseline: Path | None = None) -> Path:
    """Write RUN/report (index.html, report.md, measurements.csv, a page a scenario); return index.html.

    Raises leakbench.frame.UnreadableRunError, and leakbench.compare.UnlikeError where `baseline` cannot
    be compared.
    """
    from leakbench.report import folder

    return folder.write(run_folder, redacted=redact, baseline=baseline)


def flamegraphs(
    run_folder: Path,
    *,
    kinds: Collection[Literal["leaks", "peak", "temporal", "diff"]] = ("leaks", "peak", "temporal", "diff"),
    cases: Collection[str] | None = None,
    redact: bool = True,
    tell: Callable[[int, int], None] = lambda _drawn, _due: None,
) -> list[Path]:
    """Draw RUN/captures into RUN/flamegraphs; `write` links them. `diff` is the difference from `none`.

    Of all cases, or of those whose ids are given. `tell` is told after each page how many of how many are
    drawn.

    A million allocations take about two seconds a page.
    """
    from leakbench.report import run_pages

    return run_pages.draw_all(run_folder, kinds=kinds, cases=cases, redact=redact, tell=tell)


def flamegraph(capture: Path, output: Path, *, kind: Literal["peak", "leaks", "temporal"]) -> None:
    """Write memray's flamegraph of one capture; `temporal` needs a full capture."""
    from leakbench.report import memray_pages

    memray_pages.flamegraph(capture, output, kind=kind)


def flamegraph_diff(a: Path, b: Path, output: Path) -> None:
    """Write a page of what capture `b` retains more (red) or less (blue) than `a`, stack by stack."""
    from leakbench.report import differential

    differential.write(a, b, output)


def compare_runs(a: Path, b: Path, *, in_spite_of_unlike: bool = False) -> Comparison:
    """Compare two run folders; `to_markdown` and `to_page` of leakbench.report.comparison show the result.

    Raises leakbench.compare.UnlikeError where they differ in what makes figures incomparable.
    """
    from leakbench.report import comparison

    return comparison.compare_runs(a, b, in_spite_of_unlike=in_spite_of_unlike)
