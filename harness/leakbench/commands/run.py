"""Measure cases in fresh child processes, and write a report.

  leakbench run                                    the catalogue, quick profile
  leakbench run session-map                        all mitigations of one scenario
  leakbench run 'session-map:*lru*' noop           globs, several
  leakbench run session-map:none --probe ledger    one probe
  leakbench run session-map:none --scale 10000000 --param payload_bytes=16 --probe rss
  leakbench run --out results/runs/monday --resume go on where a run was cut off

Exit status: 0 where every verdict is its truth (the leaking baselines leak, as they should), 1 where one
is not, 2 wrong usage or a folder that cannot be written, 4 where a case failed, 130 where it was interrupted.
Cases that have a clock, a thread or a server of their own are repeated: most of the repeats decide.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leakbench import environment, resume
from leakbench.catalogue import Catalogue, discover
from leakbench.claims import CLAIMS, figures, findings
from leakbench.errors import LeakbenchError
from leakbench.model import Failure, Outcome
from leakbench.plan import PROFILES, Task, make_tasks, select
from leakbench.probes import NAMES, Place
from leakbench.runner import Tally, execute
from leakbench.spawn import Limits
from leakbench.store import CASES, ENVIRONMENT, FINDINGS, Run, read_document, read_rows
from leakbench.units import format_bytes, format_rate, format_seconds, parse_size

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from leakbench.wheelhouse import Wheels

UNTRUE, FAILED, INTERRUPTED = 1, 4, 130
_GROWTH_CAP_BYTES = 256 << 20
_DEADLINE_SECONDS = 120.0
_SECONDS_A_STEP = 200e-6  # a generous bound for slow steps under memray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "cases", nargs="*", metavar="CASE", help="scenario, scenario:mitigation, or a glob of either"
    )
    parser.add_argument("--profile", choices=PROFILES, help="how many steps (default: quick)")
    parser.add_argument("--probe", choices=NAMES, action="append", help="only this probe; may be repeated")
    parser.add_argument(
        "--jobs", type=int, default=environment.cores(), metavar="N",
        help="children at a time, at most one of them timed (default: the machine's cores)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="the run's folder (default: results/runs/TIME)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run in --out, as it was asked for or with CASE"
    )
    parser.add_argument("--scale", type=int, metavar="STEPS", help="steps measured; lifts the growth cap")
    parser.add_argument("--seed", type=int, help="seed of the script (default: 0)")
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=N", help="a scenario's parameter"
    )
    parser.add_argument(
        "--scenarios", type=Path, action="append", default=[], metavar="PATH", help="your own scenarios"
    )
    parser.add_argument(
        "--heap-repeats", type=int, metavar="N",
        help="captures of the heap of a case that does not repeat to the byte; those after the first give its"
        " peak alone (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--memory-cap", metavar="SIZE", help="resident memory of a child (default: half of what is free)"
    )
    parser.add_argument(
        "--deadline", type=float, metavar="SECONDS", help="time for one child (default: by its steps)"
    )
    parser.add_argument("--no-report", action="store_true", help="measure only")
    parser.add_argument("--open", action="store_true", help="open the report in a browser")


def run(options: argparse.Namespace) -> int:
    _check(options)
    asked = resume.settle(_asked(options), _asked_before(options.out) if options.resume else None)
    catalogue = discover(options.scenarios)
    for broken in catalogue.broken:
        sys.stderr.write(f"leakbench run: {broken.file}: {broken.reason}\n")
    tasks = make_tasks(
        catalogue,
        select(catalogue, asked.cases, asked.profile),
        profile=asked.profile,
        scale=asked.scale,
        seed=asked.seed,
        params=asked.params,
        probes=asked.probes or NAMES,
        heap_repeats=asked.heap_repeats,
    )
    folder = options.out or Path("results", "runs", datetime.now(UTC).strftime("%Y%m%d-%H%M%S"))
    place = Place(folder, _limits(options, asked), _GROWTH_CAP_BYTES if asked.scale is None else 1 << 62)
    compile_child()
    began = time.monotonic()
    with Run(folder, resume=options.resume) as held:
        about, cases, before_seconds = _documents(held, catalogue, tasks, asked, options.jobs)
        held.write(CASES, cases)
        held.write(ENVIRONMENT, about)
        tally = _measure(tasks, held, place, options.jobs)
        held.write(FINDINGS, _findings(folder))
        held.write(ENVIRONMENT, about | {"wall_seconds": before_seconds + time.monotonic() - began})
    status = _conclude(tally, catalogue, folder, options, time.monotonic() - began)
    if status != INTERRUPTED and not options.no_report:
        _report(folder, asked, open_it=options.open)
    return status


def compile_child() -> None:
    """Compile what the children import: one that must compile first allocates otherwise than the next."""
    import compileall

    here = Path(__file__).resolve().parent.parent
    for folder in (here / "child", here / "mitigations"):
        compileall.compile_dir(folder, quiet=2)
    compileall.compile_file(here / "contract.py", quiet=2)


def _documents(
    held: Run, catalogue: Catalogue, tasks: Sequence[Task], asked: resume.Asked, jobs: int
) -> tuple[dict[str, Any], list[Any], float]:
    """environment.json, cases.json, and the seconds that the run has taken before.

    Raises LeakbenchError where a run is to be gone on with under other circumstances: one run must not hold
    what cannot be compared.
    """
    about = environment.fingerprint() | {"jobs": jobs, "asked": asked._asdict()}
    cases = _cases(catalogue, tasks)
    if not (held.folder / ENVIRONMENT).exists():
        return about, cases, 0.0
    before = read_document(held.folder, ENVIRONMENT)
    differences = resume.differences(before, about)
    if differences:
        raise LeakbenchError(
            f"{held.folder} was measured under other circumstances: {', '.join(differences)};"
            " measure anew with another --out"
        )
    cases_before = read_document(held.folder, CASES)
    changed = resume.changed_cases(cases_before, cases)
    if changed:
        raise LeakbenchError(
            f"{held.folder} was measured with another {', another '.join(changed)};"
            " measure anew with another --out"
        )
    cases = resume.merge_cases(cases_before, cases)
    return resume.merge_environments(before, about), cases, before.get("wall_seconds", 0.0)


def _findings(folder: Path) -> list[dict[str, Any]]:
    """The document claims.json: what all that was measured says of those claims that it is enough for."""
    return [finding.document() for finding in findings(CLAIMS, figures(read_rows(folder)[0]))]


def _check(options: argparse.Namespace) -> None:
    if options.jobs < 1:
        raise LeakbenchError(f"--jobs {options.jobs} is out of its range: 1 or more")
    if options.heap_repeats is not None and options.heap_repeats < 1:
        raise LeakbenchError(f"--heap-repeats {options.heap_repeats} is out of its range: 1 or more")
    if options.scale is not None and options.scale < 1:
        raise LeakbenchError(f"--scale {options.scale} is out of its range: 1 step or more")
    if options.deadline is not None and not options.deadline > 0:  # nan is no deadline either
        raise LeakbenchError(f"--deadline {options.deadline:g} is out of its range: more than 0 seconds")
    if options.resume and options.out is None:
        raise LeakbenchError("--resume needs --out: which run is it to go on with?")


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line names; None for what it leaves open."""
    return {
        "cases": options.cases or None,
        "probes": list(dict.fromkeys(options.probe)) if options.probe else None,
        "profile": options.profile,
        "scale": options.scale,
        "seed": options.seed,
        "params": _parameters(options.param) or None,
        "heap_repeats": options.heap_repeats,
    }


