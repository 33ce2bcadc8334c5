"""The parent's side of each way of measuring: one probe a file, each with the same two functions.

``order(task, place)`` says what the child is to do and in which environment; ``values(child)`` turns
what it said into the names and units of results/README.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from leakbench.spawn import Limits, Order, clean_environ, site_folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leakbench.plan import Task
    from leakbench.spawn import Child

NAMES = ("rss", "ledger", "holder", "heap", "latency")
"""The probes of a run, in the order in which a case goes through them."""


class Place(NamedTuple):
    """Where and under which limits the children of a run work."""

    folder: Path  # the run's folder; captures go below it
    limits: Limits
    growth_cap_bytes: int


class Probe(Protocol):
    """What each module of this package offers."""

    REQUIRES: tuple[str, ...]
    """Importable names without which its children cannot work."""

    def order(self, task: Task, place: Place) -> Order:
        """What the child is to do."""

    def follow(self, child: Child, record: dict[str, Any]) -> None:
        """Answer a record while the child still runs; most probes have nothing to say."""

    def values(self, child: Child) -> Mapping[str, Any]:
        """Named values of a child that ended well; of one that did not, what it said until then."""


def probe(name: str) -> Probe:
    """The probe of that name (one of NAMES).

    The child's side is loaded here too, though the parent never calls it: so its bytecode is on disk before
    the first child, where compiling it takes 5 ms and 0.7 MiB each time.
    """
    import_module(f"leakbench.child.{name}")
    module: Probe = import_module(f"leakbench.probes.{name}")
    return module


def base_order(name: str, task: Task, place: Place, environ: Mapping[str, str], **job: Any) -> Order:
    """The part of an order that all probes share."""
    scenario = task.entry.scenario
    params = {key: parameter.default for key, parameter in scenario.params.items()} | dict(task.case.params)
    return Order(
        job={
            "probe": name,
            "path": [str(task.wheels.folder)] if task.wheels is not None else site_folders(),
            "module": task.entry.module,
            "file": task.entry.file if task.entry.by_path else None,
            "mitigation": task.case.mitigation,
            "mitigation_module": task.listed.module,
            "seed": task.case.seed,
            "scale": task.case.scale,
            "warmup": scenario.warmup,
            "params": params,
            **job,
        },
        environ=clean_environ(**(dict(environ) | task.listed.mitigation.environ)),
        limits=_with_waits(place.limits, task),
    )


def _with_waits(limits: Limits, task: Task) -> Limits:
    """The time that the steps wait for is beyond the deadline: it is no sign of a child that hangs."""
    scenario = task.entry.scenario
    waits_seconds = scenario.waits_seconds * (scenario.warmup + task.case.scale)
    return limits._replace(deadline_seconds=limits.deadline_seconds + waits_seconds)


def listen(child: Child, record: dict[str, Any]) -> None:
    """The `follow` of a probe that gives no orders."""


def last(child: Child, kind: str) -> dict[str, Any]:
    """The child's last record of a kind, without its tag; empty where it never got so far."""
    for record in reversed(child.records):
        if record["record"] == kind:
            return {key: value for key, value in record.items() if key != "record"}
    return {}
