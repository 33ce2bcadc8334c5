"""A map that was large once, and is kept (article, section 2.1).

Mechanism: a burst fills a map with 200,000 entries and takes them out again. A dict, a set and an
OrderedDict never shrink while entries go, only when an insertion finds the table full: the table of the
burst stays for as long as the map, and to iterate is to walk over all its empty slots. It is no leak, for
it does not grow: it is a high-water mark that a long-lived map keeps. Whoever drops the table has the heap
back and not yet the memory: glibc has seen a block of 7.7 MB freed, and from then on takes such blocks from
its own heap and keeps up to twice as much of them free at its end.

Who retains: the container itself, its own table.

Seen in the wild: cpython#76804 (a dict does not shrink on deletion).

A step is one entry put and one removed, so that `live_entries` are there at any time. The bursts come at
the steps `burst_at` and `2 * burst_at`, each within one step. The keys of the burst were there before it, so
that what grows is the table alone. An entry is lost when it is missing before its time, and an answer
stale when a removed key is still there.
"""

import sys
from collections import OrderedDict
from time import perf_counter_ns

from leakbench.child.gauges import trim
from leakbench.contract import Parameter, Run, Scenario
from leakbench.mitigations.expiring import ScriptedClock
from leakbench.mitigations.generations import GenerationMap
from leakbench.mitigations.shrinking import ShrinkingMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_CHUNK = 64  # insertions timed together
_RESIZED = 1.25  # an OrderedDict's size also counts its nodes, which come one by one
_SMALL_BYTES = 1 << 16  # of a smaller table the header is a good part
_ITERATIONS = 31
_WINDOW = 1_000
_GENERATION_STEPS = 512


class Keeper:
    """A mitigation: a container, and what is done with it.

    entries      supports ``[key] = None``, ``del [key]``, ``in``, ``iter`` and ``len``
    after_burst  called once a burst has been taken out; returns the container to go on with
    window       entries that live at a time, or None for the scenario's `live_entries`
    has_bursts   False where the traffic alone is looked at
    """

    __slots__ = ("after_burst", "entries", "has_bursts", "window")

    def __init__(
        self,
        entries: "Any",
        *,
        after_burst: "Callable[[Any], Any] | None" = None,
        window: "int | None" = None,
        has_bursts: bool = True,
    ) -> None:
        self.entries = entries
        self.after_burst = after_burst
        self.window = window
        self.has_bursts = has_bursts

    def table_bytes(self) -> int:
        own = getattr(self.entries, "table_bytes", None)
        return int(own()) if own is not None else sys.getsizeof(self.entries)


class Members(set[str]):
    """A set under the operations of a map."""

    __slots__ = ()

    def __setitem__(self, key: str, _value: None) -> None:
        self.add(key)

    def __delitem__(self, key: str) -> None:
        self.remove(key)


class Burst:
    """What a burst showed of how the table grew; numbers only, so that it retains nothing."""

    __slots__ = ("growth_factor_max", "inserts_ns", "peak_table_bytes", "resizes", "slowest_ns")

    def __init__(self) -> None:
        self.inserts_ns = 0
        self.slowest_ns = 0  # of any `_CHUNK` insertions
        self.peak_table_bytes = 0
        self.resizes = 0
        self.growth_factor_max = 1.0

    def run(self, keeper: Keeper, keys: "list[str]") -> None:
        before = keeper.table_bytes()
        for start in range(0, len(keys), _CHUNK):
            took_ns = self._insert(keeper.entries, keys, start)
            self.inserts_ns += took_ns
            self.slowest_ns = max(self.slowest_ns, took_ns)
            table_bytes = keeper.table_bytes()
            factor = table_bytes / before
            self.resizes += factor > _RESIZED
            if before > _SMALL_BYTES:
                self.growth_factor_max = max(self.growth_factor_max, factor)
            before = table_bytes
        self.peak_table_bytes = before
        entries = keeper.entries
        for key in keys:
            del entries[key]

    @staticmethod
    def _insert(entries: "Any", keys: "list[str]", start: int) -> int:
        began_ns = perf_counter_ns()
        for key in keys[start : start + _CHUNK]:
            entries[key] = None
        return perf_counter_ns() - began_ns


