"""Say whether a function of yours leaks, how fast, where, and who holds it.

  leakbench check service.py::handle_request
  leakbench check app.handlers:login --json
  leakbench check service.py::step --rate 1000/s --limit 2GiB
  leakbench check app.py::application --request 'GET /health'      an ASGI or WSGI application
  leakbench check service.py::step --steps 100000                  a fixed length, for CI
  leakbench check service.py::step --python ../other/.venv/bin/python

The function is one step, called as f(i) for i = 0, 1, 2, …, or f() where it takes nothing. What it returns
is awaited if it can be, and a generator is run to its end. A web application has to answer without an error
status. The module may define leakcheck_setup() and leakcheck_teardown().

Exit status: 0 no leak, 1 leak (or a cache that fills beyond --limit), 2 wrong usage, 3 inconclusive, 4 the
target itself failed.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import TYPE_CHECKING

from leakbench import checking, wording
from leakbench.errors import LeakbenchError
from leakbench.sketch import MARKS, curve, styled
from leakbench.units import parse_rate, parse_size

if TYPE_CHECKING:
    import argparse

    from leakbench.verdict import Verdict

LEAK, INCONCLUSIVE, FAILED = 1, 3, 4
_LABEL_COLUMNS = 11  # "because    " and its like
_CURVE_COLUMNS, _CURVE_LABEL_COLUMNS = 56, 14
_FEWEST_COLUMNS, _USUAL_COLUMNS = 40, 80


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="path/to/file.py::name or package.module:name")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--budget", type=float, default=5.0, metavar="SECONDS", help="most time to climb (default: 5)"
    )
    parser.add_argument(
        "--deadline",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="most time for one step to return; after it the check ends with status 4 (default: 20)",
    )
    length.add_argument("--steps", type=int, metavar="N", help="climb exactly so far, or to --growth-cap")
    parser.add_argument("--only-verdict", action="store_true", help="leave out the site and the holder")
    parser.add_argument(
        "--limit", metavar="SIZE", help="memory there is: days until it is full; more than it is a leak"
    )
    parser.add_argument("--rate", metavar="N/s", help="operations a second, for MiB a day")
    parser.add_argument(
        "--request",
        metavar="'GET /path'",
        help="the request to send, where TARGET is a web application; 'GET /path 404' where it is to be"
        " answered so",
    )
    parser.add_argument(
        "--python", default=sys.executable, metavar="INTERPRETER", help="check with this interpreter"
    )
    parser.add_argument(
        "--growth-cap",
        metavar="SIZE",
        help="end the climb where memory has grown so far, and judge what was seen (default: 256MiB)",
    )
    parser.add_argument(
        "--memory-cap", metavar="SIZE", help="most resident memory (default: half of what is available)"
    )
    parser.add_argument(
        "--report", metavar="FILE.html", help="write a page with the curve, the holder and a flamegraph"
    )


def run(options: argparse.Namespace) -> int:
    wish = _wish(options)
    rate = parse_rate(options.rate) if options.rate else None
    try:
        if options.report:
            from leakbench.report.check_page import examine_and_write

            verdict = examine_and_write(wish, options.report, rate_per_second=rate)
            sys.stderr.write(f"written: {options.report}\n")
        else:
            verdict = checking.examine(wish)
    except checking.TargetFailedError as error:
        return _failed(error, options)
    if options.json:
        sys.stdout.write(json.dumps(verdict.document()) + "\n")
    else:
        _show(verdict, rate, wish.limit_bytes)
    if verdict.verdict == "inconclusive":
        return INCONCLUSIVE
    return LEAK if verdict.leaks else 0


def _wish(options: argparse.Namespace) -> checking.Wish:
    if options.steps is not None and options.steps < 1:
        raise LeakbenchError(f"--steps {options.steps} is out of its range: 1 or more")
    if not 0 < options.budget < math.inf:  # nan is no budget either
        raise LeakbenchError(f"--budget {options.budget:g} is out of its range: more than 0 seconds")
    if not 0 < options.deadline < math.inf:
        raise LeakbenchError(f"--deadline {options.deadline:g} is out of its range: more than 0 seconds")
    if not options.python:
        raise LeakbenchError("--python names no interpreter")
    return checking.Wish(
        target=options.target,
        budget_seconds=options.budget,
        steps=options.steps,
        limit_bytes=_limit_bytes(options.limit),
        only_verdict=options.only_verdict,
        python=options.python,
        request=options.request,
        growth_cap_bytes=checking.growth_cap_bytes(
            parse_size(options.growth_cap) if options.growth_cap else None
        ),
        memory_cap_bytes=parse_size(options.memory_cap) if options.memory_cap else None,
        deadline_seconds=options.deadline,
    )


def _limit_bytes(limit: str | None) -> int | None:
    if limit is None:
        return None
    limit_bytes = parse_size(limit)
    if limit_bytes < 1:
        raise LeakbenchError(f"--limit {limit} is out of its range: 1 byte or more")
    return limit_bytes


def _failed(error: checking.TargetFailedError, options: argparse.Namespace) -> int:
    if options.json:
        document = {
            "schema": 1,
            "target": options.target,
            "verdict": None,
            "failure": {"kind": error.ending.kind, "step": error.ending.step, "message": str(error)},
            "seen": dict(error.seen),
        }
        sys.stdout.write(json.dumps(document) + "\n")
    sys.stderr.write(f"leakbench check: {error}\n")
    return FAILED


def _show(verdict: Verdict, rate_per_second: float | None, limit_bytes: int | None) -> None:
    mark, style = MARKS[verdict.verdict]
    lines = [f"{_styled(f'{mark} {verdict.verdict}', style)}  {wording.MEANINGS[verdict.verdict]}"]
    for line in wording.details(verdict, rate_per_second=rate_per_second, limit_bytes=limit_bytes):
        lines += _wrapped(line)
    if verdict.verdict != "steady":  # a first call's few bytes would fill the chart
        points = [(steps, heap) for steps, heap, _ in verdict.ladder]
        columns = (
            min(_CURVE_COLUMNS, _columns() - _CURVE_LABEL_COLUMNS) if sys.stdout.isatty() else _CURVE_COLUMNS
        )
        lines += [
            "  " + line for line in curve(points, columns=columns, logarithmic=verdict.verdict == "bounded")
        ]
    lines.append(_styled(f"  {verdict.ops:,} operations in {verdict.seconds:.2f} s", "dim"))
    sys.stdout.write("\n".join(lines) + "\n")


def _styled(text: str, style: str) -> str:
    """Emphasis on a terminal, and colour where NO_COLOR does not forbid it. Rich takes 25 ms to import."""
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return text
    return styled(text, style, colours=not os.environ.get("NO_COLOR"))


def _wrapped(line: str) -> list[str]:
    """A line of the answer within the terminal's width, continued below where its text begins."""
    if not sys.stdout.isatty():
        return ["  " + line]
    import textwrap

    hang = " " * (2 + _LABEL_COLUMNS) if line[_LABEL_COLUMNS - 1 : _LABEL_COLUMNS] == " " else "  "
    return textwrap.wrap(
        line,
        _columns(),
        initial_indent="  ",
        subsequent_indent=hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _columns() -> int:
    try:
        return max(_FEWEST_COLUMNS, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError):  # a terminal without a size
        return _USUAL_COLUMNS
