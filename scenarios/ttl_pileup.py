"""Keys with a time to live that pile up because nobody removes them once it is over (article, section 2.4).

Mechanism: every entry of a map has an end. The map never serves what is past it, so the program is right;
but if an expired entry goes only when that very key is asked for, then the keys that nobody asks for again,
which are most, stay for ever. What else may remove them: any write, a sample now and then (as Redis does it),
a timing wheel, a heap of ends, a thread that scans.

Who retains: the map, its entries past their end.

Seen in the wild: cachetools#177 and #215 (expired entries stay until the next mutation); expiringdict and
ttlru-dict, which look at a key only when it is asked for.

Each step puts one key, asks for a living one, and one step in five for one that has expired. Time is a
scripted clock, a tick a step. cachebox, moka and expiringdict have clocks of their own: for these the steps
are held to a pace, and a tick is 16 µs of real time. theine is not here: its wheel turns once a second, too
slow for any pace (its bound in entries is measured in session-map), and each entry that it expires leaves
some 50 bytes behind that nothing gives back (2.0.0). The real servers are in ttl-server.

Live are the entries whose time is not over. An entry is lost when it is asked for in its time and not there,
and an answer is stale when it comes past its time. `most_entries` is the most that were there at once.
"""

import random
from array import array

from leakbench.contract import Parameter, Run, Scenario
from leakbench.mitigations.expiring import ExpiringMap, ScriptedClock
from leakbench.mitigations.expiry import HeapMap, KeepingMap, SampledMap, SweptMap, WheelMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_AGES = 4_096
_ASK_EXPIRED_EVERY = 5
_CYCLE_EVERY_STEPS = 20
_COUNT_EVERY_STEPS = 100
_SWEEP_SECONDS = 0.002
_TURN_STEPS = 1_024
_WHEEL_SLOTS = 16
_MARGIN_STEPS = 1_200
"""Beyond the end of an entry, until it is surely over for those that tell the time themselves."""


class Store:
    """A mitigation of this scenario: a map, what is called after each step, and how it is closed.

    own_clock  it tells the time itself, so that what is asked for near an entry's end may be answered or not
    """

    __slots__ = ("close", "entries", "own_clock", "tick")

    def __init__(
        self,
        entries: "Any",
        tick: "Callable[[int], object] | None" = None,
        close: "Callable[[], None] | None" = None,
        *,
        own_clock: bool = False,
    ) -> None:
        self.entries = entries
        self.tick = tick
        self.close = close
        self.own_clock = own_clock


class TtlPileup:
    """The workload: one key put a step, a living one asked for, and now and then one that has expired."""

    def __init__(self, make: "Callable[[int, ScriptedClock], Store]", run: Run) -> None:
        rng = random.Random(run.seed)
        self._ttl_steps = run.params["ttl_steps"]
        self._value_bytes = run.params["value_bytes"]
        self._ages = array("L", (rng.randrange(self._ttl_steps) for _ in range(_AGES)))
        self._clock = ScriptedClock()
        self._store = make(self._ttl_steps, self._clock)
        self._after_end_steps = self._ttl_steps + (_MARGIN_STEPS if self._store.own_clock else 0)
        self._steps = self._lost = self._stale = self._most = 0

    def step(self, i: int) -> None:
        self._clock.now = i
        entries = self._store.entries
        entries[i] = bytes(self._value_bytes)
        self._steps += 1
        living = i - self._ages[i % _AGES]
        if living >= 0:
            self._lost += entries.get(living) is None
        if i % _ASK_EXPIRED_EVERY == 0 and i >= self._after_end_steps:
            self._stale += entries.get(i - self._after_end_steps) is not None
        if self._store.tick is not None:
            self._store.tick(i)
        if i % _COUNT_EVERY_STEPS == 0:
            self._most = max(self._most, len(entries))

    def counts(self) -> "dict[str, int | float]":
        live, retained = min(self._steps, self._ttl_steps), len(self._store.entries)
        return {
            "live_entries": live,
            "retained_entries": retained,
            "lost_entries": self._lost,
            "stale_answers": self._stale,
            "stale_share": max(0, retained - live) / max(1, retained),
            "most_entries": self._most,
        }

    def close(self) -> None:
        if self._store.close is not None:
            self._store.close()


SCENARIO = Scenario(
    "ttl-pileup",
    TtlPileup,
    title="Keys with a time to live that nobody removes",
    section="2.4",
    steps={"quick": 8_192, "full": 131_072},
    warmup=4_096,
    params={
        "ttl_steps": Parameter(1_000, 2, 1 << 20, "steps for which an entry lives"),
        "value_bytes": Parameter(256, 0, 1 << 20, "bytes of a value"),
    },
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="KeepingMap._entries",
    summary="expired entries are not served, and never removed",
    cost="every entry that ever was",
)
def none(ttl_steps: int, clock: ScriptedClock) -> Store:
    return Store(KeepingMap(ttl_steps, clock))


@SCENARIO.mitigation(
    "on-access",
    verdict="leak",
    holder="KeepingMap._entries",
    summary="an expired entry goes when that key is asked for",
    cost="leaks more slowly, by the share that is asked for again",
)
def on_access(ttl_steps: int, clock: ScriptedClock) -> Store:
    return Store(KeepingMap(ttl_steps, clock, on_access=True))