def _asked_before(folder: Path) -> dict[str, Any]:
    """What the run in `folder` was asked for. Raises StoreError where there is none."""
    document: dict[str, Any] = read_document(folder, ENVIRONMENT).get("asked", {})
    return document


def _parameters(given: Sequence[str]) -> dict[str, int]:
    values = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            values[name] = int(number)
        except ValueError:
            raise LeakbenchError(f"--param {text!r}: write NAME=N with a whole number") from None
    return values


def _limits(options: argparse.Namespace, asked: resume.Asked) -> Limits:
    deadline = options.deadline or _DEADLINE_SECONDS + _SECONDS_A_STEP * (asked.scale or 0)
    if options.memory_cap is not None:
        return Limits(deadline, parse_size(options.memory_cap))
    return Limits(deadline, environment.available_bytes() // 2 // options.jobs)


def _cases(catalogue: Catalogue, tasks: Sequence[Task]) -> list[dict[str, Any]]:
    """The document cases.json: what the report says of each case without having to import it."""
    wanted = {(task.case.scenario, task.case.mitigation) for task in tasks}
    rows = []
    for name, entry in catalogue.entries.items():
        for mitigation_name, listed in entry.mitigations.items():
            if (name, mitigation_name) not in wanted:
                continue
            scenario, mitigation = entry.scenario, listed.mitigation
            rows.append({
                "scenario": name,
                "mitigation": mitigation_name,
                "kind": scenario.kind,
                "title": scenario.title,
                "section": scenario.section,
                "version": scenario.version,
                "mechanism": entry.mechanism,
                "summary": mitigation.summary,
                "cost": mitigation.cost,
                "requires": list(mitigation.requires),
                "packages": list(mitigation.packages),
                "truth": {
                    "verdict": mitigation.verdict,
                    "leaks": mitigation.leaks,
                    "holder": mitigation.holder,
                    "deterministic": mitigation.deterministic,
                },
                "source": listed.source(),
            })  # fmt: skip
    return rows


def _measure(tasks: Sequence[Task], held: Run, place: Place, jobs: int) -> Tally:
    if sys.stderr.isatty():
        from leakbench.progress import Bar

        with Bar(len(tasks)) as bar:
            return execute(tasks, held, place, jobs=jobs, listener=bar, installing=bar.installing)
    lines = _Lines(len(tasks))
    return execute(tasks, held, place, jobs=jobs, listener=lines, installing=lines.installing)


class _Lines:
    """Progress where there is no terminal: one plain line for each child that ended."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._ended = 0

    def installing(self, wheels: Wheels) -> None:
        sys.stderr.write(f"installing {wheels.name}\n")
        sys.stderr.flush()

    def started(self, task: Task) -> None:
        """Said when it has ended."""

    def ended(self, task: Task, outcome: Outcome) -> None:
        self._ended += 1
        said = f"failed: {outcome.reason}" if isinstance(outcome, Failure) else headline(outcome.values)
        sys.stderr.write(f"[{self._ended}/{self._total}] {task.case.id} {task.probe}: {said}\n")
        sys.stderr.flush()


def headline(values: Any) -> str:
    """A measurement in a few words."""
    if "verdict" in values:
        return f"{values['verdict']}, {format_rate(values['leak_bytes_per_op'])}"
    if "baseline_rss_bytes" in values:
        grown = values["peak_rss_bytes"] - values["baseline_rss_bytes"]
        return f"peak {format_bytes(grown)} over the baseline, {values['ops_per_second']:,.0f} op/s"
    if "heap_peak_bytes" in values:
        return f"heap peak {format_bytes(values['heap_peak_bytes'])}"
    if "op_p99_ns" in values:
        return f"p99 {format_seconds(values['op_p99_ns'] / 1e9)}"
    return "measured"


def _draw_flamegraphs(folder: Path, *, everything: bool) -> None:
    """All kinds of each capture, or what leaked in cases that leak: all would double a quick run's time."""
    from leakbench import report

    draw = partial(report.flamegraphs, folder)
    if not everything:
        known = figures(read_rows(folder)[0])
        leaking = [
            case
            for (case, name), value in known.items()
            if name == "verdict" and value not in ("steady", "bounded")
        ]
        draw = partial(draw, kinds=["leaks"], cases=leaking)
    if sys.stderr.isatty():
        from leakbench.progress import drawing

        with drawing("flamegraphs") as tell:
            draw(tell=tell)
    else:
        sys.stderr.write("drawing flamegraphs …\n")
        sys.stderr.flush()
        draw()


def _conclude(
    tally: Tally, catalogue: Catalogue, folder: Path, options: argparse.Namespace, wall_seconds: float
) -> int:
    from leakbench.terminal import alarm, console

    screen = console(stderr=True)
    for failure in tally.failed:
        said = f"{failure.case.id} {failure.probe}: {failure.reason}"
        screen.print(alarm("failed", said), soft_wrap=True)
    for measurement in tally.untrue:
        truth = catalogue.entries[measurement.case.scenario].mitigations[measurement.case.mitigation]
        said = (
            f"{measurement.case.id}: the verdict is {measurement.values['verdict']},"
            f" the truth is {truth.mitigation.verdict}; {measurement.values['evidence']}"
        )
        screen.print(alarm("untrue", said), soft_wrap=True)
    for measurement in tally.strays:
        said = (
            f"{measurement.case.id}: repeat {measurement.repeat} says {measurement.values['verdict']},"
            f" and most say the truth; {measurement.values['evidence']}"
        )
        screen.print(said, soft_wrap=True)
    if tally.interrupted:
        sys.stderr.write(
            f"interrupted; {tally.measured + tally.held} measurements are kept. Go on with:\n"
            f"  {resume.command(options.words, folder, names_folder=options.out is not None)}\n"
        )
        return INTERRUPTED
    before = f" ({tally.held} more were there already)" if tally.held else ""
    sys.stderr.write(
        f"{tally.measured} measured{before}, {len(tally.failed)} failed in {format_seconds(wall_seconds)}\n"
    )
    if not (tally.failed or tally.untrue):
        every = "of every case most repeats say what is" if tally.strays else "every verdict is the one"
        sys.stderr.write(f"{every} declared: what should leak leaks, and nothing else does\n")
    if tally.failed or catalogue.broken:
        return FAILED
    return UNTRUE if tally.untrue else 0


def _report(folder: Path, asked: resume.Asked, *, open_it: bool) -> None:
    from leakbench import report

    if "heap" in (asked.probes or NAMES):
        _draw_flamegraphs(folder, everything=asked.profile == "full" or bool(asked.cases))
    index = report.write(folder)
    sys.stdout.write(f"{index}\n")
    if open_it:
        import webbrowser

        webbrowser.open(index.resolve().as_uri())
