"""What a MonitoredMap costs over the map inside, as ratios: ``python benchmarks/monitor_cost.py``.

Three loads, because the ratio depends on what the plain map does in the same time:

- requests: what a service does with its map. A key comes off the wire, a string that nobody has hashed
  yet; a put stores a new entry, a get asks for one of 200,000 at random.
- resident: the same with strings that were hashed before and are the very keys of the map, in order.
- hot: one key, over and over. No wrapper written in Python reaches 3× here: calling an empty
  ``__setitem__`` costs more than three plain puts. The row "a call alone" shows that floor, and "methods
  in C" that a put reaches it even where ``__setitem__`` is the dict's own, without any Python.

Beside them stands what is usually done instead: a prometheus_client Counter at each operation. All kinds
take turns in one process and the quickest round of each is shown: what neighbours on a shared machine take
is in none of them. Exits with 1 where a limit on the load `requests` is not kept.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, MutableMapping
from itertools import chain, repeat
from typing import Any, Final, NamedTuple, cast

import cachebox
import cachetools
from leakbench.monitor import MapCollector, MonitoredMap, Registry
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import generate_latest

ENTRIES: Final = 200_000
PUT_NS_MAX: Final = 250
PUT_RATIO_MAX: Final = 3.0
GET_RATIO_MAX: Final = 2.5
SCRAPE_MS_MAX: Final = 5.0

Kind = Callable[[], Any]


class CallAlone:
    """The price of entering Python at all: it counts nothing."""

    __slots__ = ("_map",)

    def __init__(self) -> None:
        self._map: dict[str, object] = {}

    def __setitem__(self, key: str, value: object) -> None:
        self._map[key] = value

    def __getitem__(self, key: str) -> object:
        return self._map[key]

    def get(self, key: str) -> object:
        return self._map.get(key)


class MethodsInC:
    """A class of Python whose methods are the dict's own; it cannot count."""

    __slots__ = ("__getitem__", "__setitem__", "get")

    def __init__(self) -> None:
        inner: dict[str, object] = {}
        self.__getitem__, self.__setitem__, self.get = inner.__getitem__, inner.__setitem__, inner.get


