"""Memory that stays resident though the live heap is back: the verdict `unreturned`. Pure: readings in.

It is read as the program leaves it, collected and not trimmed, because nobody trims a service: the same in a
run and in a check. What malloc_trim would have given back is told beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LEFT_TO_ALLOCATORS_BYTES = 8 << 20  # they keep this much for themselves after any load
_LEFT_AROUND_THE_LIVE = 0.25  # of what stays lies free between what lives
_LEFT_BESIDE_THE_LIVE = (
    0.43  # where it is not back: an OrderedDict that evicts strings leaves 0.41 of it free
)


class Kept(NamedTuple):
    """What stays once a run has ended, in bytes over its baseline."""

    most_bytes: int  # resident that no file backs, at its most
    resident_bytes: int  # the same at the end
    heap_bytes: int  # live at the end
    most_heap_bytes: int  # live at its most
    trimmed_bytes: int  # of resident_bytes, what malloc_trim gave back; 0 where libc has none


def kept_after(rungs: Sequence[Mapping[str, Any]], settled: Mapping[str, Any]) -> Kept | None:
    """What the rungs, and the reading once free pages were given back, say; None without resident memory."""
    resident = [rung["anonymous_bytes"] for rung in rungs]
    if None in resident or not settled:
        return None
    return Kept(
        most_bytes=max(resident) - resident[0],
        resident_bytes=resident[-1] - resident[0],
        heap_bytes=rungs[-1]["heap_bytes"] - rungs[0]["heap_bytes"],
        most_heap_bytes=max(rung["heap_bytes"] for rung in rungs) - rungs[0]["heap_bytes"],
        trimmed_bytes=max(0, resident[-1] - settled["anonymous_bytes"]),
    )


def returned(grown_bytes: int, kept_bytes: int) -> bool:
    """Whether resident memory grown by grown_bytes went back with the heap; a tenth, or 1 MiB, is let off."""
    return kept_bytes <= max(grown_bytes // 10, 1 << 20)


def _is_back(kept: Kept) -> bool:
    return kept.heap_bytes <= kept.most_heap_bytes // 2


def is_unreturned(verdict: str, kept: Kept) -> bool:
    """Whether a heap that does not leak is back, and left resident memory that it does not account for.

    A sawtooth on its way up is not back: what is free was lived in a moment ago, and will be again.
    """
    if verdict not in ("steady", "bounded"):
        return False
    is_back = _is_back(kept)
    accounted = kept.heap_bytes if is_back else kept.most_heap_bytes
    unexplained = kept.resident_bytes - max(0, accounted)
    if returned(kept.most_bytes, unexplained):
        return False
    left = _LEFT_AROUND_THE_LIVE if is_back else _LEFT_BESIDE_THE_LIVE
    return unexplained > max(_LEFT_TO_ALLOCATORS_BYTES, left * kept.resident_bytes)


def say(kept: Kept) -> str:
    """The evidence, in one sentence."""
    now = "back to" if _is_back(kept) else "at"
    return (
        f"the live heap is {now} {kept.heap_bytes:+,} bytes, but {kept.resident_bytes:,} bytes stay"
        f" resident of {kept.most_bytes:,} that had grown; malloc_trim would give back {kept.trimmed_bytes:,}"
    )
