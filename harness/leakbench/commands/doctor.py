"""Say what this machine can and cannot measure, what is then measured how, and how to mend it.

  leakbench doctor
  leakbench doctor --json

Exit status: 0 where everything can be measured as designed, 1 where something is measured another way.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from leakbench.doctor import Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(options: argparse.Namespace) -> int:
    from leakbench.doctor import examine

    findings = examine()
    if options.json:
        rows = [finding._asdict() for finding in findings]
        sys.stdout.write(json.dumps({"schema": 1, "findings": rows}, indent=1, ensure_ascii=False) + "\n")
    else:
        _show(findings)
    return 0 if all(finding.able for finding in findings) else 1


def _show(findings: list[Finding]) -> None:
    from leakbench.terminal import BAD, GOOD, console, table

    rows = table("", "what", "found", "then", "the way out")
    for finding in findings:
        mark = GOOD if finding.able else BAD
        rows.add_row(mark, finding.what, finding.found, finding.instead, finding.mend)
    console().print(rows)
