"""What measured values make of what an article claims. Pure: values in, findings out.

A claim is taken apart into statements that each compare named values of measured cases. All true: it `holds`;
none: it is `refuted`; else it holds `in part`. No verdict stands here, only the comparisons.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.claims.drawing import draw
from leakbench.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from leakbench.claims.drawing import Chart, Figures, Read

_NS_PER_SECOND = 1e9


class Statement(NamedTuple):
    """One comparison; `{0}`, `{1}`, … in `says` are the values that `reads` names, with their units."""

    says: str
    reads: tuple[Read, ...]
    is_true: Callable[..., bool]  # of these values, in their order


class Claim(NamedTuple):
    """A sentence of the article; `section` is its number there, `chart` what lets a reader see it."""

    section: str
    says: str
    statements: tuple[Statement, ...]
    chart: Chart | None = None


class Said(NamedTuple):
    """A statement with its figures, and whether they bear it out."""

    says: str
    is_true: bool


class Finding(NamedTuple):
    """A claim and what was measured; `verdict` is "holds", "in part" or "refuted"."""

    section: str
    says: str
    statements: tuple[Said, ...]
    verdict: str
    chart: Mapping[str, Any] | None = None  # title, x, y, unit, series: [{name, points: [[x, y], …]}, …]

    @property
    def measured(self) -> str:
        return "; ".join(each.says if each.is_true else f"not so: {each.says}" for each in self.statements)

    def document(self) -> dict[str, Any]:
        """The claim as claims.json has it."""
        statements = [each._asdict() for each in self.statements]
        return {**self._asdict(), "measured": self.measured, "statements": statements}


def figures(lines: Iterable[Mapping[str, Any]]) -> dict[Read, Any]:
    """The values of measurements.jsonl's measured lines, repeats taken together."""
    seen: dict[Read, list[Any]] = {}
    for line in lines:
        if line["status"] == "measured":
            for name, value in line["values"].items():
                seen.setdefault((line["case"], name), []).append(value)
    return {key: _one(values) for key, values in seen.items()}


def _one(values: Sequence[Any]) -> Any:  # of whatever type the values are
    """The median of numbers; the first of lists, as a ladder is one; else what most of them say."""
    if all(isinstance(value, int | float) for value in values):
        return median(values)
    if isinstance(values[0], list):
        return values[0]
    texts = [_text(value) for value in values]
    return max(texts, key=texts.count)


def _text(value: Any) -> str:  # as above
    """A holder is known by its path."""
    return str(value.get("path") if isinstance(value, dict) else value)


def findings(claims: Iterable[Claim], known: Figures) -> list[Finding]:
    """What the values say of each claim; claims of which a value is missing are left out."""
    return [
        _find(claim, known)
        for claim in claims
        if all(read in known for statement in claim.statements for read in statement.reads)
    ]


def _find(claim: Claim, known: Figures) -> Finding:
    said = []
    for statement in claim.statements:
        values = [known[read] for read in statement.reads]
        shown = [show(name, known[case, name]) for case, name in statement.reads]
        said.append(Said(statement.says.format(*shown), bool(statement.is_true(*values))))
    truths = [each.is_true for each in said]
    verdict = "holds" if all(truths) else "in part" if any(truths) else "refuted"
    chart = draw(claim.chart, known) if claim.chart is not None else None
    return Finding(claim.section, claim.says, tuple(said), verdict, chart)


def show(name: str, value: Any) -> str:
    """A value with the unit that its name ends in."""
    if isinstance(value, str):
        return value
    if name.endswith(("_bytes", "bytes_per_op")):
        return format_bytes(value)
    if name.endswith("_ns"):
        return format_seconds(value / _NS_PER_SECOND)
    if name.endswith("_ratio"):
        return f"{value:.3f}"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2g}"  # noqa: PLR2004
