"""What limiters hold back and what evictions let go, in figures that can be told in advance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from leakbench.cli import main
from leakbench.scenarios.write_burst import SCENARIO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STEPS = 12_000
EVICTING = ["fifo", "article-lru", "lru", "lfu", "sieve", "token-bucket-lru", "ideal"]


def counts(play: Any, mitigation: str, steps: int = STEPS, **params: int) -> Mapping[str, Any]:
    counted: Mapping[str, Any] = play(SCENARIO, mitigation, steps, **params).counts()
    return counted


@pytest.fixture(autouse=True)
def _empty_map() -> None:
    from leakbench.scenarios.write_burst import ENTRIES

    ENTRIES.clear()


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", list(SCENARIO.mitigations))
def test_the_ladders_verdict_is_the_truth(mitigation: str, tmp_path: Path) -> None:
    case = f"write-burst:{mitigation}"
    assert main(["run", case, "--probe", "ledger", "--no-report", "--out", str(tmp_path / "run")]) == 0


@pytest.mark.parametrize("mitigation", EVICTING)
def test_eviction_keeps_to_the_bound_and_the_books_balance(mitigation: str, play: Any) -> None:
    seen = counts(play, mitigation)
    assert seen["retained_entries"] <= 1_000
    assert seen["writes"] - seen["writes_refused"] == seen["retained_entries"] + seen["entries_evicted"]


def test_the_articles_lru_is_a_fifo_to_the_last_hit(play: Any) -> None:
    article, fifo = counts(play, "article-lru"), counts(play, "fifo")
    assert article == fifo
    assert article["hit_ratio"] < counts(play, "lru")["hit_ratio"]


def test_touch_overflow_ask_unmasks_the_articles_lru() -> None:
    from leakbench.scenarios.write_burst import ArticleLru

    entries = ArticleLru(3)
    for key in range(3):
        entries[key] = b""
    entries.get(0)
    entries[3] = b""
    assert 0 not in entries


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mitigation", "hit_ratio"),
    [("fifo", 0.631), ("lru", 0.675), ("sieve", 0.745), ("w-tinylfu", 0.739), ("ideal", 0.765)],
)
def test_hit_ratios_without_floods_are_those_of_the_literature(
    mitigation: str, hit_ratio: float, play: Any
) -> None:
    """Zipf 1.0, 10,000 keys, 1,000 entries; the draws are others, hence the hundredth."""
    seen = counts(play, mitigation, 300_000, flood_writes=0)
    assert seen["hit_ratio"] == pytest.approx(hit_ratio, abs=0.01)
    assert seen["hit_ratio"] <= seen["best_static_hit_ratio"]


def test_a_limiter_alone_slows_the_map_down_and_does_not_stop_it(play: Any) -> None:
    one, two = counts(play, "token-bucket", STEPS), counts(play, "token-bucket", 2 * STEPS)
    assert one["writes_refused"] > 0
    assert two["retained_entries"] > one["retained_entries"] + STEPS // 10


def test_a_limiter_per_client_refuses_the_crawler_alone_and_remembers_everybody(play: Any) -> None:
    seen = counts(play, "per-client-lru")
    assert seen["writes_refused"] == seen["writes_refused_to_crawler"] > 0
    assert seen["limiter_records"] > STEPS // 8  # a client has four steps, and writes in most of them


def test_forgetting_idle_clients_refuses_the_same_writes(play: Any) -> None:
    keeping, forgetting = counts(play, "per-client-lru"), counts(play, "per-client-forgetting-lru")
    assert forgetting["limiter_records"] <= 8
    assert {**keeping, "limiter_records": 0} == {**forgetting, "limiter_records": 0}
