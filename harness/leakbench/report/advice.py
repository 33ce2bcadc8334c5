"""Which mitigation to take, and why, in words that follow from the figures alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from leakbench.repeats import NO_LEAK
from leakbench.report import units
from leakbench.report.view import BREAKAGES, FLAWS, LEFTOVERS, LOSSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakbench.report.view import CaseView

_BOUNDS = ("none", "ideal")
_SAID = {
    "lost_entries": "loses {} live entries",
    "puts_refused": "refuses {} puts",
    "writes_refused": "refuses {} writes",
    "lost_updates": "loses {} updates",
    "stale_answers": "serves {} stale answers",
    "threads_left": "leaves threads running once dropped ({})",
    "processes_left": "leaves processes running once dropped ({})",
    "fds_left": "leaves descriptors open once dropped ({})",
    "deadlocks": "would wait for itself {} times",
    "sweepers_died": "loses {} sweepers to an exception",
    "iteration_errors": "breaks {} walks over it",
}
_OTHER_WORKLOAD = 4.0
"""How many times as many living entries as `none` has, or as few, tell that it was asked for something else.
Where real time decides which entries live, two mitigations differ by up to twice."""
_WORTH_SAYING = 1.15
"""A ratio below which two throughputs are not told apart; a benchmark on a shared machine swings by more."""


class Advice(NamedTuple):
    """One rank of the recommendation."""

    rank: int
    case: CaseView
    reason: str
    who_else: str  # who should take it although it is not first; empty for the first


def recommend(cases: Sequence[CaseView]) -> tuple[Advice, ...]:
    """Rank the mitigations that were measured whole; the bounds are no candidates.

    First come those that do not leak, of them those without a flaw (nothing lost, refused, broken, stale or
    left behind, all memory given back), and of these the cheapest: by memory beside `ideal` times slowness
    beside `none`.
    """
    none = _none(cases)
    ranked = sorted((case for case in _candidates(cases) if not _is_elsewhere(case, none)), key=_order)
    return tuple(
        Advice(n, case, _reason(case, none), _who_else(case, ranked[0]) if n > 1 else "")
        for n, case in enumerate(ranked, 1)
    )


class SetApart(NamedTuple):
    """A mitigation whose price is not to be compared with the others', for its workload is another."""

    case: CaseView
    reason: str


def set_apart(cases: Sequence[CaseView]) -> tuple[SetApart, ...]:
    """Give the mitigations that are not ranked although they were measured whole."""
    none = _none(cases)
    if none is None:
        return ()
    return tuple(
        SetApart(
            case,
            f"{case.figures['live_entries'].text} entries live at its end, "
            f"{none.figures['live_entries'].text} at that of none",
        )
        for case in _candidates(cases)
        if _is_elsewhere(case, none)
    )


def _candidates(cases: Sequence[CaseView]) -> list[CaseView]:
    return [case for case in cases if not _is_bound(case.mitigation) and not case.failures]


def _none(cases: Sequence[CaseView]) -> CaseView | None:
    return next((case for case in cases if case.mitigation == "none"), None)


def _is_elsewhere(case: CaseView, none: CaseView | None) -> bool:
    """Whether its workload is not that of `none`, so that their prices do not compare."""
    if none is None or not {"live_entries"} <= case.figures.keys() & none.figures.keys():
        return False
    fewer, more = sorted(max(one.number("live_entries"), 1.0) for one in (case, none))
    return more > _OTHER_WORKLOAD * fewer


def _is_bound(mitigation: str) -> bool:
    """Whether it is no candidate: the baseline (of any kind of map: none-set), or the ideal."""
    return mitigation in _BOUNDS or mitigation.startswith("none-")


def _order(case: CaseView) -> tuple[float, ...]:
    price = case.number("memory_ratio", 1.0) / max(case.number("speed_ratio", 1.0), 1e-9)
    leaks = case.verdict not in NO_LEAK
    return (
        leaks,
        any(case.flaw(name) > 0 for name in LOSSES),
        any(case.flaw(name) > 0 for name in (*LEFTOVERS, *BREAKAGES)),
        case.flaw("stale_answers") > 0,
        case.verdict == "unreturned",
        case.number("leak_bytes_per_op") if leaks else 0.0,
        price,
    )


def _reason(case: CaseView, none: CaseView | None) -> str:
    parts = [_verdict_said(case)]
    flaws = [
        _SAID[name].format(units.show(case.flaw(name), "")) + _beside(name, case, none)
        for name in FLAWS
        if case.flaw(name) > 0
    ]
    if flaws:
        parts += flaws
    elif "lost_entries" in case.figures:
        parts.append("loses no live entry and serves no stale one")
    price = _price(case)
    return f"{', '.join(parts)}{f'; {price}' if price else ''}."


def _beside(name: str, case: CaseView, none: CaseView | None) -> str:
    """What a flaw's count is to be seen beside: those of `none` are as many stale answers as can be."""
    if name == "writes_refused" and case.number("writes_refused_to_crawler"):
        return " beside the crawler's"
    if name != "stale_answers" or none is None or not none.number(name):
        return ""
    return f" against {units.show(none.number(name), '')} of none"


def _verdict_said(case: CaseView) -> str:
    if case.verdict == "leak":
        rate = case.figures.get("leak_bytes_per_op")
        return f"Still leaks {rate.text}" if rate else "Still leaks"
    if case.verdict == "unreturned":
        return "Does not leak, though memory that it let go of stays resident"
    if case.verdict in NO_LEAK:
        return "Does not leak"
    return f"No verdict ({case.verdict_note or case.verdict})"


def _price(case: CaseView) -> str:
    parts = []
    if "speed_ratio" in case.figures:
        parts.append(f"runs at {case.figures['speed_ratio'].text} the speed of none")
    if "memory_ratio" in case.figures:
        parts.append(f"peaks at {case.figures['memory_ratio'].text} the memory of ideal")
    return " and ".join(parts)


def _who_else(case: CaseView, first: CaseView) -> str:
    """Say in what it beats the first choice, where it does by more than noise."""
    if case.verdict not in NO_LEAK:
        return ""
    gains = []
    faster = case.number("ops_per_second") / max(first.number("ops_per_second", 1.0), 1e-9)
    smaller = first.number("peak_own_bytes") / max(case.number("peak_own_bytes", 1.0), 1e-9)
    if faster > _WORTH_SAYING:
        gains.append(f"speed matters more ({units.show_times(faster)} as fast as {first.mitigation})")
    if smaller > _WORTH_SAYING:
        gains.append(f"memory matters more ({first.mitigation} peaks at {units.show_times(smaller)} of it)")
    if not gains:
        return ""
    flawed = "" if case.is_sound else ", and its flaws are bearable"
    return f"Choose it where {' or '.join(gains)}{flawed}."
