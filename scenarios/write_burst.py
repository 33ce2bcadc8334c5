"""A burst of writes against a map: what a limiter in front holds back, and what eviction behind lets go.

Mechanism: a read-through map serves keys of Zipf popularity; every now and then a crawler floods it with
keys that nobody asks for again, each four times as large. Without a bound every key ever written stays.
A limiter bounds how fast the map grows and not how far; eviction bounds how far, and which policy decides
what it costs: a scan puts everything out of an LRU and passes by SIEVE and W-TinyLFU. The article's LRU is
an insertion-ordered map, which use does not reorder: a FIFO (article, section 4.4).

Who retains: the map ``ENTRIES``; and a limiter per client, its record of every client that ever wrote.

Seen in the wild: token-bucket and moving-window limiters that keep a record for every idle client
(100,000 of 100,000).

Live are the keys of the popular kind that were asked for: any may be asked for again. Lost are those of them
that the map no longer has. The hit ratio is that of the reads of popular keys; `best_static_hit_ratio`
is that of a map which holds, from the start and for ever, the keys that this run asks for most.
"""

import random
from array import array
from collections import Counter, OrderedDict
from itertools import accumulate

from leakbench.contract import Parameter, Run, Scenario
from leakbench.mitigations.evicting import EvictingMap, Fifo, Lfu, Lru, Sieve
from leakbench.mitigations.expiring import ScriptedClock
from leakbench.mitigations.limiters import NoLimit, PerClient, SlidingWindow, TokenBucket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from leakbench.mitigations.limiters import Limiter

_DRAWS = 65_536
_FLOOD_EVERY_STEPS = 300
_FLOOD_STEPS = 32
_FLOOD_WRITES = 4
_VALUE_BYTES = 128
_FLOOD_VALUE_BYTES = 4 * _VALUE_BYTES
_STEPS_A_CLIENT = 4
_CRAWLER = -1
_RATE = 0.6
"""Writes a step: more than the misses of popular keys, less than these and the floods together."""
_BURST_WRITES = 32
_WINDOW_STEPS = 64
_CLIENT_RATE = 0.5
_CLIENT_BURST = 8

ENTRIES: "dict[int, bytes]" = {}
"""The map that nothing bounds."""


class Guard:
    """A mitigation of this scenario: who may write, and the map that is written to.

    entries  supports ``[key] = value``, ``get(key)``, ``in`` and ``len``; `in` must not count as a use
    """

    __slots__ = ("close", "entries", "limiter")

    def __init__(self, limiter: "Limiter", entries: "Any", close: "Callable[[], None] | None" = None) -> None:
        self.limiter = limiter
        self.entries = entries
        self.close = close


class Load:
    """What a mitigation may know of the load: the clock, the map's bound, and for `ideal` the favourites."""

    __slots__ = ("bound_entries", "clock", "favourites")

    def __init__(self, clock: ScriptedClock, bound_entries: int, favourites: "frozenset[int]") -> None:
        self.clock = clock
        self.bound_entries = bound_entries
        self.favourites = favourites


class WriteBurst:
    """The workload: a read of a popular key a step, written where it is missing, and floods of others."""

    def __init__(self, make: "Callable[[Load], Guard]", run: Run) -> None:
        rng = random.Random(run.seed)
        keys = run.params["keys"]
        cumulated = list(accumulate(1.0 / (rank + 1) for rank in range(keys)))
        self._draws = array("L", rng.choices(range(keys), cum_weights=cumulated, k=_DRAWS))
        self._bound = run.params["bound_entries"]
        self._flood_writes = run.params["flood_writes"]
        self._asked = array("L", bytes(8 * keys))  # times that each key was asked for
        self._next_strange = keys
        self._clock = ScriptedClock()
        favourites = frozenset(key for key, _ in Counter(self._draws).most_common(self._bound))
        self._guard = make(Load(self._clock, self._bound, favourites))
        self._reads = self._hits = self._writes = self._refused = self._refused_to_crawler = 0

    def step(self, i: int) -> None:
        self._clock.now = i
        key = self._draws[i % _DRAWS]
        self._asked[key] += 1
        self._reads += 1
        if self._guard.entries.get(key) is not None:
            self._hits += 1
        else:
            self._write(i // _STEPS_A_CLIENT, key, _VALUE_BYTES)
        if i % _FLOOD_EVERY_STEPS < _FLOOD_STEPS:
            for _ in range(self._flood_writes):
                self._write(_CRAWLER, self._next_strange, _FLOOD_VALUE_BYTES)
                self._next_strange += 1

    def _write(self, client: int, key: int, value_bytes: int) -> None:
        self._writes += 1
        if self._guard.limiter.admit(client):
            self._guard.entries[key] = bytes(value_bytes)
        else:
            self._refused += 1
            self._refused_to_crawler += client == _CRAWLER

    def counts(self) -> "dict[str, int | float]":
        entries = self._guard.entries
        asked = [key for key, times in enumerate(self._asked) if times]
        best = sum(sorted(self._asked)[-self._bound :])
        return {
            "live_entries": len(asked),
            "retained_entries": len(entries),
            "lost_entries": sum(key not in entries for key in asked),
            "hit_ratio": self._hits / self._reads if self._reads else 1.0,
            "best_static_hit_ratio": best / self._reads if self._reads else 1.0,
            "writes": self._writes,
            "writes_refused": self._refused,
            "writes_refused_to_crawler": self._refused_to_crawler,
            "entries_evicted": self._writes - self._refused - len(entries),
            "limiter_records": len(self._guard.limiter),
        }

    def close(self) -> None:
        if self._guard.close is not None:
            self._guard.close()


SCENARIO = Scenario(
    "write-burst",
    WriteBurst,
    title="A burst of writes against a map: limiters in front, eviction behind",
    section="4.4",
    steps={"quick": 32_768},
    warmup=4_096,
    params={
        "keys": Parameter(10_000, 1, 1 << 20, "popular keys, of Zipf popularity with exponent 1"),
        "bound_entries": Parameter(1_000, 1, 1 << 20, "entries that an evicting map holds"),
        "flood_writes": Parameter(_FLOOD_WRITES, 0, 1 << 10, "strange keys written in each step of a flood"),
    },
)


class ArticleLru:
    """The article's LRU: an ordered map that drops its first entry on overflow; use does not reorder it."""

    def __init__(self, maximum_entries: int) -> None:
        self._maximum_entries = maximum_entries
        self._entries: OrderedDict[int, bytes] = OrderedDict()

    def __setitem__(self, key: int, value: bytes) -> None:
        self._entries[key] = value
        if len(self._entries) > self._maximum_entries:
            self._entries.popitem(last=False)

    def get(self, key: int) -> "bytes | None":
        return self._entries.get(key)

    def __contains__(self, key: int) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)


class _Favourites:
    """The best static set: takes what is in it and nothing else."""

    def __init__(self, favourites: "frozenset[int]") -> None:
        self._favourites = favourites
        self._entries: dict[int, bytes] = {}

    def __setitem__(self, key: int, value: bytes) -> None:
        if key in self._favourites:
            self._entries[key] = value

    def get(self, key: int) -> "bytes | None":
        return self._entries.get(key)

    def __contains__(self, key: int) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)


