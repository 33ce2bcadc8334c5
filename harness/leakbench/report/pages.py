"""The view -> pages as text. Nothing is written here."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
from markupsafe import Markup, escape

from leakbench.columns import ALL, KEY, SETTING, VALUES
from leakbench.contract import VERDICTS
from leakbench.counts import BY_NAME as COUNTED
from leakbench.counts import COUNTS
from leakbench.frame import PRICES
from leakbench.report import holders, pictures, source, units, view, wild
from leakbench.report.advice import recommend, set_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from leakbench.report.view import CaseView, Failed, ReportView, ScenarioView

_COUNTS = ("server_peak_rss_bytes", "puts_refused", "writes_refused", "lost_updates")
_BY_NAME = {column.name: column for column in (*ALL, *PRICES, *(COUNTED[name] for name in _COUNTS))}
_TITLES = {
    "leak_bytes_per_op": "Leak rate",
    "retained_entries": "Kept",
    "live_entries": "Live",
    "peak_own_bytes": "Peak RSS",
    "memory_ratio": "× ideal",
    "server_peak_rss_bytes": "Server's peak",
    "peak_growth_bytes": "Peak growth",
    "settled_growth_bytes": "Settled growth",
    "heap_peak_bytes": "Heap peak",
    "heap_retained_bytes": "Heap kept",
    "ops_per_second": "Speed",
    "speed_ratio": "× none",
    "op_p50_ns": "p50",
    "op_p99_ns": "p99",
    "op_p999_ns": "p99.9",
    "gc_pause_max_seconds": "Longest GC",
    "lost_entries": "Lost",
    "puts_refused": "Puts refused",
    "writes_refused": "Writes refused",
    "lost_updates": "Updates lost",
    "stale_answers": "Stale",
    "hit_ratio": "Hits",
    "threads_left": "Threads left",
}
_FACTS = (
    ("peak_growth_bytes", "peak RSS growth"),
    ("settled_growth_bytes", "settled RSS growth"),
    ("heap_peak_bytes", "heap peak"),
    ("allocations", "allocations"),
    ("hit_ratio", "hits"),
    ("op_p50_ns", "p50"),
    ("gc_pause_seconds", "collector pauses"),
)
_SCENARIO_COLUMNS = (
    "leak_bytes_per_op", "retained_entries", "peak_own_bytes", "server_peak_rss_bytes", "memory_ratio",
    "heap_retained_bytes",
    "ops_per_second", "speed_ratio", "op_p99_ns", "op_p999_ns", "gc_pause_max_seconds",
    "lost_entries", "puts_refused", "writes_refused", "lost_updates", "stale_answers", "threads_left",
)  # fmt: skip


class Columns(NamedTuple):
    """A table's columns, and the titles of flaws that were measured and that no case has: they need none."""

    shown: list[dict[str, str]]
    nowhere: list[str]


def _columns(names: Iterable[str], cases: Sequence[CaseView]) -> Columns:
    known = [name for name in names if any(name in case.figures for case in cases)]
    nowhere = {name for name in known if name in view.FLAWS and not any(case.number(name) for case in cases)}
    shown = [
        {"name": name, "title": _TITLES[name], "meaning": _BY_NAME[name].meaning}
        for name in known
        if name not in nowhere
    ]
    return Columns(shown, [_TITLES[name].lower() for name in known if name in nowhere])


def bare_environment() -> jinja2.Environment:
    """Give an environment in which everything is escaped and a misspelt name is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("leakbench.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def environment(report: ReportView) -> jinja2.Environment:
    """Give the templates' environment for a run's pages."""
    loaded = bare_environment()
    pages = {case.id: scenario.page for scenario in report.scenarios for case in scenario.cases}
    loaded.globals.update(
        environment={"leakbench": "", "created": ""}
        | {k: v for k, v in report.record.environment.items() if v},
        verdict_class=_verdict_class,
        raw=_raw,
        share=lambda ratio: f"{min(max(ratio, 0.0), 1.0):.3f}",
        clip=view.clip,
        clip_name=_short,
        prose=_prose,
        by_reason=_by_reason,
        page_of=lambda case: pages[case.id],
        real_leaks=wild.PAGE if wild.rows(report) else "",
        where_is=lambda failed: f"{pages[failed.case]}#{failed.anchor}",
    )
    return loaded


def _verdict_class(verdict: str) -> str:
    """Give the style of a verdict; what has none is drawn as inconclusive."""
    return verdict if verdict in (*VERDICTS, "failed") else "inconclusive"


def _raw(value: float) -> str:
    """Give the figure as cases.csv has it."""
    return repr(value)


def _by_reason(failures: Sequence[Failed]) -> list[tuple[Failed, str]]:
    """Draw failures of one case for one reason together: the first of them, and "rss ×3, heap"."""
    groups: dict[tuple[str, str, str], list[Failed]] = {}
    for failure in failures:
        groups.setdefault((failure.case, failure.anchor, failure.reason), []).append(failure)
    said = []
    for group in groups.values():
        probes = Counter(failure.probe for failure in group)
        said.append((group[0], ", ".join(f"{name} ×{n}" if n > 1 else name for name, n in probes.items())))
    return said


def _prose(text: str) -> Markup:
    """Give a docstring's text with ``code`` set as code; all else stays text."""
    return Markup(re.sub(r"``?([^`]+)``?", r"<code>\1</code>", str(escape(text))))  # noqa: S704  # escaped above


