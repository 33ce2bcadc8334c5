"""Write a run's report anew: RUN/report/index.html, report.md and measurements.csv.

leakbench report results/runs/20260101-120000 --open
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument("--baseline", type=Path, metavar="RUN", help="mark what is new against this run")
    parser.add_argument(
        "--no-redact",
        dest="redact",
        action="store_false",
        help="leave home and temporary folders in the pages",
    )
    parser.add_argument("--open", action="store_true", help="open the report in a browser")


def run(options: argparse.Namespace) -> int:
    from leakbench import report

    index = report.write(options.run, redact=options.redact, baseline=options.baseline)
    sys.stdout.write(f"{index}\n")
    if options.open:
        import webbrowser

        webbrowser.open(index.resolve().as_uri())
    return 0
