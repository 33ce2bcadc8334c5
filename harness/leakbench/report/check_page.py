"""A check as one page that opens from disk: verdict, rate, curve, holders, site, memray's flamegraph."""

from __future__ import annotations

import linecache
import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench import checking, wording
from leakbench.errors import LeakbenchError
from leakbench.output import written_at_once
from leakbench.report import charts, holders, memray_pages, pages, redact, units

if TYPE_CHECKING:
    from leakbench.verdict import Verdict

_RATE_PER_SECOND = 1_000.0  # as the calculator begins, unless another was asked for
_LIMIT_BYTES = 2 << 30
_LINES_AROUND = 3
_STACK_FRAMES = 12


class Flamegraph(NamedTuple):
    """memray's page of the leak; `reason` says why there is none."""

    page: str = ""
    reason: str = ""


class SourceLine(NamedTuple):
    """A line of the person's file near the allocation."""

    number: int
    text: str
    is_site: bool


def examine_and_write(
    wish: checking.Wish, target: str | Path, *, rate_per_second: float | None = None
) -> Verdict:
    """Check, and write the page to `target`, in which everything is contained.

    Raises LeakbenchError before anything is measured where `target` cannot be written, and what
    `checking.examine` raises: then what was there before stays.
    """
    output = Path(target)
    with written_at_once(output) as part, tempfile.TemporaryDirectory(prefix="leakbench-") as folder:
        capture = Path(folder) / "leak.bin"
        verdict = checking.examine(wish, keep_capture=str(capture))
        page = render(verdict, wish, _flamegraph(verdict, wish, capture), rate_per_second=rate_per_second)
        part.write_bytes(page.encode("utf-8", errors="replace"))
    return verdict


def _flamegraph(verdict: Verdict, wish: checking.Wish, capture: Path) -> Flamegraph:
    if not capture.exists():
        return Flamegraph(reason=_why_none(verdict, wish))
    try:
        return Flamegraph(page=memray_pages.whole_page(capture, kind="leaks"))
    except LeakbenchError as error:
        return Flamegraph(reason=str(error))


def _why_none(verdict: Verdict, wish: checking.Wish) -> str:
    if wish.only_verdict:
        return "--only-verdict leaves it out"
    if verdict.verdict != "leak":
        return "nothing leaks, so nothing was traced"
    return "memray could not trace it: it must be installed for the interpreter that was checked"


def render(
    verdict: Verdict, wish: checking.Wish, flame: Flamegraph, *, rate_per_second: float | None = None
) -> str:
    """Give the page, scripts and styles within; the same for the same answer, but for the site's source."""
    assets = resources.files("leakbench.report").joinpath("assets")
    rate = rate_per_second or _RATE_PER_SECOND
    limit_bytes = wish.limit_bytes or _LIMIT_BYTES
    loaded = pages.bare_environment()
    loaded.globals.update(
        verdict_class=lambda name: name, show=units.show, redacted=redact.redact_text, raw=repr
    )
    return loaded.get_template("check.html.j2").render(
        verdict=verdict,
        meaning=wording.MEANINGS[verdict.verdict],
        target=redact.redact_text(wish.target),
        rates=wording.rates(verdict, rate, None if verdict.verdict == "leak" else wish.limit_bytes),
        rate=f"{rate:g}",
        limit_mib=f"{limit_bytes / 2**20:g}",
        lin=_curve(verdict, logarithmic=False),
        log=_curve(verdict, logarithmic=True),
        held=_held(verdict),
        draw=holders.draw,
        holder_name=holders.name,
        stack=(verdict.site or {}).get("stack", ())[:_STACK_FRAMES],
        source=_source(verdict.site),
        flame=flame,
        style="".join(assets.joinpath(each).read_text(encoding="utf-8") for each in _STYLES),
        script=assets.joinpath("report.js").read_text(encoding="utf-8"),
    )


_STYLES = ("chart.css", "report.css")


def _curve(verdict: Verdict, *, logarithmic: bool) -> str:
    """Draw live heap and resident memory above the first rung, against steps.

    Where all growth is in the heap the two are one line: resident is a pale band, and the heap lies upon it.
    """
    if len(verdict.ladder) < 2:  # noqa: PLR2004  # one rung is no curve
        return ""
    steps, heap, resident = zip(*verdict.ladder, strict=True)
    leaks = verdict.verdict == "leak" and "heap" in verdict.resources
    lines = []
    if None not in resident:
        above = [each - resident[0] for each in resident]
        lines.append(charts.Series("resident", charts.BENEATH, steps, above))
    lines.append(
        charts.Series(
            "live heap",
            verdict.verdict,
            steps,
            [each - heap[0] for each in heap],
            rate=verdict.leak_bytes_per_op if leaks else None,
            interval=verdict.interval if leaks else None,
        )
    )
    return charts.growth(lines, logarithmic=logarithmic, quantity="above the first rung")


def _held(verdict: Verdict) -> list[dict[str, Any]]:
    """Give the holders, largest share first, each with every field that the page reads; none may matter."""
    if verdict.holder is None:
        return []
    first = {**verdict.holder, "bytes_share": verdict.holder.get("share")}
    unknown = {"bytes_share": None, "root": None, "ceiling_bytes": None}
    return [{**unknown, **redact.redact_value(each)} for each in (first, *verdict.holders[1:])]


def _source(site: dict[str, Any] | None) -> list[SourceLine]:
    """Give the lines around the allocation; none where the file cannot be read here."""
    if site is None:
        return []
    lines = linecache.getlines(site["file"])
    first = max(1, site["line"] - _LINES_AROUND)
    shown = lines[first - 1 : site["line"] + _LINES_AROUND]
    return [SourceLine(n, text.rstrip(), n == site["line"]) for n, text in enumerate(shown, first)]
