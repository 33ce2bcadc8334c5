"""Frames -> what the pages show. Pure: nothing is read, drawn or written here."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from leakbench import columns, counts
from leakbench.frame import IDENTITY, PRICES, RunRecord, cases_frame, measurements_frame, priced
from leakbench.repeats import say_truth, together
from leakbench.report import units

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

NOT_JUDGED = "not judged"
NAME_CHARACTERS = 120
TEXT_CHARACTERS = 2_000
SOURCE_CHARACTERS = 20_000
_SLUG_CHARACTERS = 60
_NAMED = 12  # cases in one note
_UNITS = {c.name: c.unit for c in (*counts.BY_NAME.values(), *columns.ALL, *PRICES)}
_KINDS = ("scenario", "pattern", "wild", "control", "")
_BOUND_ORDER = {"none": 0, "ideal": 2}


class Figure(NamedTuple):
    """A number as it is shown, and as cases.csv has it. `spread` is empty where all repeats read alike."""

    name: str
    raw: float
    text: str
    spread: str = ""

    @property
    def bare_spread(self) -> str:
        """The range as it stands below the figure, in a narrow column: "9.67–9.98".

        Without the unit where that is the figure's own, and as it is where a minus would stand by the dash.
        """
        least, _, most = self.spread.partition(" to ")
        if " " in least or "−" in self.spread:
            return self.spread
        unit = self.text.partition(" ")[2]
        return f"{least}–{most.removesuffix(f' {unit}') if unit else most}" if least else ""


class Failed(NamedTuple):
    """A probe that could not answer, and why."""

    case: str
    anchor: str
    probe: str
    repeat: int
    reason: str


LOSSES = ("lost_entries", "puts_refused", "writes_refused", "lost_updates")
LEFTOVERS = ("threads_left", "processes_left", "fds_left")
BREAKAGES = ("deadlocks", "sweepers_died", "iteration_errors")
FLAWS = (*LOSSES, "stale_answers", *LEFTOVERS, *BREAKAGES)
"""Counts of what a mitigation does that it should not."""


class CaseView(NamedTuple):
    """One row of a scenario. Without a verdict `verdict` is "failed", or NOT_JUDGED where nothing failed."""

    id: str
    key: str  # case, scale, seed and parameters: what finds its row in cases.csv
    mitigation: str
    label: str  # mitigation, with scale and seed where the run has several
    anchor: str
    scale: int
    repeats: int
    verdict: str
    verdict_note: str  # what single repeats say otherwise; empty where they agree
    truth: str  # empty where unknown
    truth_met: bool | None  # by most repeats; None without a truth or a verdict
    figures: Mapping[str, Figure]
    texts: Mapping[str, str]  # evidence, site_file, holder_path, … where measured
    declared: Mapping[str, Any]  # the entry of cases.json, or empty
    lines: Mapping[str, Mapping[str, Any]]  # probe -> values of the first repeat
    failures: tuple[Failed, ...]

    @property
    def is_sound(self) -> bool:
        """Whether it loses and refuses nothing, serves nothing stale, breaks nothing and leaves nothing."""
        return all(self.flaw(name) <= 0 for name in FLAWS)

    def flaw(self, name: str) -> float:
        """How often it has one of FLAWS. To refuse the crawler that floods the map is a limiter's purpose."""
        meant = self.number("writes_refused_to_crawler") if name == "writes_refused" else 0.0
        return self.number(name) - meant

    def said(self, name: str) -> str:
        """Give a text that was measured, of bounded length; empty where it was not."""
        return clip(self.texts.get(name, ""))

    def about(self, name: str) -> str:
        """Give what cases.json says of the mitigation, of bounded length; empty where it says nothing."""
        return clip(self.declared.get(name) or "", SOURCE_CHARACTERS if name == "source" else TEXT_CHARACTERS)

    def number(self, name: str, default: float = 0.0) -> float:
        return self.figures[name].raw if name in self.figures else default


class ScenarioView(NamedTuple):
    """One scenario's page."""

    name: str
    page: str
    kind: str
    title: str
    section: str
    mechanism: tuple[str, ...]  # paragraphs
    cases: tuple[CaseView, ...]


class ReportView(NamedTuple):
    """Everything the pages say, in the order they say it."""

    record: RunRecord
    scenarios: tuple[ScenarioView, ...]
    failures: tuple[Failed, ...]
    measurements: pd.DataFrame
    cases: pd.DataFrame

    @property
    def all_cases(self) -> list[CaseView]:
        return [case for scenario in self.scenarios for case in scenario.cases]


def clip(text: object, limit: int = TEXT_CHARACTERS) -> str:
    """Give text of bounded length; what is cut off is counted."""
    whole = str(text)
    return whole if len(whole) <= limit else f"{whole[:limit]}… ({len(whole) - limit:,} characters more)"


