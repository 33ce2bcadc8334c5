"""Watching a map costs what it may, as ratios to the plain map on the same machine in the same minute."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "monitor_cost.py"


@pytest.fixture(scope="module")
def monitor_cost() -> ModuleType:
    spec = importlib.util.spec_from_file_location("monitor_cost", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_puts_and_gets_stay_within_their_ratios(monitor_cost: ModuleType) -> None:
    """At most 3 and 2.5 times the plain dict, and less than a Counter at each operation costs.

    With a quarter of the script's entries, so that it takes a quarter of the time; the plain dict is quicker
    then, and the ratios a little higher.
    """
    kinds = {name: monitor_cost.KINDS[name] for name in ("dict", "MonitoredMap(dict)", "with Counters")}
    costs = monitor_cost.measured(monitor_cost.requests, kinds, rounds=5, entries=50_000)
    plain, watched, counters = costs.values()
    assert watched.put <= monitor_cost.PUT_RATIO_MAX * plain.put
    assert watched.subscript <= monitor_cost.GET_RATIO_MAX * plain.subscript
    assert watched.get <= monitor_cost.GET_RATIO_MAX * plain.get
    assert watched.put < counters.put
    assert watched.subscript < counters.subscript
