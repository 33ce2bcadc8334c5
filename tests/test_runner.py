"""A plan is carried out to its end: each outcome on disk as it comes, what fails told, no process left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leakbench import catalogue, plan, runner, spawn, store
from leakbench.contract import Mitigation
from leakbench.model import Case, Failure, Measurement, Outcome, matches_truth
from leakbench.probes import Place

from tests.commands import write_scenario

if TYPE_CHECKING:
    from collections.abc import Callable


class Kept:
    """Listens to a run; `at_end` is called with each task that ended."""

    def __init__(self, at_end: Callable[[plan.Task], None] = lambda _task: None) -> None:
        self.started_ids: list[str] = []
        self.outcomes: list[Outcome] = []
        self._at_end = at_end

    def started(self, task: plan.Task) -> None:
        self.started_ids.append(task.case.id)

    def ended(self, task: plan.Task, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self._at_end(task)


def tasks_of(folder: Path, *names: str, probe: str = "rss") -> list[plan.Task]:
    """Tasks of scenarios of one's own that lie in a folder, in the order of their names."""
    found = catalogue.discover([folder])
    assert not found.broken
    return plan.make_tasks(found, [(name, "none") for name in names], probes=[probe])


def children() -> set[str]:
    """Processes that this thread has started and not waited for, those of other tests included."""
    return set(Path("/proc/thread-self/children").read_text(encoding="ascii").split())


def execute(tasks: list[plan.Task], run: store.Run, listener: Kept, *, jobs: int = 1) -> runner.Tally:
    place = Place(run.folder, spawn.Limits(deadline_seconds=30.0), growth_cap_bytes=1 << 28)
    return runner.execute(tasks, run, place, jobs=jobs, listener=listener)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_every_task_has_an_outcome_that_is_on_disk_before_it_is_told(tmp_path: Path, jobs: int) -> None:
    for name in ("a", "b", "c"):
        write_scenario(tmp_path / "own", name)
    write_scenario(tmp_path / "own", "bad", "raise ValueError")
    with store.Run(tmp_path / "run") as run:
        on_disk: list[int] = []
        kept = Kept(lambda _task: on_disk.append(len(store.read_rows(run.folder)[0])))
        tally = execute(tasks_of(tmp_path / "own", "a", "bad", "b", "c"), run, kept, jobs=jobs)
    assert on_disk == [1, 2, 3, 4]
    assert list(store.outcomes(run.folder)) == kept.outcomes
    assert sorted(kept.started_ids) == ["a:none", "b:none", "bad:none", "c:none"]
    assert (tally.measured, tally.held, tally.interrupted, tally.untrue) == (3, 0, False, ())
    assert [failure.case.id for failure in tally.failed] == ["bad:none"]


