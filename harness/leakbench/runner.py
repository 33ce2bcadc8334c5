"""Carries a plan out: children at work, outcomes on disk one by one, progress told as it goes.

Whose speed is measured has no other such child beside it: of the probes that time the steps one child is at
work at a time, whatever the number of jobs. The others count bytes, which a busy core does not change.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from leakbench import wheelhouse
from leakbench.catalogue import importable
from leakbench.model import Case, Failure, Measurement, Outcome, matches_truth
from leakbench.probes import Place, probe
from leakbench.repeats import say_truth
from leakbench.spawn import Child, Crew

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from leakbench.plan import Task
    from leakbench.store import Run
    from leakbench.wheelhouse import Wheels


_TIMED = ("rss", "latency")
_SAID_CHARACTERS = 80
_REASON_CHARACTERS = 400


class Listener(Protocol):
    """Who is told how the run goes."""

    def started(self, task: Task) -> None: ...

    def ended(self, task: Task, outcome: Outcome) -> None: ...


class Tally(NamedTuple):
    """What a run came to."""

    measured: int
    failed: tuple[Failure, ...]
    untrue: tuple[Measurement, ...]  # verdicts that are not the declared truth, those held before included
    strays: tuple[Measurement, ...]  # the same of single repeats, where most of the case's say the truth
    held: int  # measured by the run that this one goes on with
    interrupted: bool


def execute(
    tasks: Iterable[Task],
    run: Run,
    place: Place,
    *,
    jobs: int,
    listener: Listener,
    installing: Callable[[Wheels], None] = lambda _wheels: None,
) -> Tally:
    """Measure each task that the run does not hold already, `jobs` children at a time.

    Beside them go those that do little but wait (`Scenario.waits_seconds`): for minutes, all at once and
    first of all; for seconds, one at a time.

    Packages of their own that cases bring are installed before anything is measured; `installing` is told
    of each that is not there yet.

    An interruption (KeyboardInterrupt) ends the children and leaves what was measured on disk; it is
    told in the tally rather than raised. A StoreError ends the children too and is raised.
    """
    waiting, held = _split(tasks, run)
    working: dict[Child, Task] = {}
    crew = Crew()
    kept: list[tuple[Task, Outcome]] = []
    interrupted = False

    def keep(task: Task, outcome: Outcome) -> None:
        run.append(outcome)
        kept.append((task, outcome))
        listener.ended(task, outcome)

    try:
        faults = wheelhouse.install_all((task.wheels for task in waiting if task.wheels), installing)
        while waiting or working:
            while (place_in_line := _next(waiting, working.values(), jobs)) is not None:
                task = waiting.pop(place_in_line)
                lacking = faults.get(task.wheels) or _lacking(task)
                if lacking:
                    keep(task, _not_run(task, lacking))
                    continue
                listener.started(task)
                working[_start(crew, task, place)] = task
            for child in crew.wait():
                task = working.pop(child)
                keep(task, outcome_of(task, child))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        crew.kill()
    failed = [outcome for _, outcome in kept if isinstance(outcome, Failure)]
    untrue, strays = _untrue((*held, *kept))
    return Tally(len(kept) - len(failed), tuple(failed), untrue, strays, len(held), interrupted)


def _next(waiting: Sequence[Task], working: Collection[Task], jobs: int) -> int | None:
    """The place in line of the task to start now; None where all have to wait, or none is left."""
    lanes = Counter(_lane(task) for task in working)
    idle_jobs = jobs - lanes["timed"] - lanes["counted"]
    free = {
        "long": True,
        "waits": not lanes["waits"],
        "timed": idle_jobs > 0 and not lanes["timed"],
        "counted": idle_jobs > 0,
    }
    return next((n for n, task in enumerate(waiting) if free[_lane(task)]), None)


def _lane(task: Task) -> str:
    if task.entry.scenario.waits_seconds:
        return "long" if task.waits_long else "waits"
    return "timed" if task.probe in _TIMED else "counted"


def _split(tasks: Iterable[Task], run: Run) -> tuple[list[Task], list[tuple[Task, Measurement]]]:
    """What is still to be measured, in the order of its start, and what the run holds already."""
    waiting: list[Task] = []
    held = []
    for task in tasks:
        before = run.done.get((task.case, task.probe, task.repeat))
        if before is None:
            waiting.append(task)
        else:
            held.append((task, before))
    return sorted(waiting, key=lambda task: not task.waits_long), held


def _lacking(task: Task) -> str:
    """What the case or its probe needs and is not here, with what installs it; empty for nothing."""
    modules = [*task.listed.missing(), *(n for n in probe(task.probe).REQUIRES if not importable(n))]
    said = [f"{path} is not there; `{command}`" for path, command in task.listed.missing_files()]
    if modules:
        packages = " ".join(modules)
        said.insert(0, f"{packages} is not installed; `python -m pip install {packages}`")
    return ", ".join(said)


def _start(crew: Crew, task: Task, place: Place) -> Child:
    how = probe(task.probe)
    return crew.start(how.order(task, place), how.follow)


def outcome_of(task: Task, child: Child) -> Outcome:
    """The measurement, or the failure with its reason and what was seen until then."""
    values = probe(task.probe).values(child)
    ending = child.ending
    assert ending is not None  # noqa: S101  # only ended children come here
    if ending.kind == "done" and child.stdout_bytes:
        said = child.stdout_head.decode(errors="replace")[:_SAID_CHARACTERS]
        reason = f"the case printed {child.stdout_bytes:,} bytes to standard output, beginning {said!r}"
        return Failure(task.case, task.probe, task.repeat, reason, _finite(values))
    if ending.kind == "done":
        return Measurement(task.case, task.probe, task.repeat, _finite(values))
    where = f" at step {ending.step:,}" if ending.step is not None else ""
    seen = {**values, "ending": ending.kind, "traceback": list(ending.traceback)}
    return Failure(task.case, task.probe, task.repeat, one_line(ending.detail) + where, _finite(seen))


def one_line(text: str) -> str:
    """What a person reads in a list: no line breaks, nothing that steers a terminal, no endless message."""
    flat = " ".join(text.split())
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in flat)
    return visible if len(visible) <= _REASON_CHARACTERS else visible[:_REASON_CHARACTERS] + " …"


def _not_run(task: Task, lacking: str) -> Failure:
    return Failure(task.case, task.probe, task.repeat, f"not run: {lacking}", {"ending": "not run"})


def _untrue(
    outcomes: Iterable[tuple[Task, Outcome]],
) -> tuple[tuple[Measurement, ...], tuple[Measurement, ...]]:
    """The verdicts that are not the truth: of cases of whose repeats not most say it, and the others'."""
    judged: dict[Case, tuple[str, list[Measurement]]] = {}
    for task, outcome in outcomes:
        if isinstance(outcome, Measurement) and "verdict" in outcome.values:
            truth = task.listed.mitigation.verdict
            judged.setdefault(outcome.case, (truth, []))[1].append(outcome)
    untrue: list[Measurement] = []
    strays: list[Measurement] = []
    for truth, repeats in judged.values():
        met = say_truth(truth, [repeat.values["verdict"] for repeat in repeats])
        others = [repeat for repeat in repeats if not matches_truth(truth, repeat.values["verdict"])]
        (strays if met else untrue).extend(others)
    return tuple(untrue), tuple(strays)


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what has no value: an absent key says so; null, NaN and infinity would be taken for figures."""
    return {
        key: value
        for key, value in values.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }
