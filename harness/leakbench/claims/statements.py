"""Statements that several claims make, each of one or two cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakbench.claims.judging import Statement

if TYPE_CHECKING:
    from leakbench.claims.drawing import Read


def values(case: str, *names: str) -> tuple[Read, ...]:
    return tuple((case, name) for name in names)


def both(name: str, one: str, other: str) -> tuple[Read, ...]:
    return (one, name), (other, name)


def leaks(case: str, what: str) -> Statement:
    return Statement(f"{what}: {{0}}", ((case, "verdict"),), lambda verdict: verdict == "leak")


def no_leak(case: str, what: str) -> Statement:
    return Statement(
        f"{what} does not leak ({{0}})",
        ((case, "verdict"),),
        lambda verdict: verdict in ("bounded", "steady"),
    )


def none_of(name: str, case: str, says: str) -> Statement:
    """A count that has to be 0; `{0}` in `says` is what it is."""
    return Statement(says, ((case, name),), lambda count: count == 0)


def less(name: str, one: str, other: str, says: str) -> Statement:
    """Of `one` less than of `other`; `{0}` and `{1}` in `says` are their values."""
    return Statement(says, both(name, one, other), lambda a, b: a < b)
