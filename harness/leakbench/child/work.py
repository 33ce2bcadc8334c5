"""Brings a scenario's workload to life inside the child."""

import sys
from importlib import import_module

from leakbench.contract import Mitigation, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from leakbench.contract import Workload


class NoSuchCaseError(Exception):
    """The scenario's module does not declare what the job asks for."""


def load_scenario(module: str, file: "str | None") -> Scenario:
    """Import a scenario by module name, or from a person's own file, and return its SCENARIO."""
    if file is not None:
        from importlib.util import module_from_spec, spec_from_file_location

        spec = spec_from_file_location(module, file)
        if spec is None or spec.loader is None:
            raise NoSuchCaseError(f"{file} is not a Python file")
        loaded = module_from_spec(spec)
        sys.modules[module] = loaded
        spec.loader.exec_module(loaded)
    else:
        loaded = import_module(module)
    scenario = getattr(loaded, "SCENARIO", None)
    if not isinstance(scenario, Scenario):
        raise NoSuchCaseError(f"{module} defines no SCENARIO")
    return scenario


def find_mitigation(scenario: Scenario, name: str, module: "str | None") -> Mitigation:
    """The scenario's own mitigation, or the one that `module` declares for it."""
    if module is not None:
        for value in list(vars(import_module(module)).values()):
            for declared in getattr(value, "__mitigations__", ()):
                if declared.name == name and scenario.name in declared.mends:
                    return declared  # type: ignore[no-any-return]  # an attribute of any object
        raise NoSuchCaseError(f"{module} declares no mitigation {name!r} for {scenario.name!r}")
    try:
        return scenario.mitigations[name]
    except KeyError:
        raise NoSuchCaseError(f"{scenario.name!r} has no mitigation {name!r}") from None


def load(job: "dict[str, Any]") -> "tuple[Scenario, Mitigation]":
    """Import the scenario, the mitigation and what it requires; nothing of the workload exists yet."""
    scenario = load_scenario(job["module"], job.get("file"))
    mitigation = find_mitigation(scenario, job["mitigation"], job.get("mitigation_module"))
    for name in mitigation.requires:
        import_module(name)
    return scenario, mitigation


def start(job: "dict[str, Any]", scenario: Scenario, mitigation: Mitigation) -> "Workload":
    """Build the workload and take it through its warm-up."""
    workload = scenario.workload(mitigation.make, Run(job["seed"], job["scale"], job["params"]))
    do_steps(job, workload.step, 0, job["warmup"])
    return workload


def do_steps(job: "dict[str, Any]", step: "Callable[[int], object]", first: int, stop: int) -> None:
    """Steps `first` to `stop` - 1; the number of one that raises is left in ``job["current_step"]``."""
    i = first
    try:
        for i in range(first, stop):
            step(i)
    except BaseException:
        job["current_step"] = i
        raise


def census(workload: "Workload") -> "dict[str, int | float]":
    """The scenario's own exact counts, or none."""
    counts = getattr(workload, "counts", None)
    return dict(counts()) if counts is not None else {}
