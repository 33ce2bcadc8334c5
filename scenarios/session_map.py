"""A static map of user sessions, filled at login and not cleared at logout (article, section 2.2).

Mechanism: a module-level dict holds every session under its key. Users log in, are read with a
Zipf-like frequency (recent logins most), and after a while most log out; some just vanish, and the
server cannot tell until their idle time is over. What removes nothing keeps every session that ever
was; what removes at logout alone keeps those of the users who vanished.

Who retains: the module's dict ``SESSIONS``, from there the session objects and their payloads.

Seen in the wild: coredis#361 (requests kept as dict keys), cachetools#177 and #215 (expired entries
stay until the next mutation).

Each step logs one user in, ends the sessions that are due, serves a few requests for living sessions
and one for a session that ended. A request in flight holds its session for the next `IN_FLIGHT`
requests, which is all that a weak map's entries have to live by. The operations are the same for every
mitigation and follow from the seed alone. A session kept is 448 to 478 bytes: a payload of 304, the object of
64, its number of 32, and a place in a table that grows by doubling.
"""

import random
import weakref
from array import array

from leakbench.contract import Parameter, Run, Scenario
from leakbench.mitigations.expiring import ExpiringMap, ScriptedClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LIVES_STEPS = 1_000
"""A user is active for so many steps after the login."""
IDLE_STEPS = 500
"""A session without requests stays valid for so long; then a user who vanished is taken to be gone."""
TTL_STEPS = LIVES_STEPS + IDLE_STEPS
IN_FLIGHT = 64
_LONGEST_LIFE_STEPS = TTL_STEPS + 1  # still answered at the age of TTL_STEPS, no longer one step later
_SWEEP_EVERY_STEPS = 1_024
_SWEEP_EVERY_SECONDS = 0.002
_LRU_SESSIONS = 1_024
_READS = 2
_FATES = 4_096
_RANKS = 8_192
_VANISH_SHARE = 0.1

SESSIONS: "dict[int, Any]" = {}
"""The static map of the article: a root that lives as long as the process."""


class Session:
    """A logged-in user: a key, which is the step of the login, and a payload."""

    __slots__ = ("__weakref__", "key", "payload")

    def __init__(self, key: int, payload_bytes: int) -> None:
        self.key = key
        self.payload = bytes(payload_bytes)


class Keeping:
    """A mitigation of this scenario: a map, and when it is told to forget.

    sessions          supports ``[key] = session``, ``get(key)``, ``pop(key, None)``, ``in`` and ``len``
    remove_at_logout  whether the program removes the session of a user who logs out
    remove_when_gone  whether it is told, as no real program is, when a vanished user's time is over
    sweep             called with the step's number after each step, or None
    """

    __slots__ = ("close", "remove_at_logout", "remove_when_gone", "sessions", "sweep")

    def __init__(
        self,
        sessions: "Any",
        *,
        remove_at_logout: bool = False,
        remove_when_gone: bool = False,
        sweep: "Callable[[int], None] | None" = None,
        close: "Callable[[], None] | None" = None,
    ) -> None:
        self.sessions = sessions
        self.remove_at_logout = remove_at_logout
        self.remove_when_gone = remove_when_gone
        self.sweep = sweep
        self.close = close


class SessionMap:
    """The workload: the same scripted users, whatever keeps their sessions.

    Live are the sessions of active users, and those of vanished users whose idle time is not over. A
    session is lost when the map has let it go while it lived; that is asked of each session once, as its
    life ends. An answer is stale when a session whose life has ended is still served.
    """

    def __init__(self, make: "Callable[[ScriptedClock], Keeping]", run: Run) -> None:
        rng = random.Random(run.seed)  # scripted users, no secrets
        self._vanishes = bytes(rng.random() < _VANISH_SHARE for _ in range(_FATES))
        weights = [1.0 / (rank + 1) for rank in range(LIVES_STEPS)]
        self._ranks = array("H", rng.choices(range(LIVES_STEPS), weights, k=_RANKS))
        self._payload_bytes = run.params["payload_bytes"]
        self._clock = ScriptedClock()
        self._keeping = make(self._clock)
        self._in_flight: list[Session | None] = [None] * IN_FLIGHT
        self._requests = 0
        self._live = self._lost = self._stale = self._hits = self._reads = 0

    def step(self, i: int) -> None:
        """One login, the lives that end, `_READS` requests for live sessions and one for an ended one."""
        self._clock.now = i
        sessions = self._keeping.sessions
        session = Session(i, self._payload_bytes)
        sessions[i] = session
        self._live += 1
        self._serve(session)
        self._end_lives(i)
        ranks = self._ranks
        for _ in range(_READS):
            key = i - ranks[self._requests % _RANKS]
            if key >= 0:
                self._reads += 1
                found = sessions.get(key)
                if found is not None:
                    self._hits += 1
                self._serve(found)
        ended = i - TTL_STEPS - 1
        if ended >= 0 and sessions.get(ended) is not None:
            self._stale += 1
        if self._keeping.sweep is not None:
            self._keeping.sweep(i)

    def _serve(self, session: "Session | None") -> None:
        self._in_flight[self._requests % IN_FLIGHT] = session
        self._requests += 1

    def _end_lives(self, now: int) -> None:
        keeping = self._keeping
        leaving = now - LIVES_STEPS
        if leaving >= 0 and not self._vanishes[leaving % _FATES]:
            self._live -= 1
            self._lost += leaving not in keeping.sessions
            if keeping.remove_at_logout:
                keeping.sessions.pop(leaving, None)
        gone = now - TTL_STEPS
        if gone >= 0 and self._vanishes[gone % _FATES]:
            self._live -= 1
            self._lost += gone not in keeping.sessions
            if keeping.remove_when_gone:
                keeping.sessions.pop(gone, None)

    def counts(self) -> "dict[str, int | float]":
        return {
            "live_entries": self._live,
            "retained_entries": len(self._keeping.sessions),
            "lost_entries": self._lost,
            "stale_answers": self._stale,
            "hit_ratio": self._hits / self._reads if self._reads else 1.0,
        }

    def close(self) -> None:
        if self._keeping.close is not None:
            self._keeping.close()