class WithCounters:
    """One Counter for puts and one for gets, as a service would add them by hand."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._map: dict[str, object] = {}
        self._puts = Counter("puts", "Puts.", registry=registry)
        self._gets = Counter("gets", "Gets.", registry=registry)

    def __setitem__(self, key: str, value: object) -> None:
        self._map[key] = value
        self._puts.inc()

    def __getitem__(self, key: str) -> object:
        value = self._map[key]
        self._gets.inc()
        return value

    def get(self, key: str) -> object:
        value = self._map.get(key)
        self._gets.inc()
        return value


class Cost(NamedTuple):
    """Nanoseconds an operation."""

    put: float
    subscript: float
    get: float


KINDS: dict[str, Kind] = {
    "dict": dict,
    "methods in C": MethodsInC,
    "a call alone": CallAlone,
    "MonitoredMap(dict)": MonitoredMap,
    "with Counters": WithCounters,
}
CACHES: dict[str, Kind] = {
    "cachetools LRU": lambda: cachetools.LRUCache(ENTRIES),
    "MonitoredMap(cachetools)": lambda: MonitoredMap(cachetools.LRUCache[str, object](ENTRIES)),
    "cachebox LRU": lambda: cachebox.LRUCache(ENTRIES),
    "MonitoredMap(cachebox)": lambda: MonitoredMap(cast("Any", cachebox.LRUCache(ENTRIES))),
}


def requests_keys(entries: int, seed: int) -> list[str]:
    """New strings, not hashed yet, in an order of chance."""
    numbers = list(range(entries))
    random.Random(seed).shuffle(numbers)  # noqa: S311 - an order, no secret
    return [f"session-{number:08d}" for number in numbers]


def timed_ns(
    work: Callable[[Any, list[str]], None], subject: MutableMapping[str, object], keys: list[str]
) -> float:
    """Nanoseconds a key, the loop included: it takes 4 to 8.

    This thread's processor time, for the clock on the wall runs for others too: by it a put's ratio was 0.9
    to 3.3 beside a busy machine, by this 1.5 to 1.8.
    """
    began = time.thread_time_ns()
    work(subject, keys)
    return (time.thread_time_ns() - began) / len(keys)


def put(subject: MutableMapping[str, object], keys: list[str]) -> None:
    for key in keys:
        subject[key] = None


def subscript(subject: MutableMapping[str, object], keys: list[str]) -> None:
    for key in keys:
        subject[key]


def get(subject: MutableMapping[str, object], keys: list[str]) -> None:
    for key in keys:
        subject.get(key)


def requests(kind: Kind, entries: int, seed: int) -> Cost:
    subject = kind()
    return Cost(
        timed_ns(put, subject, requests_keys(entries, seed)),
        timed_ns(subscript, subject, requests_keys(entries, seed + 1)),
        timed_ns(get, subject, requests_keys(entries, seed + 2)),
    )


def resident(kind: Kind, entries: int, _seed: int) -> Cost:
    subject, keys = kind(), [f"session-{number:08d}" for number in range(entries)]
    put(subject, keys)
    return Cost(*(timed_ns(work, subject, keys) for work in (put, subscript, get)))


def hot(kind: Kind, entries: int, _seed: int) -> Cost:
    subject, keys = kind(), ["session"] * entries
    put(subject, keys)
    return Cost(*(timed_ns(work, subject, keys) for work in (put, subscript, get)))


def measured(
    load: Callable[[Kind, int, int], Cost], kinds: dict[str, Kind], rounds: int, entries: int = ENTRIES
) -> dict[str, Cost]:
    """The quickest of the rounds, in which the kinds take turns."""
    costs: dict[str, list[Cost]] = {name: [] for name in kinds}
    for number in range(rounds):
        for name, kind in kinds.items():
            costs[name].append(load(kind, entries, 3 * number))
    return {name: Cost(*map(min, zip(*rows, strict=True))) for name, rows in costs.items()}


def show(title: str, costs: dict[str, Cost], plain: dict[str, str]) -> None:
    """One line a kind; the ratio is to the plain map that `plain` names for it."""
    print(f"\n{title:<26}{'put':>8}{'×':>6}{'[]':>8}{'×':>6}{'get':>8}{'×':>6}   ns, times the plain map")
    for name, cost in costs.items():
        base = costs[plain[name]]
        cells = chain.from_iterable(
            (f"{ns:8.0f}", f"{ns / plain_ns:6.2f}") for ns, plain_ns in zip(cost, base, strict=True)
        )
        print(f"  {name:<24}{''.join(cells)}")


def scrape_ms(maps_count: int, rounds: int) -> float:
    """Least time of rendering a whole page for so many maps of 1,000 entries."""
    maps = Registry()
    watched = [MonitoredMap[str, bytes](name=f"map-{number}", registry=maps) for number in range(maps_count)]
    for one in watched:
        one.update((f"key-{number}", bytes(256)) for number in range(1_000))
    metrics = CollectorRegistry()
    metrics.register(MapCollector(maps))
    times_ms = []
    for _ in repeat(None, rounds):
        began = time.perf_counter_ns()
        generate_latest(metrics)
        times_ms.append((time.perf_counter_ns() - began) / 1e6)
    return min(times_ms)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"CPython {sys.version.split()[0]}, {ENTRIES:,} entries, quickest of {rounds} rounds")
    judged = measured(requests, KINDS, rounds)
    to_dict = dict.fromkeys(KINDS, "dict")
    show("requests", judged, to_dict)
    show("resident", measured(resident, KINDS, rounds), to_dict)
    show("hot", measured(hot, KINDS, rounds), to_dict)
    to_cache = {name: "cachetools LRU" if "cachetools" in name else "cachebox LRU" for name in CACHES}
    show("requests, caches", measured(requests, CACHES, rounds), to_cache)
    page_ms = scrape_ms(100, rounds=50)
    plain, watched = judged["dict"], judged["MonitoredMap(dict)"]
    limits = {
        f"put costs at most {PUT_NS_MAX} ns more": watched.put - plain.put <= PUT_NS_MAX,
        f"put takes at most {PUT_RATIO_MAX}×": watched.put <= PUT_RATIO_MAX * plain.put,
        f"[] takes at most {GET_RATIO_MAX}×": watched.subscript <= GET_RATIO_MAX * plain.subscript,
        f"get takes at most {GET_RATIO_MAX}×": watched.get <= GET_RATIO_MAX * plain.get,
        f"a scrape of 100 maps ({page_ms:.1f} ms) takes at most {SCRAPE_MS_MAX} ms": page_ms <= SCRAPE_MS_MAX,
    }
    print()
    for limit, kept in limits.items():
        print(f"{'kept' if kept else 'BROKEN':<8}{limit}")
    return 0 if all(limits.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
