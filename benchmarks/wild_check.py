"""What `leakbench check` says of real leaks: the truth beside the verdict, the rate, the holder, the seconds.

    python benchmarks/wild_check.py ['wild-*'] [--budget SECONDS] [--against RUN]

Each case of kind `wild` is checked as anyone's own step would be: a file with ``step`` in it, in a child that
finds the case's packages before all others. With `--against`, rates stand beside those that the ledger of a
run has measured on fixed ladders (`leakbench run 'wild-*' --probe ledger --out RUN`).

Exit status: 1 where a verdict is not the truth or a holder is not the one known, 4 where a case failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from leakbench import wheelhouse
from leakbench.catalogue import discover
from leakbench.checking import Wish, examine
from leakbench.errors import LeakbenchError
from leakbench.holder_names import NATIVE, is_known
from leakbench.model import matches_truth
from leakbench.plan import make_tasks, select
from leakbench.store import read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakbench.plan import Task
    from leakbench.verdict import Verdict

WRONG, FAILED = 1, 4
STEP_FILE = """\
from {module} import SCENARIO

step = SCENARIO.mitigations[{mitigation!r}].make()
"""


class Row(NamedTuple):
    """One case: what is known of it, and what check said."""

    case: str
    truth: str
    known_holder: str | None
    known_bytes_per_op: float | None  # by the ladder of another run
    said: Verdict | None  # None: it could not be checked, for the reason
    reason: str
    seconds: float  # of the whole check, children's starts included

    @property
    def is_true(self) -> bool:
        return self.said is not None and matches_truth(self.truth, self.said.verdict)

    @property
    def names_holder(self) -> bool | None:
        """Whether the holder is the one known; None where none is to be named."""
        if self.known_holder is None or self.said is None:
            return None
        if self.said.holder is None:
            return False
        return is_known(self.said.holder["path"], self.known_holder)


def is_native(row: Row) -> bool:
    return row.known_holder == NATIVE


def check(task: Task, budget_seconds: float, folder: Path, known_bytes_per_op: float | None) -> Row:
    """Check one case; what cannot be had or fails is a row with its reason."""
    truth = task.listed.mitigation
    file = folder / f"{task.case.scenario.replace('-', '_')}_{task.case.mitigation}.py"
    file.write_text(STEP_FILE.format(module=task.entry.module, mitigation=task.case.mitigation))
    said, reason, began = None, "", time.perf_counter()
    try:
        assert task.wheels is not None  # noqa: S101  # only cases with packages of their own come here
        # A check honours the person's PYTHONPATH: so these come before what is installed here.
        os.environ["PYTHONPATH"] = str(wheelhouse.install(task.wheels))
        began = time.perf_counter()
        said = examine(Wish(f"{file}::step", budget_seconds=budget_seconds))
    except LeakbenchError as error:
        reason = str(error)
    seconds = time.perf_counter() - began
    return Row(task.case.id, truth.verdict, truth.holder, known_bytes_per_op, said, reason, seconds)


def show(row: Row) -> None:
    """One line of the table, and below it the evidence where the verdict is not the truth."""
    if row.said is None:
        print(f"{row.case:40} {row.truth:8} failed: {row.reason}", flush=True)
        return
    mark = {True: "ok", False: "NOT", None: ""}
    against = ""
    if row.known_bytes_per_op:
        against = f"{row.said.leak_bytes_per_op / row.known_bytes_per_op - 1:+.1%}"
    found = row.said.holder or {}
    holder = found.get("path") or (found.get("type") if row.said.leaks else "") or ""
    print(
        f"{row.case:40} {row.truth:8} {row.said.verdict:12} {mark[row.is_true]:3}"
        f" {row.said.leak_bytes_per_op:10,.1f} {against:>7} {row.said.ops:>9,} {row.seconds:5.1f} s"
        f"  {mark[row.names_holder]:3} {holder}",
        flush=True,
    )
    if not row.is_true:
        print(f"{'':40} {row.said.evidence}", flush=True)


def ledger_rates(run: Path | None) -> dict[str, float]:
    """Bytes per operation of each case that leaked in a run, by the ledger; the last repeat counts."""
    if run is None:
        return {}
    rows, _ = read_rows(run)
    return {
        row["case"]: row["values"]["leak_bytes_per_op"]
        for row in rows
        if row["probe"] == "ledger" and row["status"] == "measured"
    }


def tasks_of(globs: Sequence[str]) -> list[Task]:
    catalogue = discover()
    pairs = select(catalogue, globs)
    wild = [pair for pair in pairs if catalogue.entries[pair[0]].scenario.kind == "wild"]
    return make_tasks(catalogue, wild, probes=("ledger",))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", default=["wild-*"], help="as of `leakbench run` (default: all)")
    parser.add_argument("--budget", type=float, default=5.0, help="seconds for each (default: 5)")
    parser.add_argument("--against", type=Path, metavar="RUN", help="a run whose ledger's rates are compared")
    options = parser.parse_args()
    rates = ledger_rates(options.against)
    print(
        f"{'case':40} {'truth':8} {'verdict':12}     {'B/op':>10} {'':>7} {'ops':>9} {'time':>7}      holder"
    )
    rows = []
    with tempfile.TemporaryDirectory(prefix="leakbench-wild-") as folder:
        for task in tasks_of(options.cases):
            if task.repeat == 0:
                rows.append(check(task, options.budget, Path(folder), rates.get(task.case.id)))
                show(rows[-1])
    python, native = (
        [row.names_holder for row in rows if row.names_holder is not None and is_native(row) == wanted]
        for wanted in (False, True)
    )
    print(
        f"\n{sum(row.is_true for row in rows)} of {len(rows)} verdicts are the truth;"
        f" {sum(python)} of {len(python)} Python holders are the one known,"
        f" {sum(native)} of {len(native)} native ones are said to be native;"
        f" {sum(row.seconds for row in rows):.0f} s in all"
    )
    if any(row.said is None for row in rows):
        return FAILED
    return 0 if all(row.is_true for row in rows) and all(python + native) else WRONG


if __name__ == "__main__":
    sys.exit(main())
