"""The benchmarks of one scenario: each looks one quantity up in what `setup_cache` has measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from .measuring import Measured

    Method = TypeVar("Method", bound=Callable[..., Any])

PROBE_OF = {
    "leak_bytes_per_op": "ledger",
    "heap_peak": "heap",
    "peak_rss": "rss",
    "settled_rss": "rss",
    "retained_entries": "rss",
    "lost_entries": "rss",
    "ns_per_op": "rss",
}
NOT_APPLICABLE = float("nan")
"""How a benchmark tells asv n/a once it runs; before, NotImplementedError does."""


class CaseFailedError(Exception):
    """A probe of the case failed; the message is its reason."""


def within(seconds: int) -> Callable[[Method], Method]:
    """Give a `setup_cache` its own timeout: asv would give it that of a single look-up, 60 s."""

    def mark(method: Method) -> Method:
        method.timeout = seconds  # type: ignore[attr-defined]  # functions take attributes
        return method

    return mark


def unit(name: str) -> Callable[[Method], Method]:
    def mark(method: Method) -> Method:
        method.unit = name  # type: ignore[attr-defined]  # as above
        return method

    return mark


def check_present(measured: Measured, mitigation: str) -> None:
    """Raise NotImplementedError, asv's n/a, where the commit or its environment lacks the case."""
    if measured["absent"] is not None:
        raise NotImplementedError(measured["absent"])
    case = measured["cases"].get(mitigation)
    if case is None:
        raise NotImplementedError(f"this commit has no mitigation {mitigation!r}")
    if case["absent"] is not None:
        raise NotImplementedError(case["absent"])


def look_up(measured: Measured, mitigation: str, quantity: str) -> float | dict[str, Any]:
    """One number; where the case was repeated its samples, of which asv takes the median and a range.

    n/a where the scenario does not count the quantity. Raises CaseFailedError where its probe failed.
    """
    case = measured["cases"][mitigation]
    probe = PROBE_OF[quantity]
    if probe in case["failures"]:
        raise CaseFailedError(f"{probe}: {case['failures'][probe]}")
    samples: list[float] = case["figures"].get(quantity, [])
    if not samples:
        return NOT_APPLICABLE
    return {"samples": samples, "number": 1} if len(samples) > 1 else samples[0]


class Tracked(ABC):
    """One scenario's benchmarks. Abstract, and so no benchmark itself.

    Memory in bytes; resident memory less what a child of the no-op has resident before its first step.
    """

    param_names = ("scenario", "mitigation")
    timeout = 60

    @abstractmethod
    def setup_cache(self) -> Measured:
        """Measure the scenario, once per commit and environment."""

    # One line, for asv keeps its text with each benchmark.
    def setup(self, measured: Measured, _scenario: str, mitigation: str) -> None:
        check_present(measured, mitigation)

    @unit("bytes/op")
    def track_leak_bytes_per_op(
        self, measured: Measured, _scenario: str, mitigation: str
    ) -> float | dict[str, Any]:
        return look_up(measured, mitigation, "leak_bytes_per_op")

    @unit("bytes")
    def track_peak_rss(self, measured: Measured, _scenario: str, mitigation: str) -> float | dict[str, Any]:
        return look_up(measured, mitigation, "peak_rss")

    @unit("bytes")
    def track_settled_rss(
        self, measured: Measured, _scenario: str, mitigation: str
    ) -> float | dict[str, Any]:
        return look_up(measured, mitigation, "settled_rss")

    @unit("bytes")
    def track_heap_peak(self, measured: Measured, _scenario: str, mitigation: str) -> float | dict[str, Any]:
        return look_up(measured, mitigation, "heap_peak")

    @unit("entries")
    def track_retained_entries(
        self, measured: Measured, _scenario: str, mitigation: str
    ) -> float | dict[str, Any]:
        return look_up(measured, mitigation, "retained_entries")

    @unit("entries")
    def track_lost_entries(
        self, measured: Measured, _scenario: str, mitigation: str
    ) -> float | dict[str, Any]:
        return look_up(measured, mitigation, "lost_entries")

    @unit("ns/op")
    def track_ns_per_op(self, measured: Measured, _scenario: str, mitigation: str) -> float | dict[str, Any]:
        return look_up(measured, mitigation, "ns_per_op")