def scenario(templates: jinja2.Environment, shown: ScenarioView, flames: Mapping[str, Sequence[Link]]) -> str:
    """Give the page of one scenario. `flames` has the flamegraphs of each capture."""
    return templates.get_template("scenario.html.j2").render(
        scenario=shown,
        failed=[failure for case in shown.cases for failure in case.failures],
        advice=recommend(shown.cases),
        set_apart=set_apart(shown.cases),
        ideal=next((case for case in shown.cases if case.mitigation == "ideal"), None),
        growth=pictures.growth(shown),
        pareto=pictures.pareto(shown),
        grows=pictures.quantity(shown.cases).words,
        price=pictures.peak(shown.cases).words,
        columns=_columns(_SCENARIO_COLUMNS, shown.cases),
        leaks=any(case.verdict == "leak" for case in shown.cases),
        facts=_FACTS,
        counts=COUNTS.get(shown.name, ()),
        flames=lambda case: _links(case, flames, says_how=True),
        evidence=lambda case: view.clip(case.lines.get("ledger", {}).get("evidence") or ""),
        holder=_holder,
        over_time=pictures.over_time(shown.cases),
        has_pauses=any(case.lines.get("rss", {}).get("gc_longest_pauses_ns") for case in shown.cases),
        source_of=_sources(shown.cases),
        site_line=lambda case: (case.lines.get("heap", {}).get("site") or {}).get("line", "?"),
    )


class Link(NamedTuple):
    """A flamegraph that exists."""

    title: str
    href: str


def _links(case: CaseView, flames: Mapping[str, Sequence[Link]], *, says_how: bool = False) -> Markup:
    """Link a case's flamegraphs, or say why there are none, and `says_how`: with what they are drawn."""
    capture = case.lines.get("heap", {}).get("capture")
    found = flames.get(str(capture))
    if not found:
        said = "no capture" if capture is None else "not drawn yet" if found is None else "capture deleted"
        missing = Markup('<span class="missing">{}</span>').format(said)
        if capture is None or not says_how:
            return missing
        # A run may come from anyone, and this is to be copied into a shell.
        named = shlex.quote(_short(case.id))
        return Markup("{}: <code>leakbench flamegraph {}</code> draws one").format(missing, named)
    return Markup(" ").join(Markup('<a href="{}">{}</a>').format(link.href, link.title) for link in found)


def _sources(cases: Sequence[CaseView]) -> Callable[[CaseView], Markup]:
    """Give what draws a case's source: text that several share (a function made in a loop) stands once."""
    first: dict[str, CaseView] = {}
    for case in cases:
        first.setdefault(case.about("source"), case)

    def draw(case: CaseView) -> Markup:
        text = case.about("source")
        if not text:
            return Markup()
        if first[text].mitigation == case.mitigation:
            return source.highlight(text)
        return Markup('<p class="small">Source: that of <a href="#{}">{}</a>, with other values.</p>').format(
            first[text].anchor, first[text].label
        )

    return draw


def _holder(case: CaseView) -> Markup:
    """Draw the paths from roots to the containers that grow, or say what was declared and not looked for."""
    found = case.lines.get("holder", {}).get("holder")
    if not isinstance(found, dict) or not found.get("path"):
        declared = (case.declared.get("truth") or {}).get("holder")
        if not declared:
            return Markup()
        return Markup(
            '<p class="site">Declared holder: <code>{}</code>, not looked for on the heap.</p>'
        ).format(_short(declared))
    others = case.lines["holder"].get("other_holders") or []
    return Markup().join(_held(each) for each in (found, *others) if isinstance(each, dict))


def _held(found: Mapping[str, Any]) -> Markup:
    share = found.get("bytes_share")
    part = f", {units.show_share(share)} of what grows" if isinstance(share, float) else ""
    return Markup('<p class="site">Held by {}{}:</p>{}').format(
        holders.name(found), part, holders.draw(found)
    )


def _short(name: object) -> str:
    return view.clip(name, view.NAME_CHARACTERS)


def real_leaks(
    templates: jinja2.Environment, report: ReportView, flames: Mapping[str, Sequence[Link]]
) -> str:
    """Give the page of published packages: what leaks, who holds it, what mends it, what RSS makes of it."""
    return wild.page(templates, report, flames=lambda case: _links(case, flames), holder_name=holders.name)


def all_cases(templates: jinja2.Environment, report: ReportView) -> str:
    """Give the page with every figure of every case."""
    columns = _columns(_TITLES, report.all_cases)
    return templates.get_template("cases.html.j2").render(scenarios=report.scenarios, columns=columns)


def glossary(templates: jinja2.Environment) -> str:
    """Give the page that says what every column means, by what measures it."""
    groups = [
        ("Where it was measured", SETTING),
        ("What was measured", KEY),
        *((f"Probe {probe}", columns) for probe, columns in VALUES.items()),
        ("Beside the scenario's bounds", PRICES),
        *((f"Counted by {scenario}", columns) for scenario, columns in COUNTS.items()),
    ]
    return templates.get_template("columns.html.j2").render(groups=groups)
