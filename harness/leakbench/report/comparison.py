"""Two runs beside each other, as Markdown for a pull request and as a page of its own."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.compare import compare, unlike, unlike_for_speed
from leakbench.frame import measurements_frame, read_run
from leakbench.report import front_pages, pages, redact, units, view
from leakbench.report.markdown import escape

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import pandas as pd

_NAMED = 6  # cases in one line
_ORDER = ("worse", "better", "only in A", "only in B", "unchanged")


class Comparison(NamedTuple):
    """Differences of run `b` from run `a`. `caveats` says how far to trust them, a phrase each."""

    a_name: str
    b_name: str
    differences: pd.DataFrame  # as leakbench.compare.compare gives it
    caveats: tuple[str, ...]

    @property
    def is_worse(self) -> bool:
        return bool((self.differences["outcome"] == "worse").any())

    def count(self, outcome: str) -> int:
        return int((self.differences["outcome"] == outcome).sum())


def compare_runs(a: Path, b: Path, *, in_spite_of_unlike: bool = False, redacted: bool = True) -> Comparison:
    """Read two run folders and compare them; raises UnlikeError, and what `read_run` raises."""
    frames = []
    for folder in (a, b):
        record = read_run(folder)
        frames.append(measurements_frame(redact.redact_run(record) if redacted else record))
    differences = compare(*frames, in_spite_of_unlike=in_spite_of_unlike)
    caveats = [f"compared in spite of unlike {phrase}" for phrase in unlike(*frames)]
    kept = "compared in spite of" if in_spite_of_unlike else "left out, for"
    caveats += [f"times are {kept} unlike {phrase}" for phrase in unlike_for_speed(*frames)]
    caveats += _asked_otherwise(differences)
    return Comparison(a.name, b.name, differences, tuple(caveats))


def _asked_otherwise(differences: pd.DataFrame) -> list[str]:
    """Say which cases both runs measured and not alike, so that no row of one has its twin in the other."""
    both = set(_only_in("A", differences)) & set(_only_in("B", differences))
    if not both:
        return []
    cases = f"{len(both):,} case{'s' * (len(both) != 1)}"
    return [f"not compared are {cases} that the runs have at another scale, seed or parameter: {_few(both)}"]


def _few(cases: Collection[str]) -> str:
    """Name the first few of some cases, and say how many more there are."""
    named = [view.clip(case, view.NAME_CHARACTERS) for case in sorted(cases)[:_NAMED]]
    more = len(cases) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def alone(comparison: Comparison) -> list[str]:
    """Say of each run which cases it alone has: how many, and the first few; empty where it has none."""
    sides = {side: _only_in(side, comparison.differences) for side in ("A", "B")}
    return [f"only in {side}: {len(cases):,} ({_few(cases)})" for side, cases in sides.items() if cases]


def news(differences: pd.DataFrame) -> list[front_pages.News]:
    """Give what differs from a baseline, worse first, and in a line each what it or the run alone has."""
    rows = [row for row in differences.to_dict("records") if row["outcome"] in ("worse", "better")]
    rows.sort(key=lambda row: row["outcome"] != "worse")
    changes = [_change(row) for row in rows]
    found = [
        front_pages.News(
            row["case"], row["outcome"], f"{row['said']}{f': {change}' if change else ''}", row["outcome"]
        )
        for row, change in zip(rows, changes, strict=True)
    ]
    sides = {"the baseline": _only_in("A", differences), "this run": _only_in("B", differences)}
    return found + [
        front_pages.News(f"{len(cases):,}", f"only in {side}", _few(cases), "")
        for side, cases in sides.items()
        if cases
    ]


def _only_in(side: str, differences: pd.DataFrame) -> list[str]:
    return list(differences["case"][differences["outcome"] == f"only in {side}"])


def _rows(comparison: Comparison) -> list[dict[Any, Any]]:
    """Rows in the order in which they are read: worse first, in each the order of the run."""
    rows = comparison.differences.to_dict("records")
    return sorted(rows, key=lambda row: _ORDER.index(row["outcome"]))


def _shown(value: object, unit: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return units.show(value, unit)
    return view.clip(value) if isinstance(value, str) else "–"


def _change(row: Mapping[Any, Any]) -> str:
    """Give B − A with its sign, and as a share of A; empty where they are no numbers, or there is none."""
    change = row["change"]
    if not isinstance(change, int | float) or isinstance(change, bool) or change == 0:
        return ""
    said = units.show(abs(change), row["unit"])
    share = change / abs(row["a"]) if row["a"] else None
    signed = f"{'+' if change > 0 else '−'}{said}"
    if share is None:
        return signed
    return f"{signed} ({_signed_share(share)})"


def _signed_share(share: float) -> str:
    if abs(share) < 0.0005:  # noqa: PLR2004  # would read as 0.0 %
        return "less than 0.1 %"
    return f"{share:+.1%}".replace("-", "−").replace("%", " %")


def headline(comparison: Comparison) -> str:
    parts = [f"{comparison.count(name)} {name}" for name in _ORDER if comparison.count(name)]
    return ", ".join(parts) if parts else "nothing in common"


class ShownRow(NamedTuple):
    """One difference, as text."""

    outcome: str
    case: str
    quantity: str
    a: str
    b: str
    change: str


def shown_rows(comparison: Comparison) -> list[ShownRow]:
    """What is worse or better, worse first."""
    return [
        ShownRow(
            row["outcome"],
            row["case"],
            row["quantity"],
            _shown(row["a"], row["unit"]),
            _shown(row["b"], row["unit"]),
            _change(row),
        )
        for row in _rows(comparison)
        if row["outcome"] in ("worse", "better")
    ]


def to_markdown(comparison: Comparison) -> str:
    """Give what differs as a table, and what is unchanged as a number."""
    lines = [f"### leakbench: {headline(comparison)}", ""]
    lines.append(f"`B` {escape(comparison.b_name)} against `A` {escape(comparison.a_name)}.")
    lines += [f"> {phrase[0].upper()}{escape(phrase[1:])}." for phrase in comparison.caveats]
    rows = shown_rows(comparison)
    if rows:
        lines += ["", "| | case | quantity | A | B | change |", "|---|---|---|---:|---:|---:|"]
        lines += [_markdown_row(row) for row in rows]
    for phrase in alone(comparison):
        lines += ["", f"{phrase[0].upper()}{escape(phrase[1:])}."]
    return "\n".join([*lines, ""])


def _markdown_row(row: ShownRow) -> str:
    cells = (row.outcome, escape(row.case), row.quantity, escape(row.a), escape(row.b), escape(row.change))
    return "| " + " | ".join(cells) + " |"


def to_page(comparison: Comparison) -> str:
    """Give the comparison as one HTML file, style within."""
    assets = resources.files("leakbench.report").joinpath("assets")
    style, script = (
        "\n".join(assets.joinpath(name).read_text(encoding="utf-8") for name in names)
        for names in (("chart.css", "report.css"), ("report.js",))
    )
    rows = [
        row
        | {"shown_a": _shown(row["a"], row["unit"]), "shown_b": _shown(row["b"], row["unit"])}
        | {"shown_change": _change(row)}
        for row in _rows(comparison)
    ]
    template = pages.bare_environment().get_template("comparison.html.j2")
    return template.render(
        headline=headline(comparison),
        a_name=comparison.a_name,
        b_name=comparison.b_name,
        caveats=comparison.caveats,
        differing=[row for row in rows if row["outcome"] in ("worse", "better")],
        unchanged=[row for row in rows if row["outcome"] == "unchanged"],
        alone={f"Only in {side}": _only_in(side, comparison.differences) for side in ("A", "B")},
        style=style,
        script=script,
    )
