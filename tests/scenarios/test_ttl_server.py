"""Real servers: expired keys pile up where active expiry is off, and nowhere else."""

from __future__ import annotations

import re
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from leakbench.cli import main
from leakbench.scenarios.ttl_server import SCENARIO, _Batches

from tests.commands import clean_environ, leakbench, rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STEPS = 120
WRITES = 200


def counts(play: Any, mitigation: str, **params: int) -> Mapping[str, Any]:
    workload = play(SCENARIO, mitigation, STEPS, **params)
    counted: Mapping[str, Any] = workload.counts()
    workload.close()
    return counted


def test_the_clients_ring_takes_no_more_once_its_batches_are_numbered_beyond_256() -> None:
    ring = _Batches(4)
    for _ in range(200):
        ring.add(0.0)
        ring.drop_oldest()
    tracemalloc.start()
    try:
        before_bytes, _ = tracemalloc.get_traced_memory()
        for _ in range(200):
            ring.add(0.0)
            ring.drop_oldest()
        taken_bytes = tracemalloc.get_traced_memory()[0] - before_bytes
    finally:
        tracemalloc.stop()
    assert ring.end == 400
    assert taken_bytes < 28  # an int that no one shares


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", list(SCENARIO.mitigations))
def test_the_ladders_verdict_is_the_truth(mitigation: str, tmp_path: Path) -> None:
    case = f"ttl-server:{mitigation}"
    assert main(["run", case, "--probe", "ledger", "--no-report", "--out", str(tmp_path / "run")]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", ["none", "redis-none"])
def test_with_active_expiry_off_every_key_stays(mitigation: str, play: Any) -> None:
    seen = counts(play, mitigation, ttl_ms=20)
    assert (seen["retained_entries"], seen["keys_expired"]) == (STEPS * WRITES, 0)


@pytest.mark.slow
def test_reads_remove_the_share_that_is_read(play: Any) -> None:
    seen = counts(play, "lazy-reads", ttl_ms=20)
    assert seen["stale_answers"] == 0
    assert seen["retained_entries"] == STEPS * WRITES - seen["keys_expired"]
    assert seen["keys_expired"] % (WRITES // 5) == 0
    assert seen["keys_expired"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", ["active-expiry-1", "active-expiry-10", "redis"])
def test_active_expiry_removes_what_nobody_asks_for_and_loses_nothing(mitigation: str, play: Any) -> None:
    seen = counts(play, mitigation, ttl_ms=100)
    assert seen["keys_expired"] > 0
    assert (seen["lost_entries"], seen["writes_refused"], seen["keys_evicted"]) == (0, 0, 0)


@pytest.mark.slow
def test_a_cap_without_eviction_refuses_writes_and_says_so(play: Any) -> None:
    """9 MiB hold some 16,000 keys; all live for a minute, and those refused are lost."""
    seen = counts(play, "cap-noeviction", ttl_ms=60_000, writes=1_000)
    assert seen["writes_refused"] > 0
    assert seen["lost_entries"] == seen["writes_refused"]
    assert seen["retained_entries"] + seen["writes_refused"] == seen["writes"] == STEPS * 1_000


@pytest.mark.slow
def test_a_cap_with_eviction_takes_every_write_and_lets_keys_go(play: Any) -> None:
    seen = counts(play, "cap-allkeys-lru", writes=1_000)
    assert seen["writes_refused"] == 0
    assert seen["keys_evicted"] > 0
    assert seen["server_used_memory_bytes"] < 10 << 20


DYING = """
import os
from leakbench.contract import Run, Scenario
from leakbench.scenarios import ttl_server

class Dying:
    def __init__(self, make, run):
        self._load = ttl_server.TtlServer(make, run)

    def step(self, i):
        if i == 20:
            os.kill(self._load._server.pid, 9)
        self._load.step(i)

SCENARIO = Scenario(
    "dying", Dying, title="its server dies", params=ttl_server.parameters(), steps={"quick": 64}, warmup=8
)
ttl_server.declare(SCENARIO, ["none"])
"""


@pytest.mark.slow
def test_a_server_that_dies_in_the_middle_is_a_failure_with_its_last_words_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    own, temporary = tmp_path / "dying.py", tmp_path / "tmp"
    own.write_text(DYING, encoding="utf-8")
    temporary.mkdir()
    words = ("run", "dying", "--scenarios", own, "--probe", "rss", "--no-report", "--out", tmp_path / "run")
    done = leakbench(*words, environ=clean_environ(TMPDIR=str(temporary)))
    assert done.returncode == 4
    failures = rows(tmp_path / "run")
    assert {row["status"] for row in failures} == {"failed"}
    for row in failures:
        assert re.search(r"the server died .*status -9; its last log lines: .*Ready to accept", row["reason"])
        assert row["reason"].endswith("at step 20")
    assert list(temporary.iterdir()) == []
