"""The article's load, hastened: what its server holds is read after each third of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from leakbench.contract import Run
from leakbench.scenarios.ttl_article_load import SCENARIO

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS = 15 * 60
WRITES = 10


def counts(mitigation: str, *, ttl_ms: int) -> Mapping[str, Any]:
    given = {name: parameter.default for name, parameter in SCENARIO.params.items()}
    run = Run(0, SCENARIO.steps["full"], given | {"step_ms": 0, "ttl_ms": ttl_ms, "writes": WRITES})
    workload = SCENARIO.workload(SCENARIO.mitigations[mitigation].make, run)
    for i in range(STEPS):
        workload.step(i)
    counted: Mapping[str, Any] = workload.counts()  # type: ignore[attr-defined]  # it has them
    workload.close()  # type: ignore[attr-defined]
    return counted


def test_it_is_the_articles_a_thousand_keys_a_second_for_a_quarter_of_an_hour() -> None:
    defaults = {name: parameter.default for name, parameter in SCENARIO.params.items()}
    assert defaults == {"writes": 1_000, "step_ms": 1_000, "ttl_ms": 60_000, "value_bytes": 400}
    assert (SCENARIO.warmup + SCENARIO.steps["full"]) * SCENARIO.waits_seconds == STEPS


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", ["none", "redis-none"])
def test_a_third_of_the_keys_comes_in_each_third_of_the_run(mitigation: str) -> None:
    seen = counts(mitigation, ttl_ms=60_000)
    assert [seen[f"keys_{third}"] for third in ("third", "two_thirds", "end")] == [3_000, 6_000, 9_000]
    resident = [seen[f"server_rss_{third}_bytes"] for third in ("third", "two_thirds", "end")]
    assert resident == sorted(resident)
    assert resident[-1] - resident[0] > 6_000 * 400
