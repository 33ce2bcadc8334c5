"""How a test of a scenario gets at its figures: measured in a child, or played here."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
from leakbench import catalogue, plan, spawn
from leakbench.contract import Run
from leakbench.model import Measurement, Outcome
from leakbench.probes import Place
from leakbench.runner import execute
from leakbench.store import Run as RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from leakbench.contract import Scenario, Workload
    from leakbench.plan import Task

    Measure = Callable[..., Mapping[str, Any]]
    Play = Callable[..., Workload]


class Kept:
    """Listens to a run and keeps its outcomes."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def started(self, task: Task) -> None:
        """Nothing to tell yet."""

    def ended(self, _task: Task, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


@pytest.fixture(autouse=True)
def _spare_the_rest() -> Iterator[None]:
    """Full collections are what many of these play with; what pytest holds would make each one slow."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def entries() -> dict[str, catalogue.Entry]:
    return catalogue.discover().entries


@pytest.fixture
def measure(entries: dict[str, catalogue.Entry], tmp_path: Path) -> Measure:
    """``measure("scenario:mitigation", probe, scale=None, **params)``: the values of a fresh child.

    Anything but a measurement fails the test with its reason.
    """

    def measured(
        case: str, probe_name: str, scale: int | None = None, profile: str = "quick", **params: int
    ) -> Mapping[str, Any]:
        pair = tuple(case.split(":"))
        task, *_ = plan.make_tasks(
            catalogue.Catalogue(entries, ()),
            [pair],  # type: ignore[list-item]  # two names
            profile=profile,
            scale=scale,
            params=params,
            probes=[probe_name],
        )
        folder = tmp_path / str(sum(1 for _ in tmp_path.iterdir()))
        place = Place(folder, spawn.Limits(deadline_seconds=60.0), growth_cap_bytes=1 << 30)
        kept = Kept()
        with RunFolder(folder) as run:
            execute([task], run, place, jobs=1, listener=kept)
        (outcome,) = kept.outcomes
        assert isinstance(outcome, Measurement), outcome.reason
        return outcome.values

    return measured


@pytest.fixture
def play() -> Play:
    """``play(scenario, mitigation, steps, seed=0, **params)``: the workload after so many steps, in here."""

    def played(scenario: Scenario, mitigation: str, steps: int, seed: int = 0, **params: int) -> Workload:
        given = {name: parameter.default for name, parameter in scenario.params.items()} | params
        workload = scenario.workload(scenario.mitigations[mitigation].make, Run(seed, steps, given))
        for i in range(steps):
            workload.step(i)
        return workload

    return played
