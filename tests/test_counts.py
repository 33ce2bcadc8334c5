"""Every count of the project's own scenarios has a name, a unit and a meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from leakbench.catalogue import discover
from leakbench.columns import ALL
from leakbench.counts import BY_NAME, COUNTS

from tests.commands import leakbench, rows

if TYPE_CHECKING:
    from pathlib import Path

CASES = {
    "churned-map": "none",
    "unreturned-memory": "none",
    "concurrent-reads": "object-keep-nothing",
    "ttl-pileup": "none",
    "ttl-server": "none",
    "lifetime-tracking": "finalize",
    "shared-map": "lock",
    "weak-cache": "none",
    "write-burst": "none",
}


def test_every_count_is_one_of_a_scenario_that_exists_and_no_name_is_two_things() -> None:
    assert set(COUNTS) <= set(discover().entries)
    for columns in COUNTS.values():
        assert all(BY_NAME[column.name] == column for column in columns)
    assert not set(BY_NAME) & {column.name for column in ALL}


@pytest.mark.slow
def test_what_a_run_counts_is_what_is_named(tmp_path: Path) -> None:
    cases = [f"{scenario}:{mitigation}" for scenario, mitigation in CASES.items()]
    done = leakbench("run", *cases, "--probe", "rss", "--no-report", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    # The quarter of an hour, without its waiting: nine steps of a millisecond.
    brief = ("--scale", "9", "--param", "step_ms=1", "--param", "ttl_ms=3")
    done = leakbench("run", "ttl-article-load:none", *brief, "--no-report", "--out", tmp_path / "brief")
    assert done.returncode == 0, done.stderr
    counted: dict[str, set[str]] = {}
    for line in (*rows(tmp_path / "run"), *rows(tmp_path / "brief")):
        numbers = {name for name, value in line["values"].items() if not isinstance(value, list)}
        counted.setdefault(line["case"].partition(":")[0], set()).update(numbers)
    known = {column.name for column in ALL}
    quick = {
        name for name in BY_NAME if not name.endswith(("_2_threads_per_second", "_8_threads_per_second"))
    }
    named = {scenario: {c.name for c in columns} & quick for scenario, columns in COUNTS.items()}
    assert {scenario: names - known for scenario, names in counted.items()} == named