_LIMITERS: "dict[str, Callable[[ScriptedClock], Limiter]]" = {
    "": lambda _clock: NoLimit(),
    "token-bucket": lambda clock: TokenBucket(_RATE, _BURST_WRITES, clock),
    "sliding-window": lambda clock: SlidingWindow(round(_RATE * _WINDOW_STEPS), _WINDOW_STEPS, clock),
    "per-client": lambda clock: PerClient(lambda: TokenBucket(_CLIENT_RATE, _CLIENT_BURST, clock), clock),
    "per-client-forgetting": lambda clock: PerClient(
        lambda: TokenBucket(_CLIENT_RATE, _CLIENT_BURST, clock), clock, idle=_CLIENT_BURST / _CLIENT_RATE
    ),
}
_EVICTIONS: "dict[str, Callable[[Load], Any]]" = {
    "": lambda _load: ENTRIES,
    "fifo": lambda load: EvictingMap(Fifo(), load.bound_entries),
    "article-lru": lambda load: ArticleLru(load.bound_entries),
    "lru": lambda load: EvictingMap(Lru(), load.bound_entries),
    "lfu": lambda load: EvictingMap(Lfu(), load.bound_entries),
    "sieve": lambda load: EvictingMap(Sieve(), load.bound_entries),
    "lru-by-bytes": lambda load: EvictingMap(Lru(), load.bound_entries * _VALUE_BYTES, weigh=len),
    "best-static": lambda load: _Favourites(load.favourites),
}
_MAP = "write_burst.ENTRIES"
_RECORDS = "PerClient._records"
_CASES: "tuple[tuple[str, str, str, str, str | None, str, str], ...]" = (
    # name, limiter, eviction, verdict, holder, summary, cost
    ("none", "", "", "leak", _MAP, "neither: every key ever written stays", "unbounded memory"),
    ("token-bucket", "token-bucket", "", "leak", _MAP, "a token bucket alone: the map grows at its rate",
     "writes refused, and still unbounded"),
    ("sliding-window", "sliding-window", "", "leak", _MAP, "a sliding window alone: likewise",
     "writes refused, a time remembered for each admitted, and still unbounded"),
    ("fifo", "", "fifo", "bounded", None, "first in, first out", "popular entries go with the rest"),
    ("article-lru", "", "article-lru", "bounded", None, "the article's insertion-ordered LRU",
     "use does not reorder it, so it is a FIFO: the same hits and losses"),
    ("lru", "", "lru", "bounded", None, "least recently used first", "a flood puts the popular entries out"),
    ("lfu", "", "lfu", "bounded", None, "least frequently used first", "what was popular once never goes"),
    ("sieve", "", "sieve", "bounded", None, "SIEVE: a FIFO that spares what was asked for",
     "hit for hit an LFU until its hand has come round, which takes long where floods pass by"),
    ("lru-by-bytes", "", "lru-by-bytes", "bounded", None, "least recently used first, bounded in bytes",
     "a look at every value's size"),
    ("token-bucket-article-lru", "token-bucket", "article-lru", "bounded", None,
     "the article's combination: refused by the bucket, else stored, else the first goes",
     "writes refused to everybody while one floods; a FIFO's hits"),
    ("token-bucket-lru", "token-bucket", "lru", "bounded", None, "a token bucket before an LRU",
     "writes refused to everybody while one floods"),
    ("sliding-window-lru", "sliding-window", "lru", "bounded", None, "a sliding window before an LRU",
     "writes refused to everybody while one floods"),
    ("per-client-lru", "per-client", "lru", "leak", _RECORDS,
     "a bucket per client before an LRU: the limiter keeps a record of every client that ever wrote",
     "the leak moves from the map to its guard"),
    ("per-client-forgetting-lru", "per-client-forgetting", "lru", "bounded", None,
     "a bucket per client, forgotten once it would be full again", "a look at the idlest with every write"),
    ("ideal", "", "best-static", "bounded", None, "the best static set, by an oracle that knows the future",
     "not to be had outside a benchmark"),
)  # fmt: skip


def _declare(name: str, limiter: str, eviction: str, **truth: "Any") -> None:
    @SCENARIO.mitigation(name, **truth)
    def make(load: Load) -> Guard:
        return Guard(_LIMITERS[limiter](load.clock), _EVICTIONS[eviction](load))


for _name, _limiter, _eviction, _verdict, _holder, _summary, _cost in _CASES:
    _declare(_name, _limiter, _eviction, verdict=_verdict, holder=_holder, summary=_summary, cost=_cost)


@SCENARIO.mitigation(
    "w-tinylfu",
    verdict="bounded",
    deterministic=False,
    requires=("theine",),
    summary="theine.Cache: W-TinyLFU, which admits a newcomer only if it is asked for more than who would go",
    cost="several times slower; a thread that outlives every cache",
)
def w_tinylfu(load: Load) -> Guard:
    from leakbench.mitigations.theine_map import TheineMap

    entries = TheineMap(load.bound_entries)
    return Guard(NoLimit(), entries, entries.close)
