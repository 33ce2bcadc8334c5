"""Simulated time: real monitored maps, a clock that is moved by hand, a scrape a minute."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.monitor.prometheus import MapCollector
from leakbench.monitor.registry import Registry
from leakbench.monitor.watch import monitored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MINUTE_SECONDS = 60
HOUR_MINUTES = 60
DAY_MINUTES = 24 * HOUR_MINUTES
WEEK_MINUTES = 7 * DAY_MINUTES
MIB = 1 << 20

# A series' name and labels, and a value a minute; None where the scrape did not have it.
Series = dict[str, list[float | None]]


class Life(NamedTuple):
    """One way for the maps of a process to live, and the alerts that must come of it within an hour.

    Without alerts it is a control: none may come within a week. `minutes` moves the world on by one minute
    at each step.
    """

    name: str
    alerts: frozenset[str]
    minutes: Callable[[World], Iterator[None]]


class World:
    """A process with maps in it. Its resident memory is what its entries weigh, and what is added by hand."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable lives are the point
        self.minute = 0
        self.maps = Registry()
        self.entry_bytes = 500
        self.other_bytes = 100 * MIB
        self.limit_bytes = 4096 * MIB

    def seconds(self) -> float:
        """The clock of this world."""
        return float(self.minute * MINUTE_SECONDS)

    def watch(self, thing: Any, name: str = "sessions", **options: Any) -> Any:
        """monitored(), on this world's clock where it takes one."""
        if hasattr(thing, "keys"):
            options["clock"] = self.seconds
        return monitored(thing, name=name, registry=self.maps, **options)

    def diurnal(self, per_minute: float) -> int:
        """How many come in this minute: between 25 and 100 % of `per_minute`, slowly, over a day."""
        from math import cos, pi

        share = 0.625 - 0.375 * cos(2 * pi * self.minute / DAY_MINUTES)
        return self._poisson(per_minute * share)

    def steady(self, per_minute: float) -> int:
        """How many come in this minute, by chance around `per_minute`."""
        return self._poisson(per_minute)

    def resident_bytes(self) -> int:
        entries = sum(reading.entries for _name, reading in self.maps.readings())
        # A few pages come and go by themselves.
        return self.other_bytes + self.entry_bytes * entries + self.random.randrange(256) * 4096

    def _poisson(self, mean: float) -> int:
        """Normal above 30, where nobody could tell; else counted."""
        if mean > 30:  # noqa: PLR2004 - the rule of thumb
            return max(0, round(self.random.gauss(mean, mean**0.5)))
        count, waited = 0, self.random.expovariate(1)
        while waited < mean:
            count += 1
            waited += self.random.expovariate(1)
        return count


def series_of(life: Life, minutes: int, *, seed: int = 1) -> Series:
    """Live through `minutes` of it and scrape after each; a life that ends early stays as it is."""
    world = World(seed)
    collector = MapCollector(world.maps)
    series: Series = {}
    process = f'job="rehearsal",instance="{life.name}"'
    course = life.minutes(world)
    for minute in range(minutes):
        next(course, None)
        world.minute = minute + 1
        scraped = {
            f"leakbench_process_{what}_bytes{{{process}}}": float(value)
            for what, value in (
                ("resident_memory", world.resident_bytes()),
                ("memory_limit", world.limit_bytes),
            )
        }
        for family in collector.collect():
            for sample in family.samples:
                scraped[f'{sample.name}{{{process},map="{sample.labels["map"]}"}}'] = sample.value
        for key in series.keys() | scraped.keys():
            series.setdefault(key, [None] * minute).append(scraped.get(key))
    return series
