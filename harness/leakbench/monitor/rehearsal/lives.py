"""The lives: each kind of scenario in the catalogue, leaking or mended, and what is often taken for a leak.

To add one, write a generator that yields once a minute and give it a line in LIVES.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cachetools

from leakbench.monitor.rehearsal.world import DAY_MINUTES, MIB, MINUTE_SECONDS, Life, World

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGINS_PER_MINUTE = 60
SESSION_MINUTES = 10
SESSION_MINUTES_MAX = 30


def none(world: World) -> Iterator[None]:
    """Sessions are never removed."""
    sessions = world.watch({})
    serial = 0
    while True:
        for _ in range(world.diurnal(LOGINS_PER_MINUTE)):
            serial += 1
            sessions[serial] = None
        yield


def slow_leak(world: World) -> Iterator[None]:
    """Two entries a minute, never removed, beside nothing else."""
    sessions = world.watch({})
    serial = 0
    while True:
        for _ in range(world.steady(2)):
            serial += 1
            sessions[serial] = None
        yield


def _log_in_and_out(world: World, vanish: float) -> Iterator[None]:
    """People stay ten minutes on average, half an hour at most; a share never says goodbye."""
    sessions = world.watch({})
    leaving: dict[int, list[int]] = {}
    serial = 0
    while True:
        for session in leaving.pop(world.minute, ()):
            del sessions[session]
        for _ in range(world.diurnal(LOGINS_PER_MINUTE)):
            serial += 1
            sessions[serial] = None
            if world.random.random() >= vanish:
                stays = min(SESSION_MINUTES_MAX, 1 + int(world.random.expovariate(1 / SESSION_MINUTES)))
                leaving.setdefault(world.minute + stays, []).append(serial)
        yield


def explicit_remove(world: World) -> Iterator[None]:
    """The half fix: removed at logout, and one in five never logs out."""
    return _log_in_and_out(world, vanish=0.2)


def leak_under_churn(world: World) -> Iterator[None]:
    """One in ten stays: small beside what comes and goes."""
    return _log_in_and_out(world, vanish=0.1)


def remove_and_expire(world: World) -> Iterator[None]:
    """The mended one, over days and nights."""
    return _log_in_and_out(world, vanish=0.0)


def ttl_window(world: World) -> Iterator[None]:
    sessions = world.watch(cachetools.TTLCache(10**9, ttl=20 * MINUTE_SECONDS, timer=world.seconds))
    serial = 0
    while True:
        for _ in range(world.diurnal(LOGINS_PER_MINUTE)):
            serial += 1
            sessions[serial] = None
        yield


def ttl_window_by_hand(world: World) -> Iterator[None]:
    """As ttl_window, without a bound that anybody could see."""
    return _window(world, LOGINS_PER_MINUTE, minutes=20)


def morning_rush(world: World) -> Iterator[None]:
    """Ten times as busy, so that the rise of each morning stands out from chance for hours."""
    return _window(world, 10 * LOGINS_PER_MINUTE, minutes=30)


def _window(world: World, logins_per_minute: int, minutes: int) -> Iterator[None]:
    sessions = world.watch({})
    window: deque[range] = deque()
    serial = 0
    while True:
        came = range(serial, serial + world.diurnal(logins_per_minute))
        serial += len(came)
        sessions.update(dict.fromkeys(came))
        window.append(came)
        if len(window) > minutes:
            for session in window.popleft():
                del sessions[session]
        yield


def sawtooth(world: World) -> Iterator[None]:
    """Swept every quarter of an hour, of everything."""
    sessions = world.watch({})
    serial = 0
    while True:
        for _ in range(world.diurnal(LOGINS_PER_MINUTE)):
            serial += 1
            sessions[serial] = None
        if world.minute % 15 == 14:  # noqa: PLR2004
            sessions.clear()
        yield


def _asked_for(world: World, cache: Any, universe: int) -> None:
    """A minute of look-ups with a few favourites among `universe` keys; what is missing is stored."""
    for _ in range(world.diurnal(LOGINS_PER_MINUTE)):
        key = int(universe ** world.random.random())  # log-uniform: close to Zipf with exponent 1
        if cache.get(key) is None:
            cache[key] = key


def lru_full(world: World) -> Iterator[None]:
    """At its bound and useful: three look-ups in four hit."""
    cache = world.watch(cachetools.LRUCache(1_000), "pages")
    while True:
        _asked_for(world, cache, universe=10_000)
        yield


def lru_thrashing(world: World) -> Iterator[None]:
    """At its bound and useless: it is walked through from end to end."""
    cache = world.watch(cachetools.LRUCache(500), "pages")
    key = 0
    while True:
        for _ in range(LOGINS_PER_MINUTE):
            key = (key + 1) % 1_000
            if cache.get(key) is None:
                cache[key] = key
        yield


def warming_cache(world: World) -> Iterator[None]:
    """Fills towards a declared bound for days."""
    cache = world.watch({}, "thumbnails", bound_entries=50_000)
    while True:
        _asked_for(world, cache, universe=40_000)
        yield


def warming_by_hand(world: World) -> Iterator[None]:
    """Full within half an hour, by a bound that is not declared."""
    cache = world.watch({}, "thumbnails")
    serial = 0
    while True:
        for _ in range(LOGINS_PER_MINUTE):
            serial += 1
            if len(cache) >= 1_200:  # noqa: PLR2004
                cache.popitem()
            cache[serial] = serial
        yield


def one_off_table(world: World) -> Iterator[None]:
    """Loaded in five minutes and kept; in the middle of the week loaded anew."""
    table = world.watch({}, "countries")
    while True:
        begun = world.minute
        for part in range(5):
            table.update(dict.fromkeys(range(1_000 * part, 1_000 * part + 1_000)))
            yield
        while world.minute < begun + 3 * DAY_MINUTES:
            yield
        table.clear()


def fixed_keys(world: World) -> Iterator[None]:
    """Counters under the same hundred keys, overwritten all day long."""
    counters = world.watch(dict.fromkeys(range(100), 0), "counters")
    while True:
        for _ in range(world.diurnal(LOGINS_PER_MINUTE)):
            key = world.random.randrange(100)
            counters[key] += 1
        yield


def restarts(world: World) -> Iterator[None]:
    """A new version goes out every day at noon; the mended map starts anew."""
    while True:
        day = _log_in_and_out(world, vanish=0.0)
        for _ in range(DAY_MINUTES):
            next(day)
            yield
        del day


def memo_without_bound(world: World) -> Iterator[None]:
    """lru_cache(None) over arguments that never come again."""

    @lru_cache(None)
    def rendered(page: int) -> int:
        return page

    world.watch(rendered, "rendered")
    serial = 0
    while True:
        for _ in range(world.diurnal(LOGINS_PER_MINUTE)):
            serial += 1
            rendered(serial)
        yield


def queue_without_consumer(world: World) -> Iterator[None]:
    """Ten jobs a minute more than the worker takes."""
    jobs = world.watch(deque[int](), "jobs")
    while True:
        jobs.extend(range(world.steady(LOGINS_PER_MINUTE)))
        for _ in range(min(len(jobs), LOGINS_PER_MINUTE - 10)):
            jobs.popleft()
        yield


def queue_with_consumer(world: World) -> Iterator[None]:
    """As many taken as come, in bursts."""
    jobs = world.watch(deque[int](), "jobs")
    while True:
        jobs.extend(range(world.diurnal(LOGINS_PER_MINUTE)))
        for _ in range(min(len(jobs), world.steady(LOGINS_PER_MINUTE * 1.2))):
            jobs.popleft()
        yield


def heavy_none(world: World) -> Iterator[None]:
    """As `none`, with sessions of half a megabyte: 15 MiB and more a minute against a limit of 2 GiB."""
    world.entry_bytes = MIB // 2
    world.limit_bytes = 2048 * MIB
    world.other_bytes = 800 * MIB
    return none(world)


def leak_beside_the_maps(world: World) -> Iterator[None]:
    """The map is well and keeps its size; something else keeps 1 MiB a minute."""
    for _ in fixed_keys(world):
        world.other_bytes += MIB
        yield


def high_water(world: World) -> Iterator[None]:
    """Memory steps up once a day, by a big request, and is never given back: fragmentation, not a leak."""
    for _ in _log_in_and_out(world, vanish=0.0):
        if world.minute % DAY_MINUTES == DAY_MINUTES // 2:
            world.other_bytes += 60 * MIB
        yield


GROW = "LeakbenchMapEntriesGrow"
OUTPACE = "LeakbenchMapInsertionsOutpaceRemovals"
THRASH = "LeakbenchMapBoundThrashing"
LIMIT = "LeakbenchMemoryLimitInSight"
OUTSIDE = "LeakbenchMemoryGrowsOutsideMaps"

LIVES = {
    life.name: life
    for life in (
        Life("none", frozenset({GROW, OUTPACE}), none),
        Life("slow-leak", frozenset({GROW, OUTPACE}), slow_leak),
        Life("explicit-remove", frozenset({GROW}), explicit_remove),
        Life("leak-under-churn", frozenset({GROW}), leak_under_churn),
        Life("memo-without-bound", frozenset({GROW}), memo_without_bound),
        Life("queue-without-consumer", frozenset({GROW}), queue_without_consumer),
        Life("lru-thrashing", frozenset({THRASH}), lru_thrashing),
        Life("heavy-none", frozenset({GROW, OUTPACE, LIMIT}), heavy_none),
        Life("leak-beside-the-maps", frozenset({OUTSIDE}), leak_beside_the_maps),
        Life("remove-and-expire", frozenset(), remove_and_expire),
        Life("ttl-window", frozenset(), ttl_window),
        Life("ttl-window-by-hand", frozenset(), ttl_window_by_hand),
        Life("morning-rush", frozenset(), morning_rush),
        Life("sawtooth", frozenset(), sawtooth),
        Life("lru-full", frozenset(), lru_full),
        Life("warming-cache", frozenset(), warming_cache),
        Life("warming-by-hand", frozenset(), warming_by_hand),
        Life("one-off-table", frozenset(), one_off_table),
        Life("fixed-keys", frozenset(), fixed_keys),
        Life("queue-with-consumer", frozenset(), queue_with_consumer),
        Life("restarts", frozenset(), restarts),
        Life("high-water", frozenset(), high_water),
    )
}
