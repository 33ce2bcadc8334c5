"""report.md: the figures of the pages as Markdown, for a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from leakbench.report import front_pages
from leakbench.report.advice import recommend

if TYPE_CHECKING:
    from leakbench.report.view import CaseView, ReportView, ScenarioView

_COLUMNS = (
    ("leak rate", "leak_bytes_per_op"),
    ("kept", "retained_entries"),
    ("live", "live_entries"),
    ("peak RSS", "peak_own_bytes"),
    ("heap kept", "heap_retained_bytes"),
    ("speed", "ops_per_second"),
    ("× none", "speed_ratio"),
    ("p50", "op_p50_ns"),
    ("p99", "op_p99_ns"),
    ("lost", "lost_entries"),
    ("stale", "stale_answers"),
)
_SHAPES = {"leak": "▲", "filling": "■", "bounded": "●", "steady": "▬", "unreturned": "◆"}


def escape(text: object) -> str:
    """Give text that Markdown and GitHub take as text: no markup, no table cell's end, no mention."""
    plain = re.sub(r"\s+", " ", str(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#+!|~@])", r"\\\1", plain)


def report(shown: ReportView) -> str:
    """Give the whole run as Markdown: a headline, what failed, a table for each scenario."""
    lines = [f"# {front_pages.headline(shown)}", ""]
    lines += [f"> {escape(note)}" for note in shown.record.notes]
    if shown.failures:
        lines += [f"## {len(shown.failures)} failed", ""]
        lines += [
            f"- **{escape(f.case)}**, {f.probe}, repeat {f.repeat}: {escape(f.reason)}"
            for f in shown.failures
        ]
        lines.append("")
    for scenario in shown.scenarios:
        lines += _scenario(scenario)
    lines += ["## Measured on", ""]
    lines += [
        f"- {escape(name)}: {escape(value)}" for name, value in front_pages.machine(shown.record.environment)
    ]
    return "\n".join([*lines, ""])


def _scenario(scenario: ScenarioView) -> list[str]:
    columns = [
        (title, name) for title, name in _COLUMNS if any(name in case.figures for case in scenario.cases)
    ]
    lines = [f"## {escape(scenario.name)}", "", escape(scenario.title), ""]
    lines.append("| mitigation | verdict | " + " | ".join(title for title, _ in columns) + " |")
    lines.append("|---|---|" + "---:|" * len(columns))
    lines += [_row(case, [name for _, name in columns]) for case in scenario.cases]
    advice = recommend(scenario.cases)
    if advice:
        lines += ["", f"**Take {escape(advice[0].case.label)}.** {escape(advice[0].reason)}"]
    return [*lines, ""]


def _row(case: CaseView, names: list[str]) -> str:
    verdict = f"{_SHAPES.get(case.verdict, '✕')} {case.verdict}"
    if case.verdict_note:
        verdict += f", {case.verdict_note}"
    if case.truth_met is False:
        verdict += f" (≠ {case.truth})"
    cells = [case.figures[name].text if name in case.figures else "–" for name in names]
    return " | ".join([f"| {escape(case.label)}", verdict, *cells]) + " |"
