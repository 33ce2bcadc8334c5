"""Turns the catalogue and what a person asked for into seeded tasks."""

from __future__ import annotations

import difflib
import fnmatch
from typing import TYPE_CHECKING, NamedTuple

from leakbench.errors import LeakbenchError
from leakbench.model import Case
from leakbench.wheelhouse import wheels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leakbench.catalogue import Catalogue, Entry, Listed
    from leakbench.contract import Scenario
    from leakbench.wheelhouse import Wheels

PROFILES = ("quick", "full")
KINDS = ("scenario", "control", "pattern")
"""Measured unasked; the wild ones bring packages of their own, which take long to install."""
REPEATS = {"quick": 3, "full": 5}
"""How often a case that is not deterministic is measured; a deterministic one repeats to the last digit."""
_ONCE = ("holder", "latency")
_OF_WAITING = ("rss", "ledger")
_LONG_SECONDS = 60.0


class NoSuchCaseError(LeakbenchError):
    """What was asked for is not in the catalogue."""


class BadParameterError(LeakbenchError):
    """A parameter that no selected scenario has, or a value out of its range."""


class Task(NamedTuple):
    """One child to be: a case, a probe, a repeat."""

    case: Case
    probe: str
    repeat: int
    entry: Entry
    listed: Listed

    @property
    def waits_long(self) -> bool:
        """Whether its steps wait for minutes."""
        return _waits_long(self.entry.scenario, self.case.scale)

    @property
    def wheels(self) -> Wheels | None:
        """The packages that the case imports from, and from nowhere else; None: what is installed here."""
        packages = self.listed.mitigation.packages
        return wheels(packages, self.entry.file) if packages else None


def select(catalogue: Catalogue, wanted: Sequence[str], profile: str = "quick") -> list[tuple[str, str]]:
    """(scenario, mitigation) pairs that `wanted` names: scenario:mitigation, scenario, or a glob of either.

    Without `wanted`: every case that the profile measures. Raises NoSuchCaseError with the nearest names.
    """
    pairs = [
        (name, mitigation) for name, entry in catalogue.entries.items() for mitigation in entry.mitigations
    ]
    if not wanted:
        return [pair for pair in pairs if is_measured(catalogue.entries[pair[0]].scenario, profile)]
    chosen: dict[tuple[str, str], None] = {}
    for pattern in wanted:
        found = [pair for pair in pairs if _matches(pattern, pair)]
        if not found:
            raise NoSuchCaseError(_no_such(pattern, catalogue))
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def is_measured(scenario: Scenario, profile: str) -> bool:
    """Whether a profile measures it unasked: the quick one has no time for what waits for minutes."""
    return scenario.kind in KINDS and (
        profile == "full" or not _waits_long(scenario, scenario.steps[profile])
    )


def _waits_long(scenario: Scenario, steps: int) -> bool:
    return scenario.waits_seconds * steps > _LONG_SECONDS


def _matches(pattern: str, pair: tuple[str, str]) -> bool:
    scenario, _, mitigation = pattern.partition(":")
    return fnmatch.fnmatchcase(pair[0], scenario) and (
        not mitigation or fnmatch.fnmatchcase(pair[1], mitigation)
    )


def _no_such(pattern: str, catalogue: Catalogue) -> str:
    scenario, _, mitigation = pattern.partition(":")
    if scenario in catalogue.entries:
        names = list(catalogue.entries[scenario].mitigations)
        return f"scenario {scenario!r} has no mitigation {mitigation!r}{_nearest(mitigation, names)}"
    return f"no scenario {scenario!r}{_nearest(scenario, list(catalogue.entries))}"


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return "; did you mean " + " or ".join(repr(n) for n in near) + "?"
    return f"; there are: {', '.join(names)}" if len(names) <= 12 else "; `leakbench list` shows them all"  # noqa: PLR2004


def make_tasks(
    catalogue: Catalogue,
    pairs: Iterable[tuple[str, str]],
    *,
    profile: str = "quick",
    scale: int | None = None,
    seed: int = 0,
    params: Mapping[str, int] | None = None,
    probes: Sequence[str],
    heap_repeats: int = 1,
) -> list[Task]:
    """Tasks in the order of the catalogue, a case's probes together.

    heap_repeats: how often the heap is captured of a case that is not deterministic.
    """
    given = dict(params or {})
    pairs = list(pairs)
    _check_parameters(catalogue, pairs, given)
    tasks = []
    for scenario, mitigation in pairs:
        entry = catalogue.entries[scenario]
        listed = entry.mitigations[mitigation]
        own = tuple(sorted((name, value) for name, value in given.items() if name in entry.scenario.params))
        case = Case(scenario, mitigation, scale or entry.scenario.steps[profile], seed, own)
        once = listed.mitigation.deterministic or _waits_long(entry.scenario, case.scale)
        tasks += [
            Task(case, probe, repeat, entry, listed)
            for probe in probes
            for repeat in range(
                _repeats(probe, 1 if once else REPEATS[profile], 1 if once else heap_repeats, entry.scenario)
            )
        ]
    return tasks


def _repeats(probe: str, repeats: int, heap_repeats: int, scenario: Scenario) -> int:
    """The heap is captured once, unless more is asked for: its flamegraph is an example.

    Latency is measured once: its quantiles are over thousands of steps each time.
    What waits is not worth the other probes: its steps' time is its pace, its memory is elsewhere.
    """
    if scenario.waits_seconds and probe not in _OF_WAITING:
        return 0
    if probe == "heap":
        return heap_repeats
    return 1 if probe in _ONCE else repeats


def _check_parameters(
    catalogue: Catalogue, pairs: Iterable[tuple[str, str]], given: Mapping[str, int]
) -> None:
    scenarios = [catalogue.entries[name].scenario for name in dict.fromkeys(name for name, _ in pairs)]
    known = sorted({name for scenario in scenarios for name in scenario.params})
    for name, value in given.items():
        if name not in known:
            raise BadParameterError(f"no parameter {name!r} in the selected scenarios{_nearest(name, known)}")
        for scenario in scenarios:
            parameter = scenario.params.get(name)
            if parameter is not None and not parameter.minimum <= value <= parameter.maximum:
                raise BadParameterError(
                    f"parameter {name}={value} of {scenario.name!r} is out of its range"
                    f" {parameter.minimum} to {parameter.maximum} ({parameter.meaning})"
                )
