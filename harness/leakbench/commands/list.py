"""Show the scenarios with their mitigations and the truth about each.

leakbench list                      everything, as a table
leakbench list --kind control
leakbench list --json               one JSON document
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leakbench.catalogue import Catalogue, discover
from leakbench.contract import KINDS

if TYPE_CHECKING:
    import argparse

SCHEMA = 1
_TITLES = {"wild": "real leaks of published packages"}  # of the other kinds, the plural


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--kind", choices=KINDS, help="only this kind")
    parser.add_argument(
        "--scenarios", type=Path, action="append", default=[], metavar="PATH", help="your own scenarios"
    )


def run(options: argparse.Namespace) -> int:
    catalogue = discover(options.scenarios)
    if options.json:
        json.dump(document(catalogue, options.kind), sys.stdout, indent=1, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        _table(catalogue, options.kind)
    for broken in catalogue.broken:
        sys.stderr.write(f"leakbench list: {broken.file}: {broken.reason}\n")
    return 1 if catalogue.broken else 0


def document(catalogue: Catalogue, kind: str | None) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "schema": SCHEMA,
        "scenarios": [
            {
                "name": entry.scenario.name,
                "kind": entry.scenario.kind,
                "title": entry.scenario.title,
                "section": entry.scenario.section,
                "version": entry.scenario.version,
                "steps": entry.scenario.steps,
                "mitigations": [
                    {
                        "name": listed.mitigation.name,
                        "leaks": listed.mitigation.leaks,
                        "verdict": listed.mitigation.verdict,
                        "holder": listed.mitigation.holder,
                        "deterministic": listed.mitigation.deterministic,
                        "summary": listed.mitigation.summary,
                    }
                    for listed in entry.mitigations.values()
                ],
            }
            for entry in catalogue.entries.values()
            if kind in (None, entry.scenario.kind)
        ],
    }


def _table(catalogue: Catalogue, kind: str | None) -> None:
    from rich.text import Text

    from leakbench.terminal import console, table, verdict_text

    shown = [entry for entry in catalogue.entries.values() if kind in (None, entry.scenario.kind)]
    screen = console()
    for group in KINDS:
        entries = [entry for entry in shown if entry.scenario.kind == group]
        if not entries:
            continue
        rows = table("case", "truth", "what it does", title=_TITLES.get(group, f"{group}s"))
        for entry in entries:
            section = f"  § {entry.scenario.section}" if entry.scenario.section else ""
            title = Text.assemble((entry.scenario.title, "bold"), section)
            rows.add_row(Text(entry.scenario.name, "bold"), "", title)
            for name, listed in entry.mitigations.items():
                rows.add_row(f"  :{name}", verdict_text(listed.mitigation.verdict), listed.mitigation.summary)
        screen.print(rows)
