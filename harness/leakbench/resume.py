"""What it takes to go on with a run that was cut off. Pure: documents in, documents and texts out."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.errors import LeakbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_LIKE = ("leakbench", "machine", "python", "packages", "commit")
_MAY_DIFFER = ("commit.dirty", "machine.cores", "machine.memory_bytes")


class Asked(NamedTuple):
    """What a run was asked for."""

    cases: Sequence[str] = ()  # patterns; none: all that the profile measures
    probes: Sequence[str] = ()  # none: all
    profile: str = "quick"
    scale: int | None = None
    seed: int = 0
    params: Mapping[str, int] = {}
    heap_repeats: int = 1


_ONE_RUN_HAS_ONE = ("profile", "scale", "seed", "params")


def settle(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> Asked:
    """What to measure: what is named now (None: it is not), else what the run was asked for before.

    Raises LeakbenchError where one run would hold two profiles, scales, seeds or parameters.
    """
    named = {name: value for name, value in now.items() if value is not None}
    if before is None:
        return Asked(**named)
    first = Asked(**before)._asdict()
    for name in _ONE_RUN_HAS_ONE:
        if name in named and named[name] != first[name]:
            raise LeakbenchError(
                f"the run was begun with {name} {first[name]}, not {named[name]};"
                " measure anew with another --out"
            )
    return Asked(**first | named)


def command(words: Sequence[str], folder: Path, *, names_folder: bool) -> str:
    """The line for a shell that goes on with a run that was started with `words`.

    `names_folder` says whether they name the run's folder already.
    """
    asked = [word for word in words if word != "--resume"]
    where = [] if names_folder else ["--out", str(folder)]
    return shlex.join(["leakbench", "run", *asked, *where, "--resume"])


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In what two environments differ that must be alike for one run to hold what was measured in both."""
    then, today = _leaves(before), _leaves(now)
    return [
        f"{name} ({then.get(name)} then, {today.get(name)} now)"
        for name in sorted(then.keys() | today.keys())
        if then.get(name) != today.get(name)
    ]


def changed_cases(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which cases of both documents are no longer what was measured, and in what, a phrase each."""
    then = {(row["scenario"], row["mitigation"]): row for row in before}
    return [
        f"{name} of {row['scenario']}:{row['mitigation']}"
        for row in now
        if (old := then.get((row["scenario"], row["mitigation"]))) is not None
        for name in ("version", "source")
        if old.get(name) != row[name]
    ]


def _leaves(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted name, such as python.version or packages.memray."""
    found: dict[str, Any] = {}
    for part in _LIKE:
        value = environment.get(part)
        inside = value if isinstance(value, dict) else {}
        found |= {f"{part}.{name}": leaf for name, leaf in inside.items()} or {part: value}
    return {name: leaf for name, leaf in found.items() if name not in _MAY_DIFFER}


def merge_environments(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Of two alike: begun when the first was, and asked for what both were."""
    first, then = ({"cases": (), "probes": (), **about.get("asked", {})} for about in (before, now))
    asked = {**then, **{name: _both(first[name], then[name]) for name in ("cases", "probes")}}
    return {**now, "created": before.get("created", now["created"]), "asked": asked}


def _both(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """What one or the other names; none, which stands for all, where either names none."""
    return list(dict.fromkeys((*before, *now))) if before and now else []


def merge_cases(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The rows of both, in the order in which they were first asked for; the later of two alike counts."""
    rows = {(row["scenario"], row["mitigation"]): row for row in (*before, *now)}
    return list(rows.values())