def slug(name: str) -> str:
    """Give a file name and anchor: the name itself where it is a plain one, else a likeness and a hash."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_SLUG_CHARACTERS]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")


def build(record: RunRecord) -> ReportView:
    """Build the view of a run; raises UnreadableRunError where a value does not fit its column."""
    measurements = measurements_frame(record)
    cases = priced(cases_frame(measurements))
    declared = {f"{case.get('scenario')}:{case.get('mitigation')}": case for case in record.cases}
    lines: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for line in record.lines:
        lines.setdefault(tuple(line[name] for name in IDENTITY), []).append(line)
    rows = cases.to_dict("records")
    many = _told_apart(rows)
    views: dict[str, list[CaseView]] = {}
    for row in rows:
        key = tuple(row[name] for name in IDENTITY)
        view = _case_view(row, lines[key], declared.get(row["case"], {}), many)
        views.setdefault(row["case"].partition(":")[0], []).append(view)
    scenarios = [_scenario_view(name, found) for name, found in views.items()]
    scenarios.sort(key=lambda s: _KINDS.index(s.kind) if s.kind in _KINDS else len(_KINDS))
    failures = tuple(f for scenario in scenarios for case in scenario.cases for f in case.failures)
    missing = _missing(declared, {row["case"] for row in rows})
    noted = record._replace(notes=(*record.notes, *missing))
    return ReportView(noted, tuple(scenarios), failures, measurements, cases)


def _missing(declared: Iterable[str], measured: Container[str]) -> list[str]:
    """Name what the run was to measure and did not: it was cut off."""
    found = [clip(case, NAME_CHARACTERS) for case in declared if case not in measured]
    if not found:
        return []
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    return [f"Not measured, {len(found):,} of the run's cases: {', '.join(found[:_NAMED])}{more}."]


def _told_apart(rows: Sequence[Mapping[Any, Any]]) -> list[str]:
    """Give the columns that tell cases of one name apart; a run of one scale and seed needs none."""
    seen: dict[tuple[Any, Any], set[Any]] = {}
    for row in rows:
        for name in IDENTITY[1:]:
            seen.setdefault((row["case"], name), set()).add(row[name])
    return [name for name in IDENTITY[1:] if any(len(seen[row["case"], name]) > 1 for row in rows)]


def _case_view(
    row: Mapping[Any, Any],
    lines: Sequence[Mapping[str, Any]],
    declared: Mapping[str, Any],
    many: Sequence[str],
) -> CaseView:
    identity = row["case"]
    mitigation = identity.partition(":")[2] or identity
    label = mitigation + "".join(
        f", {row[name]}" if name == "params" else f", {name} {row[name]:,}"
        for name in many
        if row[name] != ""
    )
    anchor = slug(label) or "case"
    present = {name: value for name, value in row.items() if value is not None and value is not pd.NA}
    failures = tuple(
        Failed(identity, anchor, line["probe"], line["repeat"], clip(line["reason"] or "no reason given"))
        for line in lines
        if line["status"] != "measured"
    )
    verdicts = [str(line["values"]["verdict"]) for line in lines if line["values"].get("verdict")]
    said = together(verdicts or ["failed" if failures else NOT_JUDGED])
    truth = str((declared.get("truth") or {}).get("verdict") or "")
    return CaseView(
        id=identity,
        key=" ".join(str(row[name]) for name in IDENTITY).strip(),
        mitigation=mitigation,
        label=clip(label, NAME_CHARACTERS),
        anchor=anchor,
        scale=row["scale"],
        repeats=row["repeats"],
        verdict=said.verdict,
        verdict_note=said.note,
        truth=truth,
        truth_met=say_truth(truth, verdicts) if truth and verdicts else None,
        figures=_figures(present),
        texts={name: value for name, value in present.items() if isinstance(value, str)},
        declared=declared,
        lines={line["probe"]: line["values"] for line in reversed(lines)},
        failures=failures,
    )


def _figures(present: Mapping[str, Any]) -> dict[str, Figure]:
    figures = {}
    for name, value in present.items():
        if isinstance(value, str | bool) or name.endswith(("_min", "_max")) or name in _NOT_FIGURES:
            continue
        unit = _UNITS.get(name, "")
        low, high = present.get(f"{name}_min", value), present.get(f"{name}_max", value)
        least, most = units.show(low, unit), units.show(high, unit)
        spread = _range(least, most) if least != most else ""
        figures[name] = Figure(name, value, units.show(value, unit), spread)
    return figures


def _range(least: str, most: str) -> str:
    """Give a range, its unit once: "9.67 to 9.98 MiB"; figures of several units ("3 min 2 s") keep theirs."""
    amount, _, unit = least.partition(" ")
    same = unit and unit == most.partition(" ")[2] and " " not in unit
    return f"{amount} to {most}" if same else f"{least} to {most}"


_NOT_FIGURES = frozenset(("scale", "seed", "repeats", "failures", "site_line"))


def _scenario_view(name: str, cases: Sequence[CaseView]) -> ScenarioView:
    declared = next((case.declared for case in cases if case.declared), {})
    mechanism = str(declared.get("mechanism") or "")
    paragraphs = [_paragraph(part) for part in re.split(r"\n\s*\n", mechanism) if part.strip()]
    ordered = sorted(cases, key=lambda case: _BOUND_ORDER.get(case.mitigation, 1))
    return ScenarioView(
        name=clip(name, NAME_CHARACTERS),
        page=f"scenario-{slug(name)}.html",
        kind=str(declared.get("kind") or ""),
        title=clip(declared.get("title") or name),
        section=str(declared.get("section") or ""),
        mechanism=tuple(clip(part) for part in paragraphs),
        cases=tuple(ordered),
    )


def _paragraph(text: str) -> str:
    """A docstring's paragraph on one line, or of a list a line for each of its points."""
    first, *points = re.split(r"(?:^|\n)\s*\* ", text)
    lines = [first, *(f"• {point}" for point in points)]
    return "\n".join(" ".join(line.split()) for line in lines if line.strip())


def count(cases: Iterable[CaseView], verdict: str) -> int:
    return sum(case.verdict == verdict for case in cases)
