"""The collector's pauses, as the measured child records them: the longest, in the order of time."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

from leakbench.child import rss

if TYPE_CHECKING:
    import pytest


def test_the_longest_pauses_are_kept_with_when_they_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 pauses of 1, 2, …, 40 ns, each beginning 100 ns after the one before; 32 are kept: 9 to 40."""
    now = iter([at for n in range(1, 41) for at in (100 * n, 100 * n + n)])
    monkeypatch.setattr(time, "perf_counter_ns", lambda: next(now))
    pauses = rss.Pauses()
    for _ in range(40):
        pauses("start", {})
        pauses("stop", {})
    assert pauses.since(50) == [(100 * n - 50, n) for n in range(9, 41)]
    assert pauses.longest_ns == 40
    assert pauses.total_ns == sum(range(1, 41))


def test_no_collection_is_no_pause() -> None:
    pauses = rss.Pauses()
    assert pauses.since(0) == []
    assert (pauses.longest_ns, pauses.total_ns) == (0, 0)


def test_real_collections_are_seen_and_no_more_than_32_are_kept() -> None:
    pauses = rss.Pauses()
    gc.callbacks.append(pauses)
    try:
        began = time.perf_counter_ns()
        for _ in range(50):
            gc.collect(0)
    finally:
        gc.callbacks.remove(pauses)
    kept = pauses.since(began)
    assert len(kept) == 32
    assert all(length > 0 for _, length in kept)
    assert sum(length for _, length in kept) <= pauses.total_ns
