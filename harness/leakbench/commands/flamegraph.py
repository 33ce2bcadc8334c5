"""A memray flamegraph of a case, measured now, or the difference of two.

  leakbench flamegraph session-map:none                 where memory was at its peak
  leakbench flamegraph session-map:none --leaks         what was never freed
  leakbench flamegraph session-map:none --temporal      with a slider over time
  leakbench flamegraph --diff session-map:none session-map:ttl

With --diff the two may also be memray capture files of anyone's.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from leakbench import wheelhouse
from leakbench.catalogue import discover
from leakbench.errors import LeakbenchError
from leakbench.model import Failure
from leakbench.output import written_at_once
from leakbench.plan import make_tasks, select
from leakbench.probes import Place, heap
from leakbench.runner import outcome_of
from leakbench.spawn import Limits
from leakbench.spawn import run as run_children

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_DEADLINE_SECONDS = 300.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "cases", nargs="+", metavar="CASE", help="scenario:mitigation, or a memray capture file"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--leaks", dest="kind", action="store_const", const="leaks", help="what was never freed"
    )
    kind.add_argument(
        "--temporal", dest="kind", action="store_const", const="temporal", help="memory over time"
    )
    kind.add_argument("--diff", action="store_true", help="what the second holds more or less than the first")
    parser.add_argument(
        "--out", type=Path, metavar="FILE.html", help="where to write it (default: by the case's name)"
    )
    parser.add_argument(
        "--scenarios", type=Path, action="append", default=[], metavar="PATH", help="your own scenarios"
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.set_defaults(kind="peak")


def run(options: argparse.Namespace) -> int:
    from leakbench.report import flamegraph, flamegraph_diff

    wanted = 2 if options.diff else 1
    if len(options.cases) != wanted:
        raise LeakbenchError(
            f"{'--diff wants two cases' if options.diff else 'one case at a time'}; got {len(options.cases)}"
        )
    kind = "diff" if options.diff else options.kind
    target = options.out or Path(f"{'-against-'.join(_stem(case) for case in options.cases)}.{kind}.html")
    with tempfile.TemporaryDirectory(prefix="leakbench-") as folder, written_at_once(target) as part:
        captures = _captures(options.cases, options.scenarios, Path(folder))
        if options.diff:
            flamegraph_diff(captures[0], captures[1], part)
        else:
            flamegraph(captures[0], part, kind=options.kind)
    sys.stdout.write(f"{target}\n")
    if options.open:
        import webbrowser

        webbrowser.open(target.resolve().as_uri())
    return 0


def _stem(case: str) -> str:
    return Path(case).stem.replace(":", "@") if Path(case).is_file() else case.replace(":", "@")


def _captures(cases: Sequence[str], own: Sequence[Path], folder: Path) -> list[Path]:
    """The capture file of each case: its own, or one made now."""
    catalogue = None
    captures = []
    for number, case in enumerate(cases):
        if Path(case).is_file():
            captures.append(Path(case))
            continue
        catalogue = catalogue or discover(own)
        pairs = select(catalogue, [case])
        if len(pairs) != 1:
            names = ", ".join(":".join(pair) for pair in pairs)
            raise LeakbenchError(f"{case!r} names {len(pairs)} cases, name one of them: {names}")
        part = folder / str(number)
        (part / "captures").mkdir(parents=True)
        (task,) = make_tasks(catalogue, pairs, probes=("heap",))
        if task.wheels is not None:
            wheelhouse.install(task.wheels)
        (child,) = run_children([heap.order(task, Place(part, Limits(_DEADLINE_SECONDS), 1 << 62))])
        outcome = outcome_of(task, child)
        if isinstance(outcome, Failure):
            raise LeakbenchError(f"{case}: {outcome.reason}")
        captures.append(heap.capture_path(part, task))
    return captures
