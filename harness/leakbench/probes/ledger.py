"""Growth on an exact ladder: live heap at geometric rungs, and the verdict on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakbench import growth, unreturned
from leakbench.launch import exact_heap_environ
from leakbench.probes import Place, base_order, last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakbench.plan import Task
    from leakbench.spawn import Child, Order

REQUIRES: tuple[str, ...] = ()
_BASE_STEPS = 256
_LEAST_BASE_STEPS = 8
_OCTAVES = 7
_MORE_OCTAVES = 6
_MORE_OCTAVES_AT_LEAST = 2
_MORE_OCTAVES_BELOW_STEPS = 1 << 20
_HEAP_FLOOR_BYTES = (
    64  # glibc leaves a remainder of 16 bytes in a chunk, or does not, by what was freed before
)
LADDER = (
    "steps",
    "heap_bytes",
    "taken_bytes",
    "anonymous_bytes",
    "rss_bytes",
    "threads",
    "fds",
    "processes",
    "seconds",
)
"""Columns of `ladder`, the raw samples kept with a verdict."""


def fixed_rungs(scale: int) -> tuple[int, ...]:
    """The rungs of a case: from 256 steps, or lower where that leaves too few octaves, up to its scale."""
    rungs = growth.rungs(min(_BASE_STEPS, max(_LEAST_BASE_STEPS, scale >> _OCTAVES), scale), scale)
    return rungs if rungs[-1] == scale else (*rungs, scale)


def further_octaves(rungs: tuple[int, ...]) -> list[list[int]]:
    """The octaves above a ladder, for a case on which the judge cannot tell by then.

    Six, or so many that they begin below a million steps, but two at least: a map whose clock is real is one
    size at one rung and another at the next, and what looks like a rise then is no longer one.
    """
    top = rungs[-1]
    most = sum(
        k < _MORE_OCTAVES_AT_LEAST or top << k < _MORE_OCTAVES_BELOW_STEPS for k in range(_MORE_OCTAVES)
    )
    ladder = growth.rungs(rungs[0], top << most)
    return [[n for n in ladder if top << k < n <= top << (k + 1)] for k in range(most)]


def order(task: Task, place: Place) -> Order:
    rungs = fixed_rungs(task.case.scale)
    more = not task.waits_long
    return base_order(
        "ledger",
        task,
        place,
        exact_heap_environ(),
        octaves=[list(rungs), *(further_octaves(rungs) if more else [])],
        growth_cap_bytes=place.growth_cap_bytes,
        more=more,
        deterministic=task.listed.mitigation.deterministic,
    )


def follow(child: Child, record: dict[str, Any]) -> None:
    """Let a case climb on, an octave at a time, while the judge cannot tell: see `goes_on`.

    One that is deterministic climbs as far every time, for the judge is told the same every time. Each octave
    is one more chance for noise to look like a leak: of 300 series without one, whose readings do not depend
    on each other, none is called so in the end; of 300 random walks between bounds 2 are at once, 10 at last.
    """
    if record["record"] != "top" or not child.job["more"]:
        return
    tops = sum(each["record"] == "top" for each in child.records)
    verdict = _judge(child).verdict
    if record["reason"] == "top" and goes_on(verdict, tops, deterministic=child.job["deterministic"]):
        child.say("go")
    else:
        child.say("enough")


def goes_on(verdict: str, tops: int, *, deterministic: bool) -> bool:
    """Whether a ladder that has been climbed so many times to a top is climbed on, by what the judge says.

    A first `leak` of what is not deterministic is confirmed an octave higher. Reading a rung may take a slow
    machine longer than a time to live: a cache that tells the time itself is then empty when the steps go on,
    and holds at the next rung what came since, a fifth more each time, as a leak would, until the steps from
    rung to rung outlast its time to live.
    """
    return verdict == "inconclusive" or (verdict == "leak" and tops == 1 and not deterministic)


def samples(records: Sequence[dict[str, Any]]) -> list[growth.Sample]:
    """A child's rungs as the judge wants them; the first of the two at 0 steps is a rehearsal."""
    rungs = [record for record in records if record["record"] == "rung"][1:]
    counted = all(record["heap_kind"] for record in records if record["record"] == "top")
    return [
        growth.Sample(
            steps=rung["steps"],
            heap_bytes=rung["heap_bytes"],
            outside_bytes=outside_bytes,
            threads=rung["threads"],
            fds=rung["fds"],
            processes=rung["processes"],
            heap_is_counted=counted,
        )
        for rung, outside_bytes in zip(rungs, _outside_bytes(rungs), strict=True)
    ]


def _judge(child: Child) -> growth.Growth:
    return growth.judge(samples(child.records), heap_floor_bytes=_HEAP_FLOOR_BYTES)


def _outside_bytes(rungs: Sequence[dict[str, Any]]) -> list[int]:
    """Resident memory outside the heap at each rung: what it was at first, as far as the readings allow it.

    It is at least what is resident beyond all that the heap has taken, and at most what is resident beyond
    what lives in the heap: the heap takes a MiB in advance and touches it page by page, and that is no
    growth outside it. All 0 where the system does not say what is resident.
    """
    if any(rung["anonymous_bytes"] is None for rung in rungs):
        return [0] * len(rungs)
    first = max(0, rungs[0]["anonymous_bytes"] - rungs[0]["taken_bytes"]) if rungs else 0
    return [
        max(
            0,
            rung["anonymous_bytes"] - rung["taken_bytes"],
            min(first, rung["anonymous_bytes"] - rung["heap_bytes"]),
        )
        for rung in rungs
    ]


def values(child: Child) -> dict[str, Any]:
    """The verdict with its rate in bytes per operation, and the raw ladder (columns: LADDER)."""
    rungs = [record for record in child.records if record["record"] == "rung"][1:]
    top = last(child, "top")
    seen: dict[str, Any] = {
        "ladder": [[rung[name] for name in LADDER] for rung in rungs],
        "stopped": top.get("reason"),
    }
    if not top:
        return seen
    # Where libc counts nothing, anonymous resident memory stood in for live heap.
    seen["heap_kind"] = top["heap_kind"] or "resident"
    judged = _judge(child)
    verdict: str = judged.verdict
    evidence = judged.evidence
    kept = unreturned.kept_after(rungs, last(child, "settled"))
    if kept is not None and unreturned.is_unreturned(verdict, kept):
        verdict = "unreturned"
        evidence = unreturned.say(kept)
    return seen | {
        "verdict": verdict,
        "leak_bytes_per_op": judged.leak_bytes_per_step,
        "leak_interval_bytes_per_op": list(judged.interval_bytes_per_step),
        "smallest_detectable_bytes_per_op": judged.smallest_detectable_bytes_per_step,
        "smallest_detectable_outside_bytes_per_op": judged.smallest_detectable_outside_bytes_per_step,
        "noise_bytes": judged.noise_bytes,
        "evidence": evidence,
        "leaking": [str(resource) for resource in judged.leaking],
    }
