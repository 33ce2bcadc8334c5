"""The bound that a cache declares, and how full it is."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from leakbench.monitor.errors import MonitorError
from leakbench.monitor.libraries import base_in


class Fill(NamedTuple):
    """How far a map is from its declared bound; both None where it has none."""

    bound_entries: int | None
    ratio: float | None


NO_BOUND = Fill(None, None)


def checked_bound(bound_entries: object) -> int | None:
    """The bound a person declared; raises MonitorError where it is no positive whole number."""
    if bound_entries is None:
        return None
    if isinstance(bound_entries, bool) or not isinstance(bound_entries, int) or bound_entries < 1:
        raise MonitorError(f"bound_entries must be a whole number of 1 or more, not {bound_entries!r}")
    return bound_entries


def fill_of(wrapped: Any, entries: int, declared_entries: int | None) -> Fill:
    """What was declared by hand, else what cachetools and cachebox say of themselves.

    Other objects' `maxsize` is not believed: of somebody's class it may be a hint and no bound.
    """
    if declared_entries is not None:
        return Fill(declared_entries, entries / declared_entries)
    if isinstance(wrapped, dict):  # the commonest, and no package's
        return NO_BOUND
    if (base := base_in("cachetools", wrapped)) is not None:
        weighs = "getsizeof" in vars(wrapped) or type(wrapped).getsizeof is not base.getsizeof
        return _weighed(wrapped.maxsize, wrapped.currsize, weighs=weighs)
    if base_in("cachebox", wrapped) is not None:
        return _weighed(wrapped.maxsize, wrapped.current_size(), weighs=wrapped.getsizeof is not None)
    return NO_BOUND


def _weighed(most: float, now: float, *, weighs: bool) -> Fill:
    """A cache with a getsizeof of its own is bounded in its own weights: then only the ratio is told."""
    if not 0 < most < sys.maxsize:  # cachebox says sys.maxsize for "no bound", cachetools may say inf
        return NO_BOUND
    return Fill(None if weighs else int(most), now / most)
