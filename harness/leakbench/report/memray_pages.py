"""memray's flamegraphs of a run's captures, small enough to keep one a case.

memray's self-contained pages carry 4.5 MB of the same libraries each (and its other pages load them from
the network). The libraries are moved into files beside the pages, named by their content.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from typing import TYPE_CHECKING, Literal

from leakbench.errors import LeakbenchError
from leakbench.report.redact import redact_text

if TYPE_CHECKING:
    from pathlib import Path

    from memray import FileReader

Kind = Literal["peak", "leaks", "temporal"]

_BLOCK = re.compile(r"<(script|style)([^>]*)>(.*?)</\1>", re.DOTALL)
_SHARED_FROM_CHARACTERS = 4_096
_DATA = "const packed_data"  # the one large block that is the page's own


class UnreadableCaptureError(LeakbenchError):
    """A file that memray cannot read as a capture, or not as the kind of page that was asked for."""


def flamegraph(capture: Path, output: Path, *, kind: Kind, redact: bool = True) -> None:
    """Write memray's flamegraph of one capture, its libraries beside it in `assets/`.

    `temporal` needs a full capture. Raises LeakbenchError.
    """
    page, assets = share_assets(_draw(capture, kind, redact=redact))
    folder = output.parent / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in assets.items():
        if not (folder / name).exists():
            part = folder / f"{name}.{os.getpid()}.part"  # several processes may draw at once
            part.write_bytes(content.encode())
            part.replace(folder / name)
    output.write_bytes((redact_text(page) if redact else page).encode())


def whole_page(capture: Path, *, kind: Kind, redact: bool = True) -> str:
    """Give memray's flamegraph of one capture as one page, its libraries within. Raises LeakbenchError."""
    page, assets = share_assets(_draw(capture, kind, redact=redact))
    page = redact_text(page) if redact else page  # without the libraries, which say nothing about the machine
    for name, content in assets.items():
        page = page.replace(f' src="assets/{name}"></script>', f">{content}</script>")
        page = page.replace(f'<link rel="stylesheet" href="assets/{name}">', f"<style>{content}</style>")
    return page


def share_assets(page: str) -> tuple[str, dict[str, str]]:
    """Move large scripts and styles out of a page: gives the page and what goes into assets/, by name."""
    assets: dict[str, str] = {}

    def move(block: re.Match[str]) -> str:
        tag, attributes, content = block.groups()
        if len(content) < _SHARED_FROM_CHARACTERS or content.lstrip().startswith(_DATA):
            return block[0]
        name = f"{hashlib.sha256(content.encode()).hexdigest()[:16]}.{'js' if tag == 'script' else 'css'}"
        assets[name] = content
        if tag == "style":
            return f'<link rel="stylesheet" href="assets/{name}">'
        return f'<script{attributes} src="assets/{name}"></script>'

    return _BLOCK.sub(move, page), assets


def open_capture(capture: Path) -> FileReader:
    """Open a memray capture; raises LeakbenchError with the way out."""
    try:
        from memray import FileReader
    except ImportError:
        raise LeakbenchError("memray is not installed here; `make install` brings it") from None
    try:
        return FileReader(capture)
    except OSError as error:
        raise UnreadableCaptureError(f"{capture} cannot be read as a memray capture: {error}") from None


def _draw(capture: Path, kind: Kind, *, redact: bool) -> str:
    from memray.reporters.flamegraph import FlameGraphReporter

    written = io.StringIO()
    with open_capture(capture) as reader:
        metadata = reader.metadata
        records = tuple(reader.get_memory_snapshots())
        common = {"memory_records": records, "native_traces": metadata.has_native_traces}
        try:
            if kind == "temporal":
                allocations, marks = reader.get_temporal_high_water_mark_allocation_records(
                    merge_threads=True
                )
                reporter = FlameGraphReporter.from_temporal_snapshot(
                    allocations, high_water_mark_by_snapshot=marks, inverted=False, **common
                )
            elif kind == "leaks":
                reporter = FlameGraphReporter.from_snapshot(
                    reader.get_leaked_allocation_records(merge_threads=True), **common
                )
            else:
                reporter = FlameGraphReporter.from_snapshot(
                    reader.get_high_watermark_allocation_records(merge_threads=True), **common
                )
        except (NotImplementedError, OSError) as error:
            raise UnreadableCaptureError(f"no {kind} flamegraph of {capture}: {error}") from None
        if redact:
            metadata.command_line = capture.stem
        reporter.render(
            written,
            metadata,
            show_memory_leaks=kind == "leaks",
            merge_threads=True,
            inverted=False,
            no_web=True,
        )
    return written.getvalue()
