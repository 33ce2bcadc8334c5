"""The parent's core types: a case, and the two outcomes of a probe.

NamedTuples rather than dataclasses: `leakbench check` loads this module, and its start is counted in
milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
"""Version of a line in measurements.jsonl; readers refuse any other."""


class Case(NamedTuple):
    """Scenario × mitigation × scale × seed."""

    scenario: str
    mitigation: str
    scale: int  # steps measured after the warm-up
    seed: int = 0
    params: tuple[
        tuple[str, int], ...
    ] = ()  # sorted by name; scenario parameters that are not at their default

    @property
    def id(self) -> str:
        return f"{self.scenario}:{self.mitigation}"


class Measurement(NamedTuple):
    """A probe's answer. `values` carries the names of results/README.md."""

    case: Case
    probe: str
    repeat: int
    values: Mapping[str, Any]

    @property
    def status(self) -> str:
        return "measured"

    @property
    def reason(self) -> None:
        return None


class Failure(NamedTuple):
    """A probe that could not answer, with its reason and what was seen until then (may be empty)."""

    case: Case
    probe: str
    repeat: int
    reason: str
    values: Mapping[str, Any]

    @property
    def status(self) -> str:
        return "failed"


Outcome = Measurement | Failure


def matches_truth(truth: str, verdict: str) -> bool:
    """Whether a measured verdict is the truth a scenario declares.

    `bounded` and `steady` are one truth, no growth without bound: which of the two is seen depends on
    how much of the filling the warm-up took. Every other verdict must be met exactly.
    """
    still = ("bounded", "steady")
    return verdict == truth or (truth in still and verdict in still)