@SCENARIO.mitigation(
    "on-write",
    verdict="bounded",
    summary="any put removes what is due, oldest first (one time to live for all)",
    cost="an idle map keeps what it has",
)
def on_write(ttl_steps: int, clock: ScriptedClock) -> Store:
    return Store(ExpiringMap(ttl_steps, clock))


def _declare_sampled(effort: int) -> None:
    @SCENARIO.mitigation(
        f"sampled-{effort}",
        verdict="bounded",
        summary=f"as Redis: a sample now and then, and more while many are expired; effort {effort}",
        cost="an array of the keys beside the table; some entries are past their time at any moment",
    )
    def sampled(ttl_steps: int, clock: ScriptedClock) -> Store:
        entries = SampledMap(ttl_steps, clock, effort)
        return Store(entries, lambda step: step % _CYCLE_EVERY_STEPS or entries.cycle())


for _effort in (1, 10):
    _declare_sampled(_effort)


@SCENARIO.mitigation(
    "timer-wheel",
    verdict="bounded",
    summary=f"a timing wheel of {_WHEEL_SLOTS} slots a time to live",
    cost=f"the {_WHEEL_SLOTS}th part of a time to live too long",
)
def timer_wheel(ttl_steps: int, clock: ScriptedClock) -> Store:
    return Store(WheelMap(ttl_steps, clock, max(1, ttl_steps // _WHEEL_SLOTS)))


@SCENARIO.mitigation(
    "heap",
    verdict="bounded",
    summary="a heap of ends: a put removes what is due, whatever the times to live",
    cost="a logarithm a put; a renewed entry's old end stays until it is due",
)
def heap(ttl_steps: int, clock: ScriptedClock) -> Store:
    return Store(HeapMap(ttl_steps, clock))


@SCENARIO.mitigation(
    "sweeper-thread",
    verdict="bounded",
    deterministic=False,
    summary=f"a thread scans every {_SWEEP_SECONDS * 1_000:g} ms",
    cost="a thread, a lock, a pause in proportion to the map",
)
def sweeper_thread(ttl_steps: int, clock: ScriptedClock) -> Store:
    from leakbench.mitigations.sweeper import Turns, WeakSweeper

    turns = Turns(_TURN_STEPS)
    entries = SweptMap(ttl_steps, clock, turns.over)
    return Store(entries, turns.wait, WeakSweeper(entries, _SWEEP_SECONDS).close)


@SCENARIO.mitigation(
    "cachetools",
    verdict="bounded",
    requires=("cachetools",),
    summary="cachetools.TTLCache on the scenario's clock: any put removes what is due",
    cost="an idle cache keeps what it has; several times slower than a dict",
)
def cachetools_ttl(ttl_steps: int, clock: ScriptedClock) -> Store:
    import cachetools

    entries: cachetools.TTLCache[int, bytes] = cachetools.TTLCache(1 << 30, ttl_steps, timer=clock)
    return Store(entries)


def _declare_paced(name: str, requires: str, make: "Callable[[float], Any]", **truth: "Any") -> None:
    @SCENARIO.mitigation(name, deterministic=False, requires=(requires,), **truth)
    def paced(ttl_steps: int, _clock: ScriptedClock) -> Store:
        from leakbench.mitigations.pacing import Pace, seconds_for

        return Store(make(seconds_for(ttl_steps)), Pace(), own_clock=True)


def _cachebox(ttl_seconds: float) -> "Any":
    import cachebox

    return cachebox.TTLCache(0, ttl_seconds)


def _moka(ttl_seconds: float) -> "Any":
    from leakbench.mitigations.moka_map import MokaMap

    return MokaMap(1 << 20, ttl_seconds)


def _expiringdict(ttl_seconds: float) -> "Any":
    from expiringdict import ExpiringDict

    return ExpiringDict(1 << 30, ttl_seconds)


_declare_paced(
    "cachebox",
    "cachebox",
    _cachebox,
    verdict="bounded",
    summary="cachebox.TTLCache in real time, the script held to a pace: any put removes what is due",
    cost="an idle cache keeps what it has",
)
_declare_paced(
    "moka",
    "moka_py",
    _moka,
    verdict="bounded",
    summary="moka_py.Moka in real time, the script held to a pace: any operation removes what is due",
    cost="an idle cache keeps what it has; memory that glibc does not see",
)
_declare_paced(
    "expiringdict",
    "expiringdict",
    _expiringdict,
    verdict="leak",
    holder="expiringdict.ExpiringDict",
    summary="expiringdict.ExpiringDict in real time, the script held to a pace: as on-access",
    cost="a time to live in the name, and what nobody asks for again stays",
)


@SCENARIO.mitigation(
    "ideal",
    verdict="bounded",
    summary="the entry whose time is over goes at that moment, by an oracle that knows which: the bound",
    cost="knows that a step puts one entry and that all live equally long",
)
def ideal(ttl_steps: int, _clock: ScriptedClock) -> Store:
    entries: dict[int, bytes] = {}
    return Store(entries, lambda step: entries.pop(step - ttl_steps + 1, None))
