"""The page "real leaks": published packages, the version that leaked beside what mended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.holder_names import NATIVE, is_known
from leakbench.report import units

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import jinja2
    from markupsafe import Markup

    from leakbench.report.view import CaseView, ReportView, ScenarioView

PAGE = "real-leaks.html"
CALLS_PER_SECOND = 100
LIMIT_BYTES = 2 << 30
RSS_LEAST_BYTES = 1 << 20
"""What resident memory must have risen by to be read as a leak: one arena, by which CPython's allocator and
glibc's trimming move it."""
_SECONDS_A_DAY = 86_400
_LEAKY = "none"
_NO_LEAK = ("steady", "bounded", "unreturned")


class Opinion(NamedTuple):
    """What whoever reads resident memory before and after would say of a case."""

    grown_bytes: float
    says_leak: bool
    is_right: bool | None  # None where the truth is unknown


class Row(NamedTuple):
    """One published package: the case that leaks or looks so, and what mends it."""

    scenario: ScenarioView
    leaky: CaseView
    mended: CaseView | None  # `upgrade`, else `workaround`
    package: str  # "babel 2.11.0"
    mended_by: str  # "2.12.1", "no release yet: …", or empty
    days: float | None  # until LIMIT_BYTES are full at CALLS_PER_SECOND
    known_holder: str
    found_holder: dict[str, Any] | None
    names_holder: bool | None  # None where none is to be named, or none was looked for
    opinion: Opinion | None
    mended_opinion: Opinion | None

    @property
    def is_leak(self) -> bool:
        """Whether it is known to leak; if not, it looks so."""
        return self.leaky.truth == "leak"


class Score(NamedTuple):
    """How often something was right."""

    right: int
    of: int


def rows(report: ReportView) -> list[Row]:
    """Rows of the report's scenarios of kind `wild`, in their order; a scenario without `none` has no row."""
    found = []
    for scenario in report.scenarios:
        cases = {case.mitigation: case for case in scenario.cases}
        if scenario.kind == "wild" and _LEAKY in cases:
            found.append(_row(scenario, cases[_LEAKY], cases.get("upgrade") or cases.get("workaround")))
    return found


def _row(scenario: ScenarioView, leaky: CaseView, mended: CaseView | None) -> Row:
    rate = leaky.number("leak_bytes_per_op")
    known = str((leaky.declared.get("truth") or {}).get("holder") or "")
    failed = any(failure.probe == "holder" for failure in leaky.failures)
    looked = None if failed else leaky.lines.get("holder")
    found = (looked.get("holder") or None) if looked is not None else None
    path = found.get("path") if isinstance(found, dict) else None
    return Row(
        scenario=scenario,
        leaky=leaky,
        mended=mended,
        package=_package(leaky),
        mended_by=_mended_by(mended),
        days=LIMIT_BYTES / (rate * CALLS_PER_SECOND) / _SECONDS_A_DAY if rate > 0 else None,
        known_holder=known,
        found_holder=found if isinstance(found, dict) else None,
        names_holder=is_known(path, known) if known and looked is not None else None,
        opinion=_opinion(leaky),
        mended_opinion=_opinion(mended) if mended is not None else None,
    )


def _package(case: CaseView) -> str:
    """The package that the case is about, with its version; those that come with it are left out."""
    packages = case.declared.get("packages") or [case.mitigation]
    return str(packages[0]).replace("==", " ")


def _mended_by(mended: CaseView | None) -> str:
    if mended is None:
        return ""
    if mended.mitigation == "upgrade":
        return _package(mended).rpartition(" ")[2]
    return f"no release; {mended.about('summary')}"


def _opinion(case: CaseView) -> Opinion | None:
    if "peak_growth_bytes" not in case.figures:
        return None
    grown = case.number("peak_growth_bytes")
    says_leak = grown > RSS_LEAST_BYTES
    return Opinion(grown, says_leak, (case.truth == "leak") == says_leak if case.truth else None)


def page(
    templates: jinja2.Environment,
    report: ReportView,
    *,
    flames: Callable[[CaseView], Markup],
    holder_name: Callable[[dict[str, Any]], Markup],
) -> str:
    """Give the page's text; empty where the report has no real leaks."""
    shown = rows(report)
    if not shown:
        return ""
    return templates.get_template("wild.html.j2").render(
        leaks=[row for row in shown if row.is_leak],
        alike=[row for row in shown if not row.is_leak],
        scores=scores(shown),
        flames=flames,
        holder_name=holder_name,
        native=NATIVE,
        days=units.show_days,
        bytes_of=units.show_bytes,
        calls_per_second=CALLS_PER_SECOND,
        limit_mib=LIMIT_BYTES >> 20,
        least=units.show_round_bytes(RSS_LEAST_BYTES),
    )


def scores(shown: Sequence[Row]) -> dict[str, Score]:
    """How often verdict, holder and resident memory were right, each of the cases that it was asked for."""
    cases = [case for row in shown for case in (row.leaky, row.mended) if case is not None]
    verdicts = [case.truth_met for case in cases if case.truth_met is not None]
    python = [row for row in shown if row.known_holder not in ("", NATIVE)]
    holders = [row.names_holder for row in python if row.names_holder is not None]
    natives = [
        row.names_holder for row in shown if row.known_holder == NATIVE and row.names_holder is not None
    ]
    opinions = [
        each.is_right
        for row in shown
        for each in (row.opinion, row.mended_opinion)
        if each is not None and each.is_right is not None
    ]
    return {
        "verdicts": _score(verdicts),
        "holders": _score(holders),
        "natives": _score(natives),
        "rss": _score(opinions),
    }


def _score(right: Sequence[bool]) -> Score:
    return Score(sum(right), len(right))
