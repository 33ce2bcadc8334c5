"""A verdict in words: the same lines on a terminal and in a test's failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakbench.checking import machine_bytes
from leakbench.holder_names import UNNAMED
from leakbench.units import format_bytes, format_rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakbench.verdict import Verdict

MEANINGS = {
    "leak": "live memory grows without bound",
    "filling": "a cache fills up to its bound",
    "bounded": "it grew, then stopped",
    "steady": "no growth after warm-up",
    "unreturned": "the heap is back, resident memory is not",
    "inconclusive": "too short or too noisy to say",
}
_DAY_SECONDS = 86_400
_YEAR_SECONDS = 365.25 * _DAY_SECONDS
_SPANS = (("second", 1, 120), ("minute", 60, 120), ("hour", 3_600, 48), ("day", _DAY_SECONDS, 730))
"""Each unit of time, its seconds, and how many of it are too many to be said in it."""
_PARTS = {"str": "characters", "bytes": "bytes", "bytearray": "bytes"}
_MOST_HOLDERS = 4
_LEAST_SHARE = 0.005  # below it a rounded share reads 0%
_FINEST = 0.001  # bytes an operation: a smaller figure tells nobody more


def headline(verdict: Verdict) -> str:
    return f"{verdict.verdict}: {MEANINGS[verdict.verdict]}"


def details(
    verdict: Verdict, *, rate_per_second: float | None = None, limit_bytes: int | None = None
) -> list[str]:
    """How fast, where, who holds it, and why it is said: a line each."""
    lines = rates(verdict, rate_per_second, limit_bytes)
    if verdict.site is not None:
        site = verdict.site
        lines.append(f"allocated  {site['file']}:{site['line']} in {site['function']}")
    elif verdict.site_missing is not None:
        lines.append(f"allocated  nobody knows where: {verdict.site_missing}")
    if verdict.holder is not None:
        lines.append(f"held by    {holder(verdict.holder)}")
        others = [other for other in verdict.holders if other["path"] not in (None, verdict.holder["path"])]
        lines += [f"and by     {holder(other)}" for other in others[: _MOST_HOLDERS - 1]]
    return [*lines, f"because    {verdict.evidence}"]


def rates(verdict: Verdict, rate_per_second: float | None, limit_bytes: int | None) -> list[str]:
    """How fast it grows, up to where, or what would have been seen."""
    if verdict.verdict == "leak":
        return _leak_rates(verdict, rate_per_second, limit_bytes)
    if verdict.holder is not None and verdict.holder.get("ceiling_bytes") is not None:
        place = "within" if verdict.within_limit else "over"
        over = "" if limit_bytes is None else f", {place} the limit"
        if limit_bytes is None and verdict.holder["ceiling_bytes"] > machine_bytes():
            over = ", which is more memory than this machine has"
        return [f"it will hold {format_bytes(verdict.holder['ceiling_bytes'])} when full{over}"]
    if verdict.verdict == "inconclusive":
        return []
    heap = format_rate(max(_FINEST, verdict.smallest_detectable_bytes_per_op))
    outside = format_rate(max(_FINEST, verdict.smallest_detectable_outside_bytes_per_op))
    lines = [f"a leak of {heap} or more in the heap, of {outside} or more outside it, would have been seen"]
    if limit_bytes is not None and verdict.retained_heap_bytes > limit_bytes:
        held = format_bytes(verdict.retained_heap_bytes)
        lines.append(f"it holds {held}, over the limit of {format_bytes(limit_bytes)}, and no more to come")
    return lines


def _leak_rates(verdict: Verdict, rate_per_second: float | None, limit_bytes: int | None) -> list[str]:
    rate, low, high = map(format_rate, (verdict.leak_bytes_per_op, *verdict.interval))
    lines = [rate if low == rate == high else f"{rate} (between {low} and {high})"]
    lines += [
        _an_operation(amount, resource)
        for resource, amount in verdict.resources.items()
        if resource not in ("heap", "outside heap")
    ]
    if rate_per_second is not None:
        bytes_per_second = verdict.leak_bytes_per_op * rate_per_second
        lasting = (
            f"; {format_bytes(limit_bytes)} last {span(limit_bytes / bytes_per_second)}"
            if limit_bytes and bytes_per_second
            else ""
        )
        daily = format_bytes(bytes_per_second * _DAY_SECONDS)
        lines.append(f"{daily} a day at {rate_per_second:,g} operations a second{lasting}")
    return lines


_ONE = {
    "entries": "entry",
    "characters": "character",
    "bytes": "byte",
    "threads": "thread",
    "file descriptors": "file descriptor",
    "child processes": "child process",
}
_WHOLE = 100  # from here on three digits need no point


def _an_operation(amount: float, things: str) -> str:
    """`1 thread an operation`, `0.143 entries an operation`, `1,000 entries an operation`."""
    shown = f"{amount:,.0f}" if amount >= _WHOLE else f"{amount:.3g}"
    return f"{shown} {_ONE.get(things, things) if shown == '1' else things} an operation"


def span(seconds: float) -> str:
    """How long something lasts, in the unit that a person would say.

    >>> [span(seconds) for seconds in (40, 4_500, 108_000, 3e6, 1e9)]
    ['40 seconds', '75 minutes', '30 hours', '35 days', '32 years']
    """
    for unit, unit_seconds, most in _SPANS:
        count = round(seconds / unit_seconds)
        if count < most:
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return f"{round(seconds / _YEAR_SECONDS):,} years"


def holder(held: Mapping[str, object]) -> str:
    """`service.SESSIONS (dict, 1 entry an operation, 98% of the growth)`.

    How many entries there were is not said where another process than the climbing one counted them.
    """
    unnamed = UNNAMED.get(str(held["type"]), "an unknown root")
    if "root" not in held:
        unnamed = "a cache"  # that was weighed, and not looked for
    rate = held.get("entries_per_op") or held.get("entries_per_step")
    if isinstance(rate, float):
        entries = f", {_an_operation(rate, _PARTS.get(str(held['type']), 'entries'))}"
    else:
        entries = f", {held['entries']:,} entries" if isinstance(held["entries"], int) else ""
    bound = f", bound {held['bound']:,}" if isinstance(held["bound"], int) else ""
    share = held.get("share") or held.get("bytes_share")
    part = ""
    if isinstance(share, float):
        part = f", {share:.0%} of the growth" if share >= _LEAST_SHARE else ", less than 1% of the growth"
    return f"{held['path'] or unnamed} ({held['type']}{entries}{bound}{part})"