class ChurnedMap:
    """The workload: steady small traffic, and two bursts."""

    def __init__(self, make: "Callable[[ScriptedClock], Keeper]", run: Run) -> None:
        self._clock = ScriptedClock()
        self._keeper = make(self._clock)
        self._window = self._keeper.window or run.params["live_entries"]
        self._keys = [f"burst {number}" for number in range(run.params["burst_entries"])]
        burst_at = run.params["burst_at"]
        self._bursts_at = (burst_at, 2 * burst_at) if self._keeper.has_bursts else ()
        self._bursts: list[Burst] = []
        self._next = 0
        self._lost = self._stale = 0

    def step(self, i: int) -> None:
        self._clock.now = i
        if i in self._bursts_at:
            self._burst()
        entries = self._keeper.entries
        entries[f"entry {i}"] = None
        self._next = i + 1
        ended = i - self._window
        if ended >= 0:
            key = f"entry {ended}"
            if key in entries:
                del entries[key]
                self._stale += key in entries
            else:
                self._lost += 1

    def _burst(self) -> None:
        keeper, burst = self._keeper, Burst()
        burst.run(keeper, self._keys)
        self._bursts.append(burst)
        if keeper.after_burst is not None:
            keeper.entries = keeper.after_burst(keeper.entries)

    def counts(self) -> "dict[str, int | float]":
        """Exact counts; the table's bytes now and at the bursts' height; the time until iteration yields.

        `growth_factor_max` is by what the table at most grew within `_CHUNK` insertions; the two
        `…_burst_inserts_ns` are what all insertions of a burst took.
        """
        entries = self._keeper.entries
        seen: dict[str, int | float] = {
            "live_entries": min(self._next, self._window),
            "retained_entries": len(entries),
            "lost_entries": self._lost,
            "stale_answers": self._stale,
            "table_bytes": self._keeper.table_bytes(),
            "first_entry_ns": _median_first_ns(entries),
        }
        if self._bursts:
            first, last = self._bursts[0], self._bursts[-1]
            seen |= {
                "peak_table_bytes": first.peak_table_bytes,
                "table_resizes": first.resizes,
                "growth_factor_max": first.growth_factor_max,
                "slowest_64_inserts_ns": first.slowest_ns,
                "mean_64_inserts_ns": first.inserts_ns * _CHUNK / len(self._keys),
                "first_burst_inserts_ns": first.inserts_ns,
                "last_burst_inserts_ns": last.inserts_ns,
            }
        return seen