class AtWork(Kept):
    """Knows which probes are at work, and all that ever were at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self._at_work: list[str] = []
        self.together: set[tuple[str, ...]] = set()

    def started(self, task: plan.Task) -> None:
        super().started(task)
        self._at_work.append(task.probe)
        self.together.add(tuple(sorted(self._at_work)))

    def ended(self, task: plan.Task, outcome: Outcome) -> None:
        super().ended(task, outcome)
        self._at_work.remove(task.probe)


def test_no_two_children_are_timed_at_the_same_time(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_scenario(tmp_path / "own", name)
    tasks = [
        task
        for probe in ("rss", "latency", "ledger")
        for task in tasks_of(tmp_path / "own", "a", "b", probe=probe)
    ]
    with store.Run(tmp_path / "run") as run:
        kept = AtWork()
        tally = execute(tasks, run, kept, jobs=3)
    assert tally.measured == 6
    assert ("ledger", "ledger", "rss") in kept.together
    assert not [probes for probes in kept.together if len(set(probes) & {"rss", "latency"}) > 1]
    assert not [probes for probes in kept.together if max(map(probes.count, ("rss", "latency"))) > 1]


def test_what_mostly_waits_is_started_first_and_all_at_once(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_scenario(tmp_path / "own", name)
    tasks = tasks_of(tmp_path / "own", "a", "b", "c")
    for task in tasks[1:]:
        task.entry.scenario.waits_seconds = 1.0
    with store.Run(tmp_path / "run") as run:
        kept = AtWork()
        execute(tasks, run, kept, jobs=1)
    assert kept.started_ids == ["b:none", "c:none", "a:none"]
    assert ("rss", "rss", "rss") in kept.together


def test_what_the_run_holds_already_is_not_measured_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_scenario(tmp_path / "own", name)
    tasks = tasks_of(tmp_path / "own", "a", "b")
    with store.Run(tmp_path / "run") as run:
        execute(tasks[:1], run, Kept())
    with store.Run(tmp_path / "run", resume=True) as run:
        kept = Kept()
        tally = execute(tasks, run, kept)
    assert kept.started_ids == ["b:none"]
    assert (tally.measured, tally.held) == (1, 1)


def test_a_case_whose_package_is_missing_is_a_failure_that_says_what_to_install(tmp_path: Path) -> None:
    write_scenario(tmp_path / "own", "a")
    (task,) = tasks_of(tmp_path / "own", "a")
    needy = Mitigation("none", print, verdict="steady", summary="", requires=("no_such_module", "json"))
    with store.Run(tmp_path / "run") as run:
        kept = Kept()
        tally = execute([task._replace(listed=catalogue.Listed(needy, None))], run, kept)
    (failure,) = tally.failed
    said = "not run: no_such_module is not installed; `python -m pip install no_such_module`"
    assert failure.reason == said
    assert kept.started_ids == []


def test_an_interruption_ends_the_children_keeps_what_was_measured_and_is_told(tmp_path: Path) -> None:
    """The second child waits for ever; the interruption comes as soon as the first has ended."""

    def interrupt(_task: plan.Task) -> None:
        raise KeyboardInterrupt

    write_scenario(tmp_path / "own", "a")
    write_scenario(tmp_path / "own", "waits", "signal.pause()")
    before = children()
    with store.Run(tmp_path / "run") as run:
        tally = execute(
            tasks_of(tmp_path / "own", "a", "waits", probe="ledger"), run, Kept(interrupt), jobs=2
        )
    assert tally.interrupted
    assert tally.measured == 1
    assert [outcome.case.id for outcome in store.outcomes(run.folder)] == ["a:none"]
    assert children() <= before  # others' children, a browser's, may have ended


def test_a_store_that_cannot_be_written_ends_the_children_and_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_run: store.Run, _outcome: Outcome) -> None:
        raise store.StoreError("full")

    write_scenario(tmp_path / "own", "a")
    write_scenario(tmp_path / "own", "waits", "signal.pause()")
    monkeypatch.setattr(store.Run, "append", refuse)
    before = children()
    with store.Run(tmp_path / "run") as run, pytest.raises(store.StoreError, match="full"):
        execute(tasks_of(tmp_path / "own", "a", "waits", probe="ledger"), run, Kept(), jobs=2)
    assert children() <= before


@pytest.mark.parametrize(("verdict", "untrue"), [("leak", 0), ("steady", 1), ("inconclusive", 1)])
def test_a_verdict_that_is_not_the_declared_truth_is_told(tmp_path: Path, verdict: str, untrue: int) -> None:
    write_scenario(tmp_path / "own", "a", "self.kept.append(bytes(64))", verdict=verdict, steps=4_096)
    with store.Run(tmp_path / "run") as run:
        tally = execute(tasks_of(tmp_path / "own", "a", probe="ledger"), run, Kept())
    assert [measurement.values["verdict"] for measurement in tally.untrue] == ["leak"] * untrue


@pytest.mark.parametrize(
    ("verdicts", "untrue", "strays"),
    [
        (["leak", "leak", "leak"], [], []),
        (["leak", "steady", "leak"], [], [1]),
        (["steady", "leak", "inconclusive"], [0, 2], []),
        (["steady", "leak"], [0], []),
    ],
)
def test_most_of_the_repeats_decide_and_what_the_others_say_is_told(
    tmp_path: Path, verdicts: list[str], untrue: list[int], strays: list[int]
) -> None:
    write_scenario(tmp_path / "own", "a", verdict="leak")
    (task,) = tasks_of(tmp_path / "own", "a", probe="ledger")
    said = [
        (task, Measurement(task.case, "ledger", repeat, {"verdict": verdict}))
        for repeat, verdict in enumerate(verdicts)
    ]
    told = runner._untrue(said)
    assert [[measurement.repeat for measurement in each] for each in told] == [untrue, strays]


@pytest.mark.parametrize(
    ("truth", "verdict", "met"),
    [
        ("leak", "leak", True),
        ("bounded", "steady", True),
        ("steady", "bounded", True),
        ("leak", "inconclusive", False),
        ("steady", "unreturned", False),
        ("filling", "bounded", False),
    ],
)
def test_only_the_two_ways_to_stand_still_are_one_truth(truth: str, verdict: str, met: bool) -> None:  # noqa: FBT001
    assert matches_truth(truth, verdict) is met


@given(st.text())
def test_a_reason_is_one_line_that_steers_no_terminal(text: str) -> None:
    said = runner.one_line(text)
    assert said.isprintable()
    assert len(said) <= 402
    said.encode()


def test_values_without_a_value_are_left_out_of_the_record() -> None:
    values = {"zero": 0, "no": False, "none": None, "nan": float("nan"), "inf": float("inf"), "text": ""}
    assert runner._finite(values) == {"zero": 0, "no": False, "text": ""}


def test_an_outcome_says_whether_it_was_measured() -> None:
    case = Case("noop", "none", 1)
    measured = Measurement(case, "rss", 0, {})
    assert (measured.status, measured.reason) == ("measured", None)
    assert Failure(case, "rss", 0, "was killed", {}).status == "failed"
