"""Why a child of a check gave no answer, in words, and how long one may say nothing. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakbench import growth
from leakbench.checking import TargetFailedError, UnusableTargetError
from leakbench.probes.ledger import samples
from leakbench.spawn import Ending
from leakbench.units import format_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakbench.checking import Wish
    from leakbench.spawn import Child

_LOAD_SECONDS = 60.0  # a module may load a model, and a setup start a server
_FIRST_STEPS = 8  # between two records where steps are slow; later on their number doubles at most
_SLOWER = 2.0  # than before: what is still taken for work on the way to the next rung
_COMPLAINT_LINES = 12


def patience_seconds(records: Sequence[dict[str, Any]], deadline_seconds: float) -> float:
    """How long the climbing child may say nothing before one of its steps is taken to hang.

    It speaks only at rungs, so that what steps of this pace take up to the next one is allowed beside the
    deadline of a single step.
    """
    if not _has(records, "loaded"):
        return max(deadline_seconds, _LOAD_SECONDS)
    first_seconds = _FIRST_STEPS * _last(records, "ready", "step_seconds")
    return deadline_seconds + _SLOWER * max(first_seconds, _last(records, "rung", "seconds"))


def failure(wish: Wish, child: Child) -> UnusableTargetError | TargetFailedError:
    """The error for a child that ended before it had answered, with what it had seen."""
    assert child.ending is not None  # noqa: S101  # it has ended
    if wish.launch.arguments is None and not _has(child.records, "awake"):
        return UnusableTargetError(_no_python(wish, child, child.ending))
    ending = _as_known(wish, child, child.ending)
    seen = samples(child.records)
    at = f" at step {ending.step:,}" if ending.step is not None else ""
    message = f"{wish.target}{at}: {ending.detail}"
    grown = growth.judge(seen) if len(seen) > 1 else None
    if ending.kind == "memory cap" and len(seen) > 1:
        rate = (seen[-1].heap_bytes - seen[0].heap_bytes) / seen[-1].steps
        message += f"; up to step {seen[-1].steps:,} it had grown by {format_rate(rate)}"
        if _grew_linearly(seen, rate):
            message += ", all along at this rate: as a leak does"
    elif grown is not None and grown.verdict == "leak":
        message += f"; up to step {seen[-1].steps:,} it leaked: {grown.evidence}"
    elif seen and seen[-1].steps:
        message += f"; up to step {seen[-1].steps:,} it had gone well"
    if ending.traceback:
        message += "".join("\n  " + line for line in ending.traceback)
    known = {"ops": seen[-1].steps if seen else 0, "verdict": grown.verdict if grown is not None else None}
    return TargetFailedError(message, ending, known)


def _last(records: Sequence[dict[str, Any]], kind: str, field: str) -> float:
    """A field of the last record of a kind; 0 where there is none yet."""
    return next((float(record[field]) for record in reversed(records) if record["record"] == kind), 0.0)


def _has(records: Sequence[dict[str, Any]], kind: str) -> bool:
    return any(record["record"] == kind for record in records)


def _no_python(wish: Wish, child: Child, ending: Ending) -> str:
    """The child has not said a word, and that is before anything of the target is touched."""
    complaint = _complaint(child)[-1:]
    said = "".join(f": {line}" for line in (ending.detail, *complaint))
    return f"{wish.python} is no Python that can run a check (CPython 3.9 or newer){said}"


def _complaint(child: Child) -> tuple[str, ...]:
    return tuple(child.stderr_tail.decode(errors="replace").strip().splitlines()[-_COMPLAINT_LINES:])


def _as_known(wish: Wish, child: Child, ending: Ending) -> Ending:
    """The ending in the check's own words, where it knows better than who started the process."""
    for record in child.records:
        if record["record"] == "failed":
            fell = next((each["step"] for each in child.records if each["record"] == "fell"), record["step"])
            return Ending("failed", record["reason"], _complaint(child), fell)
    if ending.kind != "deadline":
        return ending
    within = f"within its deadline of {wish.deadline_seconds:g} s"
    if not _has(child.records, "loaded"):
        come = "was not imported" if wish.launch.arguments is None else "did not come to its step"
        detail = f"{come} within {patience_seconds(child.records, wish.deadline_seconds):g} s"
    elif not _has(child.records, "stepped"):
        detail = f"the first step did not return {within}"
    elif _has(child.records, "closing"):
        detail = f"the teardown did not return {within}"
    else:
        detail = f"a step did not return {within}"
    return ending._replace(detail=detail)


def _grew_linearly(seen: list[growth.Sample], rate: float) -> bool:
    """Whether the first half of the steps grew as fast as all of them, within a tenth."""
    half = min(seen[1:], key=lambda sample: abs(sample.steps - seen[-1].steps // 2))
    early = (half.heap_bytes - seen[0].heap_bytes) / half.steps
    return rate > 0 and abs(early - rate) < rate / 10
