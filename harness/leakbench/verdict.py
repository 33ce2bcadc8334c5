"""What the children of a check have said -> the verdict. Pure: records in, a Verdict out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench import growth, unreturned
from leakbench.child.gauges import difference
from leakbench.units import format_bytes

if TYPE_CHECKING:
    from leakbench.checking import Wish

SCHEMA = 1
"""Version of the document that `leakbench check --json` prints."""
_LEAST_SHARE = 0.05
_MOST_SEEN_SHARE = 0.5  # of many small holders together: then it is no C code
_RUN_OUT = ("file descriptors", "threads", "child processes")  # why a climb may end: see `Ladder.climb`
_UNNAMED = {
    "path": None,
    "type": "",
    "entries": None,
    "bound": None,
    "ceiling_bytes": None,
    "root": "unknown",
}
_ENTRY_ERROR = 0.01  # a cleared table keeps a first block, and an average entry is not the marginal one


class Verdict(NamedTuple):
    """The answer. Fields that do not apply are None; rates are bytes per operation."""

    target: str
    verdict: str
    leak_bytes_per_op: float
    interval: tuple[float, float]
    smallest_detectable_bytes_per_op: float  # of the heap's
    smallest_detectable_outside_bytes_per_op: float  # of memory outside it
    ops: int
    seconds: float
    noise_bytes: float
    retained_heap_bytes: int
    retained_rss_bytes: int | None  # None, here and in the ladder, where the system does not say
    site: dict[str, Any] | None
    holder: dict[str, Any] | None
    holders: tuple[dict[str, Any], ...]
    resources: dict[str, float]
    wanted_ops: int | None
    ladder: tuple[tuple[int, int, int | None], ...]  # (steps, heap bytes, resident bytes) at each rung
    evidence: str
    within_limit: bool
    site_missing: str | None = None  # why there is no site, where a leak has none

    @property
    def leaks(self) -> bool:
        return self.verdict == "leak" or (self.verdict == "filling" and not self.within_limit)

    def document(self) -> dict[str, Any]:
        """What `leakbench check --json` prints."""
        return {
            "schema": SCHEMA,
            "target": self.target,
            "verdict": self.verdict,
            "leak_bytes_per_op": self.leak_bytes_per_op,
            "interval": list(self.interval),
            "smallest_detectable_bytes_per_op": self.smallest_detectable_bytes_per_op,
            "smallest_detectable_outside_bytes_per_op": self.smallest_detectable_outside_bytes_per_op,
            "ops": self.ops,
            "seconds": round(self.seconds, 3),
            "noise_bytes": self.noise_bytes,
            "retained": {"heap_bytes": self.retained_heap_bytes, "rss_bytes": self.retained_rss_bytes},
            "site": self.site,
            "site_missing": self.site_missing,
            "holder": self.holder,
            "holders": list(self.holders),
            "resources": self.resources,
            "wanted_ops": self.wanted_ops,
            "evidence": self.evidence,
        }


class Found(NamedTuple):
    """What the finder found."""

    holders: tuple[dict[str, Any], ...] = ()
    dormant: tuple[dict[str, Any], ...] = ()  # lines that would remove from what grows, and have not run
    woken: tuple[dict[str, Any], ...] = ()  # such lines that ran at last
    watched_steps: int = 0  # in which it was watched whether they run
    watched_to: int = 0  # the last of these
    kept_rate: float = 0.0  # bytes a step that all steps up to there had left, where a line had woken
    rate_from_then: float = 0.0  # and that the steps after it added
    steps: int = 0  # that it looked at
    grown_bytes: int = 0  # of its own heap meanwhile
    collects: bool = True  # False: the program has switched the cyclic collector off
    looked: bool = False


class Full(NamedTuple):
    """Caches with a declared bound that explain the growth."""

    filling: growth.Filling
    caches: tuple[dict[str, Any], ...]


class Beside(NamedTuple):
    """Live heap that stands higher after a cache was emptied and filled as far again: a leak beside it."""

    bytes: int
    error_bytes: int
    steps: int  # of the second filling

    @property
    def bytes_per_step(self) -> float:
        return self.bytes / self.steps


class Seen(NamedTuple):
    """All that a check has seen."""

    records: list[dict[str, Any]]
    grown: growth.Growth
    full: Full | None
    beside: Beside | None
    found: Found
    settled: dict[str, Any]
    site: dict[str, Any] | None
    halted: str
    site_missing: str | None = None


def explain(seen: list[growth.Sample], sizes: list[tuple[int, ...]], weighed: dict[str, Any]) -> Full | None:
    """Apply law 9 to what weighing the caches gave: their entries at each rung, their bounds, bytes an entry.

    None where a cache whose bound does not count entries grew, or where the growth is not explained.
    """
    caches = []
    for cache in weighed["caches"]:
        entries = sizes[cache["position"]]
        if cache["bound"] is None or not cache["bound_counts_entries"] or entries[-1] <= entries[0]:
            continue
        caches.append(
            growth.BoundedCache(
                cache["type"],
                entries,
                cache["bound"],
                bytes_per_entry=cache["freed_bytes"] / cache["len"],
                bytes_per_entry_error=_ENTRY_ERROR * cache["freed_bytes"] / cache["len"],
            )
        )
    if not caches:
        return None
    alive = [weighed["alive_at_start"], *[weighed["alive_at_end"]] * (len(seen) - 1)]
    filling = growth.filling(seen, caches, alive)
    if filling is None:
        return None
    return Full(filling, tuple(weighed["caches"]))


def conclude(wish: Wish, seen: Seen) -> Verdict:
    """Everything seen -> the verdict. Pure."""
    grown, full = seen.grown, seen.full
    rungs = [record for record in seen.records if record["record"] == "rung"][1:]
    base, top = rungs[0], rungs[-1]
    kept = unreturned.kept_after(rungs, seen.settled)
    verdict: str = grown.verdict
    holder = _holder(seen)
    evidence = grown.evidence
    ceiling = None
    wanted = grown.wanted_steps
    rate, interval = grown.leak_bytes_per_step, grown.interval_bytes_per_step
    if full is not None:
        wanted = None
        verdict, ceiling = "filling", full.filling.ceiling_bytes
        evidence = (
            f"{full.filling.explained_share:.0%} of the growth is a cache that fills up to its bound,"
            f" at step {full.filling.full_at_step:,} or so"
        )
    elif verdict == "leak" and seen.beside is not None and growth.Resource.HEAP in grown.leaking:
        rate, error = seen.beside.bytes_per_step, seen.beside.error_bytes / seen.beside.steps
        interval = (rate - error, rate + error)
        evidence = (
            f"a cache with a bound grew, was emptied and filled as far again in {seen.beside.steps:,} steps:"
            f" {seen.beside.bytes:,} bytes more were live then, which is no cache's"
        )
    elif verdict == "leak" and seen.found.dormant and set(grown.leaking) <= set(growth.MEMORY):
        verdict = "inconclusive"
        wanted = 4 * top["steps"] if seen.halted != "growth cap" else None
        evidence = f"it grew all along, but {_removal(seen)}: {_way_on(seen.halted)} would decide"
    elif verdict == "leak" and (cache := _with_room(seen.found)) is not None:
        verdict = "inconclusive"
        wanted = 4 * top["steps"] if seen.halted != "growth cap" else None
        evidence = (
            f"it grew all along, but {cache['path'] or cache['type']} declares a bound of {cache['bound']:,},"
            f" in units of its own: {_way_on(seen.halted)} would decide"
        )
    elif verdict == "inconclusive" and seen.halted in _RUN_OUT:
        wanted = None
        evidence = f"it stopped at step {top['steps']:,}, lest it run out of {seen.halted}"
    elif verdict == "inconclusive" and seen.halted == "growth cap":
        wanted = None
        grown_bytes = top["heap_bytes"] - base["heap_bytes"]
        evidence = (
            f"it had grown by {format_bytes(grown_bytes)} by step {top['steps']:,} and was stopped there:"
            f" {_way_on(seen.halted)} would decide, or a step that does less"
        )
    elif verdict == "leak" and seen.halted == "growth cap":
        evidence += f", where the growth cap of {format_bytes(wish.growth_cap_bytes)} ended the climb"
    elif kept is not None and unreturned.is_unreturned(verdict, kept):
        verdict = "unreturned"
        evidence = unreturned.say(kept)
    if ceiling is not None and holder is not None:
        holder = {**holder, "ceiling_bytes": round(ceiling)}
    leaking = verdict == "leak"
    return Verdict(
        target=wish.target,
        verdict=verdict,
        leak_bytes_per_op=rate if leaking else 0.0,
        interval=interval,
        smallest_detectable_bytes_per_op=grown.smallest_detectable_bytes_per_step,
        smallest_detectable_outside_bytes_per_op=grown.smallest_detectable_outside_bytes_per_step,
        ops=top["steps"],
        seconds=top["seconds"],
        noise_bytes=grown.noise_bytes,
        retained_heap_bytes=top["heap_bytes"] - base["heap_bytes"],
        retained_rss_bytes=difference(top["rss_bytes"], base["rss_bytes"]),
        site=seen.site if leaking else None,
        holder=holder if _names_holder(wish, verdict) else None,
        holders=() if wish.only_verdict else seen.found.holders,
        resources=_resources(grown, seen.beside) if leaking else {},
        wanted_ops=wanted,
        ladder=tuple((rung["steps"], rung["heap_bytes"], rung["rss_bytes"]) for rung in rungs),
        evidence=evidence,
        within_limit=ceiling is None or wish.limit_bytes is None or ceiling <= wish.limit_bytes,
        site_missing=seen.site_missing if leaking and seen.site is None else None,
    )


def _with_room(found: Found) -> dict[str, Any] | None:
    """The cache that takes ever more entries and holds most, if its bound is no number of them.

    Then nobody knows how far it is from its bound: law 9 explains growth by entries alone.
    """
    return next(
        (
            each
            for each in found.holders
            if each["allow_listed"]
            and each["bound"] is not None
            and not each["bound_counts_entries"]
            and each["entries_per_step"]
            and each["bytes_share"] >= _MOST_SEEN_SHARE
        ),
        None,
    )


def _removal(seen: Seen) -> str:
    """The line that would end the growth, and how far it has been watched."""
    line = seen.found.dormant[0]
    place = f"{line['file'].rpartition('/')[2]}:{line['line']} ({line['text']})"
    if "most_entries" in line:
        most = line["most_entries"]
        return f"{place} stores only so many" + (f", {most:,.0f} at most" if most is not None else "")
    if line in seen.found.woken:
        return f"{place} removes entries from step {seen.found.watched_to:,} on, and growth ends there"
    return f"{place} would remove entries and has not run in the {seen.found.watched_steps:,} steps watched"


def _way_on(halted: str) -> str:
    """What lets a check see more."""
    return "a larger --growth-cap" if halted == "growth cap" else "a longer --budget or --steps"


def _resources(grown: growth.Growth, beside: Beside | None) -> dict[str, float]:
    rates = {str(resource): grown.trends[resource].per_step for resource in grown.leaking}
    if beside is not None and growth.Resource.HEAP in grown.leaking:
        rates[str(growth.Resource.HEAP)] = beside.bytes_per_step
    return rates


def _names_holder(wish: Wish, verdict: str) -> bool:
    """Of what fills, the cache is the verdict itself: its bound was read, and its entries were weighed."""
    return verdict == "filling" or (verdict in ("leak", "inconclusive") and not wish.only_verdict)


def _holder(seen: Seen) -> dict[str, Any] | None:
    """The holder of the largest share, in the answer's own words; one of little is not what leaks.

    Beside a cache that fills, shares are of the cache's growth too, and say nothing.
    """
    first = seen.found.holders[-1 if seen.full is not None else 0] if seen.found.holders else None
    beside_cache = seen.full is not None or seen.beside is not None
    seen_share = sum(each["bytes_share"] for each in seen.found.holders if not each["allow_listed"])
    if first is not None and (
        beside_cache or first["bytes_share"] >= _LEAST_SHARE or seen_share >= _MOST_SEEN_SHARE
    ):
        return {
            "path": first["path"],
            "type": first["type"],
            "entries": first["entries"],
            "entries_per_op": first["entries_per_step"],
            "bound": first["bound"],
            "ceiling_bytes": None,
            "root": first["root"],
            "share": first["bytes_share"],
            "chain": first["chain"],
        }
    if seen.full is not None:
        largest = max(seen.full.caches, key=lambda cache: int(cache["freed_bytes"]))
        return {
            "path": None,
            "type": largest["type"],
            "entries": largest["len"],
            "bound": largest["bound"],
            "ceiling_bytes": None,
        }
    if growth.Resource.HEAP not in seen.grown.leaking or not seen.found.looked:
        return None
    if _is_collectable(seen):
        return {**_UNNAMED, "type": "cycles"}
    return {**_UNNAMED, "type": "native"} if seen.found.grown_bytes > 0 else None


def _is_collectable(seen: Seen) -> bool:
    """Whether what leaks was gone once the finder had collected, in a program that collects no cycles."""
    leaked_bytes = seen.grown.leak_bytes_per_step * seen.found.steps
    return not seen.found.collects and seen.found.grown_bytes < _LEAST_SHARE * leaked_bytes
