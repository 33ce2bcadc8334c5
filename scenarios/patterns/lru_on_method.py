"""A cache decorator on a method, which keeps every instance.

Mechanism: ``@functools.cache`` on a method makes ``self`` part of the key. The cache belongs to the class
and lives as long as it does, so each instance whose method was called once stays reachable with all that
it holds.

Who retains: the class's ``Report.total``, from there the cache's keys, in them the instances.

Seen in the wild: flake8#1573, pytest#9148, seer#2512 (a repository client per request), and the request
for a remedy in the standard library, cpython#102618.

Each step makes a report, asks for its total twice, and drops it.
"""

import functools

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_RATE = 7
_LRU_ENTRIES = 128


class Rows:
    """What the reports are about."""

    def __init__(self, payload_bytes: int) -> None:
        self.rows = bytes(payload_bytes)


class Report(Rows):
    """The class as it is commonly written: the decorator stands on the method."""

    @functools.cache  # noqa: B019  # the leak that this scenario is about
    def total(self, rate: int) -> int:
        return sum(self.rows) * rate


class BoundedReport(Rows):
    """The same with a bound: the last instances stay, no more."""

    @functools.lru_cache(maxsize=_LRU_ENTRIES)  # noqa: B019  # bounded: it keeps the last 128 instances
    def total(self, rate: int) -> int:
        return sum(self.rows) * rate


class SelfCachingReport(Rows):
    """Each instance carries its own cache, which dies with it."""

    def __init__(self, payload_bytes: int) -> None:
        super().__init__(payload_bytes)
        self._totals: dict[int, int] = {}

    def total(self, rate: int) -> int:
        total = self._totals.get(rate)
        if total is None:
            total = self._totals[rate] = sum(self.rows) * rate
        return total


@functools.cache
def sum_rows(rows: bytes) -> int:
    """Add up; cached by value, so that equal rows share one entry."""
    return sum(rows)


class ByValueReport(Rows):
    """The cache stands on a function of the values, not of the instance."""

    def total(self, rate: int) -> int:
        return sum_rows(self.rows) * rate


class LruOnMethod:
    """The workload: reports that are asked twice and dropped."""

    def __init__(self, make: "Callable[[], type[Any]]", run: Run) -> None:
        self._report = make()
        self._payload_bytes = run.params["payload_bytes"]

    def step(self, i: int) -> None:
        report = self._report(self._payload_bytes)
        report.total(_RATE)
        report.total(_RATE)

    def counts(self) -> "dict[str, int | float]":
        """Live is none: a report is dropped at the end of its step. Retained are those in a cache's keys."""
        cached = getattr(self._report.total, "cache_info", None)
        return {"live_entries": 0, "retained_entries": cached().currsize if cached else 0}


SCENARIO = Scenario(
    "lru-on-method",
    LruOnMethod,
    kind="pattern",
    title="A cache decorator on a method, which keeps every instance",
    params={"payload_bytes": Parameter(64, 0, 1 << 20, "bytes of payload that an instance carries")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="lru_on_method.Report.total.cache_info()",
    summary="functools.cache on the method: the class keeps every instance",
    cost="the cache never serves anyone but the instance that filled it",
)
def none() -> "type[Rows]":
    return Report


@SCENARIO.mitigation(
    "bounded-lru",
    verdict="bounded",
    summary=f"lru_cache(maxsize={_LRU_ENTRIES}): the last {_LRU_ENTRIES} instances stay",
    cost="dead instances live on until others push them out",
)
def bounded_lru() -> "type[Rows]":
    return BoundedReport


@SCENARIO.mitigation(
    "cache-on-instance",
    verdict="steady",
    summary="each instance carries its own cache, which dies with it",
    cost="a dict an instance, and no bound within one",
)
def cache_on_instance() -> "type[Rows]":
    return SelfCachingReport


@SCENARIO.mitigation(
    "cache-by-value",
    verdict="steady",
    summary="the cache stands on a module function of the values, not of the instance",
    cost="bounded only where the values are few, as here",
)
def cache_by_value() -> "type[Rows]":
    return ByValueReport
