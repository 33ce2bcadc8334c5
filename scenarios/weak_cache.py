"""A cache on weak references with a periodic sweep, rebuilt from its description (article, section 4.3).

Mechanism: the cache keeps ``key -> weakref.ref(value, callback)``, the callback removes the key, and a thread
started by the constructor looks for dead references now and then. It leaks in the one place that nobody
looks at: the thread's target is a bound method, which holds the cache for as long as the thread runs, which
is for ever. Its other defects lose entries, refuse values or stop it, and cost no memory:

* a str, int, bytes, list, dict or tuple cannot be weakly referenced: a put raises TypeError;
* puts take no lock: the sweep's loop raises "dictionary changed size during iteration" and its thread ends;
* the callback removes whatever is under its key by now, also the value that replaced the dead one;
* a lock taken in the callback is one that its own thread may hold, for the collector runs anywhere;
* the sweep finds nothing, since the callbacks were there first.

Who retains: each sweeper thread, through its target, the cache that started it.

Seen in the wild: theine and cachebox with a sweeper, dropped without close, are never collected.

Each step a tenant comes, uses a cache of its own and goes: 64 values that the tenant holds, a few that are
replaced while a reader lists the cache, one that cannot be weakly referenced, and one that dies in a cycle
which the collector finds inside a put. Then the tenant lets go of the values and of the cache. The reader
makes certain that every replaced entry is lost, where it can be; how many of the sweepers that puts race with
die of it is the scheduler's choice, and was 36 to 91 in 100.
"""

import gc
import sys
import threading
import weakref

from leakbench.contract import Parameter, Run, Scenario
from leakbench.mitigations.article_weak_cache import (
    ARTICLE_DEFECTS,
    LOCKS,
    PINS,
    REFUSES,
    UNCHECKED,
    UNLOCKED,
    ArticleCache,
    Tally,
)
from leakbench.mitigations.weak_cache import WeakCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_REPLACED = 8
_RACE_PUTS = 2_048
_RACE_EVERY = 4
_SWITCH_SECONDS = 10e-6
"""Between threads: in two of them, the races of many on a busy server."""


class Value:
    """A thing worth caching; `other` may close a cycle."""

    __slots__ = ("__weakref__", "other", "payload")

    def __init__(self, payload_bytes: int) -> None:
        self.payload = bytes(payload_bytes)
        self.other: Value | None = None


class CollectingKey:
    """A key in whose hash the collector runs, as it may in any put that allocates: made certain here."""

    def __hash__(self) -> int:
        gc.collect(1)
        return 1


class WeakCaches:
    """The workload: a tenant a step.

    Between steps no tenant is there, so nothing is live; retained are the entries of caches that were
    dropped and are still there. An entry is lost when its value lives and the cache no longer has it.
    """

    def __init__(self, make: "Callable[[Tally], Any]", run: Run) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._make = make
        self._entries = run.params["entries"]
        self._payload_bytes = run.params["payload_bytes"]
        self._tally = Tally()
        self._kept: dict[int, weakref.ref[Any]] = {}
        self._tenants = self._lost = self._refused = self._races = 0
        threading.excepthook = self._tally.note_death

    def step(self, i: int) -> None:
        cache = self._make(self._tally)
        self._tenants += 1
        values = [Value(self._payload_bytes) for _ in range(self._entries)]
        for key, value in enumerate(values):
            cache[key] = value
        self._replace(cache, values)
        self._put_text(cache, i)
        self._put_where_the_collector_runs(cache)
        self._race(cache)
        cache.sweep()
        kept = weakref.ref(cache, self._forget)
        self._kept[id(kept)] = kept

    def _forget(self, collected: "weakref.ref[Any]") -> None:
        del self._kept[id(collected)]

    def _replace(self, cache: "Any", values: "list[Value]") -> None:
        """A reader lists the cache, the tenant replaces some values, the reader goes."""
        listed = cache.items()
        for key in range(_REPLACED):
            replacement = Value(self._payload_bytes)
            cache[key] = replacement
            values[key] = replacement  # here the old value dies
        del listed
        self._lost += sum(cache.get(key) is not values[key] for key in range(_REPLACED))

    def _put_text(self, cache: "Any", i: int) -> None:
        text = f"tenant {i}"
        try:
            cache["text"] = text
        except TypeError:
            self._refused += 1
        else:
            self._lost += cache.get("text") != text

    def _put_where_the_collector_runs(self, cache: "Any") -> None:
        last = Value(0)
        last.other = last
        cache["cycle"] = last
        del last
        value = Value(0)
        cache[CollectingKey()] = value

    def _race(self, cache: "Any") -> None:
        """Every so many tenants: puts while the cache's own sweeper, if it has one that is hasty, sweeps."""
        if self._tenants % _RACE_EVERY == 0 and getattr(cache, "_sweeper", None) is not None:
            self._races += 1
            held = [Value(0) for _ in range(_RACE_PUTS)]
            for key, value in enumerate(held):
                cache[-1 - key] = value

    def counts(self) -> "dict[str, int | float]":
        tally = self._tally
        kept = [reference() for reference in self._kept.values()]
        return {
            "live_entries": 0,
            "retained_entries": sum(len(cache) for cache in kept if cache is not None),
            "lost_entries": self._lost,
            "caches_dropped": self._tenants,
            "caches_kept": len(kept),
            "puts_refused": self._refused,
            "deadlocks": tally.deadlocks,
            "sweepers_raced": self._races,
            "sweepers_died": tally.sweepers_died,
            "entries_scanned": tally.entries_scanned,
            "entries_swept": tally.entries_swept,
        }