def _median_first_ns(entries: "Any") -> int:
    times = []
    for _ in range(_ITERATIONS):
        began_ns = perf_counter_ns()
        for _key in entries:
            break
        times.append(perf_counter_ns() - began_ns)
    return sorted(times)[_ITERATIONS // 2]


SCENARIO = Scenario(
    "churned-map",
    ChurnedMap,
    title="A map that was large once, and is kept",
    section="2.1",
    steps={"quick": 16_384, "full": 65_536},
    warmup=1_024,
    params={
        "burst_entries": Parameter(200_000, 1, 1 << 24, "entries that a burst puts and takes out"),
        "live_entries": Parameter(1, 1, 1 << 20, "entries of the steady traffic"),
        "burst_at": Parameter(1_500, 1, 1 << 30, "the step of the first burst, warm-up included"),
    },
)

_KINDS: "dict[str, type[Any]]" = {"": dict, "-set": Members, "-ordereddict": OrderedDict}
"""The containers, by what their cases' names end in."""


def _keep(kind: "type[Any]") -> "Callable[[ScriptedClock], Keeper]":
    def keep(_clock: ScriptedClock) -> Keeper:
        return Keeper(kind())

    return keep


def _rebuild(kind: "type[Any]") -> "Callable[[ScriptedClock], Keeper]":
    def rebuild(_clock: ScriptedClock) -> Keeper:
        return Keeper(kind(), after_burst=kind)

    return rebuild


for _suffix, _kind in _KINDS.items():
    _name = _suffix[1:] or "dict"
    SCENARIO.mitigation(
        "none" + _suffix,
        verdict="unreturned" if _kind is OrderedDict else "bounded",
        summary=f"{'an' if _kind is OrderedDict else 'a'} {_name} keeps the table that it once needed",
        cost="to iterate is to walk over all the empty slots",
    )(_keep(_kind))
    SCENARIO.mitigation(
        "rebuild" + _suffix,
        verdict="unreturned",
        summary=f"after the burst the {_name} is copied into a new one",
        cost="whoever else refers to the old one keeps it, and no longer sees what changes",
    )(_rebuild(_kind))


@SCENARIO.mitigation(
    "rebuild-and-trim",
    verdict="steady",
    summary="the dict is copied into a new one, and malloc_trim(0) gives what the old one took back",
    cost="as for rebuild, and a walk over all free memory under the allocator's lock",
)
def rebuild_and_trim(_clock: ScriptedClock) -> Keeper:
    def rebuild(entries: "dict[str, None]") -> "dict[str, None]":
        few = dict(entries)
        entries.clear()  # its caller still refers to it
        trim()
        return few

    return Keeper({}, after_burst=rebuild)


@SCENARIO.mitigation(
    "clear-and-refill",
    verdict="unreturned",
    summary="the few entries are set aside, the same dict is cleared and filled again",
    cost="between the two the map is empty: another thread misses entries",
)
def clear_and_refill(_clock: ScriptedClock) -> Keeper:
    def refill(entries: "dict[str, None]") -> "dict[str, None]":
        few = list(entries.items())
        entries.clear()
        entries.update(few)
        return entries

    return Keeper({}, after_burst=refill)


@SCENARIO.mitigation(
    "generation-swap",
    verdict="unreturned",
    summary=f"two generations; the older is dropped with its table every {_GENERATION_STEPS} steps",
    cost="the burst's table stays for up to two generations, and an entry must not live longer than one",
)
def generation_swap(clock: ScriptedClock) -> Keeper:
    return Keeper(GenerationMap(_GENERATION_STEPS, clock))


@SCENARIO.mitigation(
    "rebuild-when-sparse",
    verdict="unreturned",
    summary="a map that copies itself when less than an eighth of its entries is left",
    cost="a method call around each operation, and one removal pays for the copy",
)
def rebuild_when_sparse(_clock: ScriptedClock) -> Keeper:
    return Keeper(ShrinkingMap(sparse=8))


@SCENARIO.mitigation(
    "sliding-window",
    verdict="steady",
    summary=f"no burst: {_WINDOW:,} text keys that come and go by ones never need a table of more than 52 kB",
    cost="none: that deletion as such leaks is not so",
)
def sliding_window(_clock: ScriptedClock) -> Keeper:
    return Keeper({}, window=_WINDOW, has_bursts=False)


class SplitMap:
    """The burst's entries in a dict of their own, which is dropped when it is empty."""

    __slots__ = ("_burst", "_lasting")

    def __init__(self) -> None:
        self._burst: dict[str, None] = {}
        self._lasting: dict[str, None] = {}

    def _of(self, key: str) -> "dict[str, None]":
        return self._burst if key.startswith("burst") else self._lasting

    def __setitem__(self, key: str, value: None) -> None:
        self._of(key)[key] = value

    def __delitem__(self, key: str) -> None:
        entries = self._of(key)
        del entries[key]
        if entries is self._burst and not entries:
            self._burst = {}

    def __contains__(self, key: str) -> bool:
        return key in self._of(key)

    def __iter__(self) -> "Iterator[str]":
        yield from self._lasting
        yield from self._burst

    def __len__(self) -> int:
        return len(self._lasting) + len(self._burst)

    def table_bytes(self) -> int:
        return sys.getsizeof(self._lasting) + sys.getsizeof(self._burst)


@SCENARIO.mitigation(
    "ideal",
    verdict="unreturned",
    summary="the burst's entries are kept in a dict of their own, dropped with its table: the bound",
    cost="somebody must know which entries will not stay",
)
def ideal(_clock: ScriptedClock) -> Keeper:
    return Keeper(SplitMap())