SCENARIO = Scenario(
    "session-map",
    SessionMap,
    title="A static map of user sessions that nobody clears",
    section="2.2",
    warmup=4_096,
    params={"payload_bytes": Parameter(256, 0, 1 << 20, "bytes of payload that a session carries")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="session_map.SESSIONS",
    summary="the article's static map: filled at login, never cleared",
    cost="sessions that ended are served for ever",
)
def none(_clock: ScriptedClock) -> Keeping:
    return Keeping(SESSIONS)


@SCENARIO.mitigation(
    "explicit-remove",
    verdict="leak",
    holder="session_map.SESSIONS",
    summary="removed at logout; the users who just vanish stay for ever",
    cost="leaks more slowly, and so is found later",
)
def explicit_remove(_clock: ScriptedClock) -> Keeping:
    return Keeping(SESSIONS, remove_at_logout=True)


@SCENARIO.mitigation(
    "remove-and-expire",
    verdict="bounded",
    summary="removed at logout, and at the end of the longest life whether or not anybody logs out",
    cost="a deadline beside every session",
)
def remove_and_expire(clock: ScriptedClock) -> Keeping:
    return Keeping(ExpiringMap(_LONGEST_LIFE_STEPS, clock), remove_at_logout=True)


@SCENARIO.mitigation(
    "periodic-sweep",
    verdict="bounded",
    summary=f"every {_SWEEP_EVERY_STEPS:,} steps a scan removes what is past its time",
    cost="a pause in proportion to the map, and stale answers between sweeps",
)
def periodic_sweep(_clock: ScriptedClock) -> Keeping:
    def sweep(now: int) -> None:
        if now % _SWEEP_EVERY_STEPS == 0:
            for key in [key for key in SESSIONS if now - key > TTL_STEPS]:
                del SESSIONS[key]

    return Keeping(SESSIONS, remove_at_logout=True, sweep=sweep)


@SCENARIO.mitigation(
    "periodic-sweep-thread",
    verdict="bounded",
    deterministic=False,
    summary=f"a thread of its own sweeps every {_SWEEP_EVERY_SECONDS * 1_000:g} ms",
    cost="a thread, a lock around every change, and stale answers between sweeps",
)
def periodic_sweep_thread(clock: ScriptedClock) -> Keeping:
    from leakbench.mitigations.sweeper import Turns, WeakSweeper

    turns = Turns(_SWEEP_EVERY_STEPS)
    sessions = _SweptMap(clock, turns.over)
    close = WeakSweeper(sessions, _SWEEP_EVERY_SECONDS).close
    return Keeping(sessions, remove_at_logout=True, sweep=turns.wait, close=close)


class _SweptMap:
    """A dict under a lock, with the scan that a sweeper thread calls."""

    def __init__(self, clock: ScriptedClock, on_sweep: "Callable[[], None]") -> None:
        import threading

        self._clock = clock
        self._on_sweep = on_sweep
        self._lock = threading.Lock()
        self._sessions: dict[int, Session] = {}

    def __setitem__(self, key: int, session: Session) -> None:
        with self._lock:
            self._sessions[key] = session

    def get(self, key: int) -> "Session | None":
        return self._sessions.get(key)

    def pop(self, key: int, default: None = None) -> "Session | None":
        with self._lock:
            return self._sessions.pop(key, default)

    def sweep(self) -> None:
        now = self._clock()
        with self._lock:
            for key in [key for key in self._sessions if now - key > TTL_STEPS]:
                del self._sessions[key]
        self._on_sweep()

    def __contains__(self, key: int) -> bool:
        return key in self._sessions

    def __len__(self) -> int:
        return len(self._sessions)


@SCENARIO.mitigation(
    "weak-values",
    verdict="bounded",
    summary="the map refers to sessions weakly: they live while a request holds them",
    cost="a user who is active but not being served at the moment is logged out",
)
def weak_values(_clock: ScriptedClock) -> Keeping:
    return Keeping(weakref.WeakValueDictionary())


@SCENARIO.mitigation(
    "ttl",
    verdict="bounded",
    requires=("cachetools",),
    summary="cachetools.TTLCache on the scenario's clock",
    cost="several times slower than a dict, and a size to be chosen",
)
def ttl(clock: ScriptedClock) -> Keeping:
    import cachetools

    cache: cachetools.TTLCache[int, Session] = cachetools.TTLCache(1 << 30, _LONGEST_LIFE_STEPS, timer=clock)
    return Keeping(cache, remove_at_logout=True)


@SCENARIO.mitigation(
    "lru",
    verdict="bounded",
    requires=("cachetools",),
    summary=f"cachetools.LRUCache of {_LRU_SESSIONS:,} sessions",
    cost="the bound is just below the live set, and users who vanished take part of it: quiet ones are lost",
)
def lru(_clock: ScriptedClock) -> Keeping:
    import cachetools

    cache: cachetools.LRUCache[int, Session] = cachetools.LRUCache(_LRU_SESSIONS)
    return Keeping(cache, remove_at_logout=True)


@SCENARIO.mitigation(
    "ideal",
    verdict="bounded",
    summary="exactly the live set, by an oracle that knows who has vanished: the bound",
    cost="not to be had outside a benchmark",
)
def ideal(_clock: ScriptedClock) -> Keeping:
    return Keeping(SESSIONS, remove_at_logout=True, remove_when_gone=True)
