"""The front page and the page of claims, as text. Nothing is written here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.contract import VERDICTS
from leakbench.report import pictures, units, view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2

    from leakbench.report.view import ReportView

_CLAIM_STYLES = {"holds": "holds", "in part": "part", "refuted": "refuted"}


class News(NamedTuple):
    """One difference from the baseline run. `css` is better, worse or empty."""

    case: str
    outcome: str
    said: str
    css: str


def front(templates: jinja2.Environment, report: ReportView, news: Sequence[News] | None) -> str:
    """The front page: the matrix, what failed, what is new, and where it was measured."""
    cases = report.all_cases
    verdicts = (*VERDICTS, *sorted({c.verdict for c in cases} - {*VERDICTS, "failed"}), "failed")
    return templates.get_template("index.html.j2").render(
        headline=headline(report),
        subline=_subline(report),
        tally=[(verdict, view.count(cases, verdict)) for verdict in verdicts if view.count(cases, verdict)],
        notes=report.record.notes,
        failed=report.failures,
        untrue=[case for case in cases if case.truth_met is False],
        news=news,
        scenarios=report.scenarios,
        claims=[_claim(claim) for claim in report.record.claims],
        machine=machine(report.record.environment),
    )


def headline(report: ReportView) -> str:
    """Say the run in one sentence."""
    cases = report.all_cases
    if not cases:
        return "Nothing was measured"
    wrong = sum(case.truth_met is False for case in cases)
    failed = len({failure.case for failure in report.failures})
    said = f"{view.count(cases, 'leak')} of {len(cases)} cases leak"
    if wrong:
        said += f"; {wrong} not as declared"
    elif all(case.truth_met for case in cases):
        said += ", each as declared"
    return f"{said}; {failed} failed" if failed else said


def _subline(report: ReportView) -> str:
    found = report.record.environment
    commit = found.get("commit") or {}
    profile = (found.get("asked") or {}).get("profile")
    parts = [
        f"{len(report.scenarios)} scenario{'s' * (len(report.scenarios) != 1)}",
        f"{len(report.measurements):,} measurements",
        f"profile {profile}" if profile else "",
        f"commit {str(commit['hash'])[:10]}{' with local changes' * bool(commit.get('dirty'))}"
        if commit.get("hash")
        else "",
        f"measured in {units.show_seconds(found['wall_seconds'])}" if found.get("wall_seconds") else "",
    ]
    return " · ".join(part for part in parts if part)


def machine(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of all that environment.json says of the machine and the packages."""
    rows = []
    for group in ("machine", "python", "packages"):
        values = dict(found.get(group) or {})
        if group == "python" and {"implementation", "version"} <= values.keys():
            named = (view.clip(values.pop(name)) for name in ("implementation", "version"))
            rows.append(("Python", " ".join(named)))
        for name, value in values.items():
            said = units.show_bytes(value) if str(name).endswith("_bytes") else view.clip(_plain(value))
            rows.append((str(name).removesuffix("_bytes").replace("_", " "), said))
    return rows


def _plain(value: object) -> object:
    return (
        {True: "yes", False: "no", None: "unknown"}.get(value, value)
        if isinstance(value, bool | None)
        else value
    )


def _claim(claim: Mapping[str, Any]) -> dict[str, Any]:
    verdict = str(claim.get("verdict") or "")
    return {
        "section": str(claim.get("section") or ""),
        "says": view.clip(claim.get("says") or ""),
        "measured": view.clip(claim.get("measured") or ""),
        "statements": [
            {"says": view.clip(each.get("says") or ""), "is_true": each.get("is_true") is True}
            for each in claim.get("statements") or ()
        ],
        "verdict": verdict,
        "css": _CLAIM_STYLES.get(verdict, "open"),
        "chart": pictures.claim(claim.get("chart")),
        "title": view.clip((claim.get("chart") or {}).get("title") or ""),
    }


def claims(templates: jinja2.Environment, report: ReportView) -> str:
    """Give the page of what the article says beside what was measured of it."""
    shown = [_claim(claim) for claim in report.record.claims]
    verdicts = Counter(claim["verdict"] for claim in shown)
    return templates.get_template("claims.html.j2").render(claims=shown, tally=sorted(verdicts.items()))
