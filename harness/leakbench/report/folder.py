"""Writes a run's report folder: pages, charts, tables."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any, TextIO

from leakbench.errors import LeakbenchError
from leakbench.frame import read_run, rung_names, rungs_by_line
from leakbench.report import front_pages, markdown, pages, redact, view, wild
from leakbench.report.pages import Link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from leakbench.frame import RunRecord
    from leakbench.report.view import ReportView

_ASSETS = ("chart.css", "report.css", "report.js", "icon.svg")
_KINDS = ("leaks", "peak", "temporal", "diff")


def write(run_folder: Path, *, redacted: bool = True, baseline: Path | None = None) -> Path:
    """Write RUN/report anew and return its index.html.

    Needs only measurements.jsonl; flamegraphs are linked where they lie. `baseline` is a run folder to
    compare with. Raises UnreadableRunError, and UnlikeError where the baseline cannot be compared.
    """
    record = _read(run_folder, redacted=redacted)
    report = view.build(record)
    news = _news(report, _read(baseline, redacted=redacted)) if baseline is not None else None
    part, final = run_folder / "report.part", run_folder / "report"
    try:
        shutil.rmtree(part, ignore_errors=True)
        (part / "assets").mkdir(parents=True)
        _write_assets(part / "assets")
        _write_tables(part, report)
        _write_pages(part, report, flamegraph_links(record), news)
        _put(part / "report.md", markdown.report(report))
        shutil.rmtree(final, ignore_errors=True)
        part.rename(final)
    except OSError as error:
        raise LeakbenchError(
            f"{final} cannot be written: {error.strerror}; copy the run elsewhere"
        ) from error
    return final / "index.html"


def _read(folder: Path, *, redacted: bool) -> RunRecord:
    record = read_run(folder)
    return redact.redact_run(record) if redacted else record


def _news(report: ReportView, baseline: RunRecord) -> list[front_pages.News]:
    from leakbench.compare import compare
    from leakbench.frame import measurements_frame
    from leakbench.report import comparison

    return comparison.news(compare(measurements_frame(baseline), report.measurements))


def _put(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", errors="replace"))  # the same bytes whatever the system's line ends


def _asset(name: str) -> str:
    return resources.files("leakbench.report").joinpath("assets", name).read_text(encoding="utf-8")


def _write_assets(folder: Path) -> None:
    for name in _ASSETS:
        _put(folder / name, _asset(name))


def _write_tables(folder: Path, report: ReportView) -> None:
    _put(folder / "measurements.csv", _csv_of(report.measurements))
    _put(folder / "cases.csv", _csv_of(_without_repeats(report.cases)))
    with _packed(folder / "cases.json.gz") as file:
        file.writelines(_json_of(report.cases))
    with _packed(folder / "rungs.csv.gz") as file:
        _write_rungs(file, report.record)


@contextmanager
def _packed(path: Path) -> Iterator[TextIO]:
    """Open a table for programs, most of which unpack it by themselves; the same text, the same bytes."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", errors="replace", newline="") as text,
    ):
        yield text


def _write_rungs(file: TextIO, record: RunRecord) -> None:
    """Write the rungs line by line: as a frame they would be the largest thing in memory."""
    table = csv.writer(file, lineterminator="\n")
    table.writerow(rung_names())
    for rows in rungs_by_line(record):
        table.writerows(rows)


def _csv_of(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n")


def _without_repeats(cases: pd.DataFrame) -> pd.DataFrame:
    """Give the cases without ranges that are the one value that their median already says.

    A range that is one everywhere has no column.
    """
    ranges = [name for name in cases.columns if name.endswith(("_min", "_max")) and name[:-4] in cases]
    told = {name: cases[name].where(cases[name] != cases[name[:-4]]) for name in ranges}
    kept = cases.assign(**told)
    return kept.drop(columns=[name for name in ranges if kept[name].isna().all()])


def _json_of(cases: pd.DataFrame) -> Iterator[str]:
    """Give cases.csv as JSON, a case a line: without what was not measured, and ranges that are one value."""
    yield '{"schema": 1, "cases": [\n'
    for number, row in enumerate(cases.astype(object).where(cases.notna(), None).to_dict("records")):
        known = {
            name: value
            for name, value in row.items()
            if value is not None and not _is_repeated(str(name), value, row)
        }
        yield ",\n" * (number > 0) + json.dumps(known, ensure_ascii=False, separators=(",", ":"))
    yield "\n]}\n"


def _is_repeated(name: str, value: object, row: Mapping[Any, Any]) -> bool:
    """Whether it is the end of a range that its median already gives."""
    return name.endswith(("_min", "_max")) and value == row.get(name[:-4])


def _write_pages(
    folder: Path, report: ReportView, flames: dict[str, list[Link]], news: Sequence[front_pages.News] | None
) -> None:
    templates = pages.environment(report)
    _put(folder / "index.html", front_pages.front(templates, report, news))
    _put(folder / "cases.html", pages.all_cases(templates, report))
    _put(folder / "columns.html", pages.glossary(templates))
    if wild.rows(report):
        _put(folder / wild.PAGE, pages.real_leaks(templates, report, flames))
    if report.record.claims:
        _put(folder / "claims.html", front_pages.claims(templates, report))
    for scenario in report.scenarios:
        _put(folder / scenario.page, pages.scenario(templates, scenario, flames))


def flamegraph_links(record: RunRecord) -> dict[str, list[Link]]:
    """Give the flamegraphs that lie in the run folder, by capture (its path relative to the run folder).

    Empty where the capture is gone, no entry where it is there and was not drawn.
    """
    folder = record.folder / "flamegraphs"
    drawn = {path.name for path in folder.glob("*.html")} if folder.is_dir() else set()
    kept = {f"captures/{path.name}" for path in record.folder.glob("captures/*")}
    links: dict[str, list[Link]] = {}
    for line in record.lines:
        capture = line["values"].get("capture")
        if isinstance(capture, str):
            stem = capture.rpartition("/")[2].removesuffix(".bin")
            names = [(kind, f"{stem}.{kind}.html") for kind in _KINDS]
            found = [Link(kind, f"../flamegraphs/{name}") for kind, name in names if name in drawn]
            if found or capture not in kept:
                links[capture] = found
    return links
