"""What leakbench's judge, asv's peakmem_ and asv-bench-memray's ray_ see of one planted history, in one run.

  leakbench history /tmp/desk && cd /tmp/desk && asv machine --yes && asv run ALL
  python benchmarks/history_beside.py /tmp/desk

One row a planted change of a case; a cell is before → after, marked ● where the change is seen. The usual
ways are counted twice: at asv's own threshold, 5 %, and at the judge's 1 %, which is what marks. An alarm is
a change that is seen where the commit brought the case nothing, or that goes the other way.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from asv import results
from leakbench import asv_history, judge_history
from leakbench.commands.compare_commits import figure, whole
from leakbench.history import TRUTH
from leakbench.terminal import console, table
from leakbench.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

USUAL = {
    "peakmem_": "bench_service.Usual.peakmem_usual",
    "ray_": "bench_service.Usual.ray_usual",
}
SHARES = (0.05, 0.01)
WORSE = judge_history.WORSE


class Change(NamedTuple):
    """A figure of a case that a commit moved: outcome is "worse" or "better"."""

    subject: str
    case: str
    outcome: str


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="a history whose commits asv has measured")
    folder = parser.parse_args().folder
    truth = json.loads((folder / TRUTH).read_text(encoding="utf-8"))
    for series in whole(asv_history.read(folder)):
        show(series, truth, usual_figures(folder, series))
    return 0


def usual_figures(folder: Path, series: asv_history.Series) -> dict[str, list[Mapping[str, float]]]:
    """By way: a commit's bytes by case, in the order of the series; what is missing is absent."""
    found: dict[str, dict[str, Mapping[str, float]]] = {way: {} for way in USUAL}
    configuration = json.loads((folder / "asv.conf.json").read_text(encoding="utf-8"))
    for result in results.iter_results(os.path.join(folder, configuration["results_dir"])):  # noqa: PTH118
        if (result.params["machine"], result.env_name) != (series.machine, series.environment):
            continue
        for way, name in USUAL.items():
            if name in result.get_all_result_keys():
                found[way][result.commit_hash] = _by_case(result, name)
    return {
        way: [by_hash.get(commit.hash, {}) for commit in series.commits] for way, by_hash in found.items()
    }


def _by_case(result: Any, name: str) -> dict[str, float]:
    (mitigations,) = result.get_result_params(name)
    values = result.get_result_value(name, [mitigations])
    named = (f"deskservice:{mitigation.strip(chr(39))}" for mitigation in mitigations)
    return {case: value for case, value in zip(named, values, strict=True) if value and math.isfinite(value)}


def moves(series: asv_history.Series, figures: list[Mapping[str, float]], share: float) -> Iterator[Change]:
    """Each commit whose figure differs from the last commit's by more than the share."""
    for commit, before, after in zip(series.commits[1:], figures, figures[1:], strict=False):
        for case in before.keys() & after.keys():
            if abs(after[case] - before[case]) > share * before[case]:
                outcome = WORSE if after[case] > before[case] else judge_history.BETTER
                yield Change(commit.subject, case, outcome)


def show(
    series: asv_history.Series, truth: Mapping[str, Any], usual: Mapping[str, list[Mapping[str, float]]]
) -> None:
    planted = [(row["subject"], brings) for row in truth["commits"] for brings in row["brings"]]
    wanted = {Change(subject, brings["case"], brings["outcome"]) for subject, brings in planted}
    findings = judge_history.judge(series.commits)
    ours = {(f.commit.subject, f.case, f.quantity, f.outcome): f for f in findings}
    seen = {
        (way, share): set(moves(series, figures, share)) for way, figures in usual.items() for share in SHARES
    }
    order = [commit.subject for commit in series.commits]
    rows = table("commit", "case", "what", "leakbench", *USUAL, title=f"{series.machine}: {series.told}")
    for subject, brings in planted:
        case, quantity, outcome = brings["case"], brings["quantity"], brings["outcome"]
        finding = ours.get((subject, case, quantity, outcome))
        told = "missed"
        if finding is not None:
            told = f"● {figure(quantity, finding.before)} → {figure(quantity, finding.after)}"
        place = order.index(subject)
        cells = [
            _cell(figures[place - 1], figures[place], Change(subject, case, outcome), seen[way, SHARES[1]])
            for way, figures in usual.items()
        ]
        rows.add_row(subject, case.partition(":")[2], f"{quantity} {outcome}", told, *cells)
    screen = console()
    screen.print(rows)
    graded = judge_history.grade(findings, truth)
    screen.print(f"leakbench: {len(graded.right)} of {len(planted)} seen, {len(graded.false_alarms)} alarms")
    for (way, share), changes in seen.items():
        screen.print(
            f"{way} at {share:.0%}: {len(changes & wanted)} of {len(wanted)} seen,"
            f" {len(changes - wanted)} alarms"
        )


def _cell(before: Mapping[str, float], after: Mapping[str, float], change: Change, seen: set[Change]) -> str:
    if change.case not in before or change.case not in after:
        return "not measured"
    moved = f"{format_bytes(before[change.case])} → {format_bytes(after[change.case])}"
    return f"● {moved}" if change in seen else moved


if __name__ == "__main__":
    sys.exit(main())
