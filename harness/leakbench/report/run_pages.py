"""All flamegraphs of a run: memray's of each capture, and the difference of each mitigation from `none`."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from leakbench.frame import read_run
from leakbench.report import differential, memray_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from leakbench.frame import RunRecord

_BASELINE = "none"


Kind = memray_pages.Kind | Literal["diff"]
KINDS: tuple[Kind, ...] = ("leaks", "peak", "temporal", "diff")


class _Page(NamedTuple):
    """One page to be drawn; `baseline` is the capture of `none`, which a difference is drawn against."""

    output: Path
    capture: Path
    kind: Kind
    baseline: Path | None


def draw_all(
    run_folder: Path,
    *,
    kinds: Collection[Kind],
    cases: Collection[str] | None,
    redact: bool,
    tell: Callable[[int, int], None],
) -> list[Path]:
    """Draw RUN/flamegraphs from RUN/captures, on all cores; pages newer than their captures stay.

    With `cases`, of these alone, by their ids. `tell` is told after each page how many of how many are drawn.
    Captures that were deleted are passed over: the report says so. Returns the pages. Raises LeakbenchError.
    """
    pages = [page for page in _planned(run_folder, cases) if page.kind in kinds]
    due = [page for page in pages if not _is_current(page)]
    if due:
        # Largest first, lest the longest is drawn last and alone.
        due.sort(key=lambda page: page.capture.stat().st_size, reverse=True)
        context = multiprocessing.get_context("spawn")  # a fork would carry the caller's threads' locks along
        with ProcessPoolExecutor(min(len(due), os.cpu_count() or 1), mp_context=context) as workers:
            for drawn, _ in enumerate(workers.map(partial(_draw, redact=redact), due), start=1):
                tell(drawn, len(due))
    return [page.output for page in pages]


def _planned(run_folder: Path, cases: Collection[str] | None) -> list[_Page]:
    folder, captures = run_folder / "flamegraphs", _captures(read_run(run_folder))
    return [
        _Page(folder / f"{capture.stem}.{kind}.html", capture, kind, baseline)
        for case, capture in captures.items()
        if cases is None or case in cases
        for baseline in [captures.get(f"{case.partition(':')[0]}:{_BASELINE}")]
        for kind in KINDS
        if kind != "diff" or baseline not in (None, capture)
    ]


def _draw(page: _Page, *, redact: bool) -> None:
    if page.kind == "diff":
        assert page.baseline is not None  # noqa: S101  # _planned makes no difference without
        differential.write(page.baseline, page.capture, page.output, redact=redact)
    else:
        memray_pages.flamegraph(page.capture, page.output, kind=page.kind, redact=redact)


def _captures(record: RunRecord) -> dict[str, Path]:
    """Give the first capture of each case that is still there."""
    found: dict[str, Path] = {}
    for line in record.lines:
        name = line["values"].get("capture")
        if isinstance(name, str) and line["case"] not in found and (record.folder / name).is_file():
            found[line["case"]] = record.folder / name
    return found


def _is_current(page: _Page) -> bool:
    sources = [page.capture, *([page.baseline] if page.kind == "diff" and page.baseline else [])]
    newest = max(source.stat().st_mtime for source in sources)
    return page.output.exists() and page.output.stat().st_mtime >= newest