SCENARIO = Scenario(
    "weak-cache",
    WeakCaches,
    title="A weak-reference cache whose sweeper keeps it alive",
    section="4.3",
    steps={"quick": 128, "full": 256},
    warmup=8,
    params={
        "entries": Parameter(64, _REPLACED, 1 << 20, "values that a tenant puts"),
        "payload_bytes": Parameter(64, 0, 1 << 20, "bytes of payload in each value"),
    },
)

_DESIGNS: "tuple[tuple[str, frozenset[str], dict[str, Any]], ...]" = (
    (
        "none",
        ARTICLE_DEFECTS,
        {
            "verdict": "leak",
            "holder": "Thread._target of a sweeper, a bound method",
            "deterministic": False,
            "summary": "the article's cache, with its defects",
            "cost": "a thread and a cache for each that was ever dropped; entries lost, values refused",
        },
    ),
    (
        "pinned-by-sweeper",
        frozenset({PINS}),
        {
            "verdict": "leak",
            "holder": "Thread._target of a sweeper, a bound method",
            "deterministic": False,
            "summary": f"one defect: {PINS}, so that no cache is ever collected",
            "cost": "a thread and a cache for each that was ever dropped",
        },
    ),
    (
        "unlocked-put",
        frozenset({UNLOCKED}),
        {
            "verdict": "steady",
            "deterministic": False,
            "summary": f"one defect: {UNLOCKED}, and its thread ends in a RuntimeError",
            "cost": "sweepers that died, and nobody is told",
        },
    ),
    (
        "values-refused",
        frozenset({REFUSES}),
        {
            "verdict": "steady",
            "summary": f"one defect: {REFUSES}",
            "cost": "a TypeError for every str, int, bytes, list, dict, tuple, datetime",
        },
    ),
    (
        "unchecked-callback",
        frozenset({UNCHECKED}),
        {
            "verdict": "steady",
            "summary": f"one defect: {UNCHECKED}; whoever lists the cache keeps the old callback alive",
            "cost": "entries lost whose values live",
        },
    ),
    (
        "lock-in-callback",
        frozenset({LOCKS}),
        {
            "verdict": "steady",
            "summary": f"one defect: {LOCKS}, which its own thread holds when the collector runs in a put",
            "cost": "a thread that waits for itself for ever (counted here, not waited for)",
        },
    ),
    (
        "sweep-finds-nothing",
        frozenset(),
        {
            "verdict": "steady",
            "summary": "the article's cache, mended: the sweep has nothing to find, the callbacks were first",
            "cost": "a scan of all entries under the lock, for nothing",
        },
    ),
)


def _declare(name: str, defects: "frozenset[str]", truth: "dict[str, Any]") -> None:
    @SCENARIO.mitigation(name, **truth)
    def make(tally: Tally) -> ArticleCache:
        return ArticleCache(defects, tally)


for _name, _defects, _truth in _DESIGNS:
    _declare(_name, _defects, _truth)


@SCENARIO.mitigation(
    "right",
    verdict="steady",
    summary="leakbench's WeakCache: identity check, callbacks that never wait, strings within a bound",
    cost="a lock around every look-up",
)
def right(_tally: Tally) -> "WeakCache[Any, Any]":
    return WeakCache()


@SCENARIO.mitigation(
    "weak-value-dictionary",
    verdict="steady",
    summary="the standard library's WeakValueDictionary: no thread, and an identity check of its own",
    cost="refuses what cannot be weakly referenced",
)
def weak_value_dictionary(_tally: Tally) -> "Any":
    return _StandardCache()


class _StandardCache(weakref.WeakValueDictionary):  # type: ignore[type-arg]  # any key and value
    """There is nothing to sweep."""

    def sweep(self) -> None:
        pass
