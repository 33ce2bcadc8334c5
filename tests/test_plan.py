"""What a person asks for becomes tasks, or one line that says what there is instead."""

from __future__ import annotations

from collections import Counter

import pytest
from leakbench.catalogue import Catalogue, Entry, Listed
from leakbench.contract import Mitigation, Parameter, Scenario
from leakbench.plan import REPEATS, BadParameterError, NoSuchCaseError, make_tasks, select

PROBES = ("rss", "ledger", "heap", "latency")


def entry(name: str, kind: str, mitigations: tuple[str, ...], *, most: int = 10) -> Entry:
    """A scenario that is never run; a mitigation named thread is not deterministic."""
    scenario = Scenario(name, lambda _make, _run: None, kind=kind, title=name, params={  # type: ignore[arg-type,return-value]
        "size": Parameter(1, 0, most, "entries")
    })  # fmt: skip
    listed = {
        each: Listed(
            Mitigation(each, print, verdict="bounded", summary="", deterministic=each != "thread"), None
        )
        for each in mitigations
    }
    return Entry(scenario, f"own.{name}", f"{name}.py", by_path=False, mechanism="", mitigations=listed)


ENTRIES = (
    entry("session-map", "scenario", ("none", "lru", "thread")),
    entry("session-pool", "scenario", ("none",), most=5),
    entry("noop", "control", ("none",)),
    entry("old-bug", "wild", ("none",)),
)
CATALOGUE = Catalogue({each.scenario.name: each for each in ENTRIES}, ())


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ([], ["session-map:none", "session-map:lru", "session-map:thread", "session-pool:none", "noop:none"]),
        (["noop"], ["noop:none"]),
        (["session-map:lru"], ["session-map:lru"]),
        (["session-*:none"], ["session-map:none", "session-pool:none"]),
        (["session-map:[lt]*"], ["session-map:lru", "session-map:thread"]),
        (["noop", "*:none", "noop"], ["noop:none", "session-map:none", "session-pool:none", "old-bug:none"]),
    ],
)
def test_cases_are_named_in_full_or_by_glob_each_once(wanted: list[str], chosen: list[str]) -> None:
    assert [":".join(pair) for pair in select(CATALOGUE, wanted)] == chosen


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("sesion-map", "no scenario 'sesion-map'; did you mean 'session-map' or 'session-pool'?"),
        ("session-map:lur", "scenario 'session-map' has no mitigation 'lur'; did you mean 'lru'?"),
        ("xyz", "no scenario 'xyz'; there are: session-map, session-pool, noop, old-bug"),
        ("z*", "no scenario 'z*'; there are: session-map, session-pool, noop, old-bug"),
        ("noop:zzz", "scenario 'noop' has no mitigation 'zzz'; there are: none"),
        ("", "no scenario ''; there are: session-map, session-pool, noop, old-bug"),
    ],
)
def test_what_is_not_there_gets_the_nearest_names(wanted: str, said: str) -> None:
    with pytest.raises(NoSuchCaseError) as error:
        select(CATALOGUE, ["noop", wanted])
    assert str(error.value) == said


def test_a_deterministic_case_is_measured_once_and_any_other_several_times() -> None:
    pairs = [("session-map", "lru"), ("session-map", "thread")]
    tasks = make_tasks(CATALOGUE, pairs, probes=PROBES)
    counts = {(mitigation, probe): 0 for _, mitigation in pairs for probe in PROBES}
    for task in tasks:
        counts[task.case.mitigation, task.probe] += 1
    assert counts == {
        **{("lru", probe): 1 for probe in PROBES},
        **{("thread", probe): REPEATS["quick"] for probe in PROBES},
        ("thread", "heap"): 1,
        ("thread", "latency"): 1,
    }
    assert len({(task.case, task.probe, task.repeat) for task in tasks}) == len(tasks)


def test_the_heap_is_captured_again_where_asked_for_and_where_it_does_not_repeat() -> None:
    pairs = [("session-map", "lru"), ("session-map", "thread")]
    tasks = make_tasks(CATALOGUE, pairs, probes=["heap"], heap_repeats=3)
    captured = [(task.case.mitigation, task.repeat) for task in tasks]
    assert captured == [("lru", 0), ("thread", 0), ("thread", 1), ("thread", 2)]


def test_a_case_takes_its_scale_from_the_profile_unless_it_is_given() -> None:
    steps = ENTRIES[0].scenario.steps
    for profile in ("quick", "full"):
        (task,) = make_tasks(CATALOGUE, [("noop", "none")], profile=profile, probes=["rss"])
        assert task.case.scale == steps[profile]
    (task,) = make_tasks(CATALOGUE, [("noop", "none")], scale=7, seed=3, probes=["rss"])
    assert (task.case.scale, task.case.seed) == (7, 3)


def test_a_parameter_is_held_to_the_range_of_each_scenario_that_has_it() -> None:
    """`size` goes to 10 in one scenario and to 5 in the other, whichever is asked for first."""
    pairs = [("session-map", "none"), ("session-pool", "none")]
    assert len(make_tasks(CATALOGUE, pairs, params={"size": 5}, probes=["rss"])) == 2
    for order in (pairs, pairs[::-1]):
        with pytest.raises(BadParameterError) as error:
            make_tasks(CATALOGUE, order, params={"size": 6}, probes=["rss"])
        assert str(error.value) == "parameter size=6 of 'session-pool' is out of its range 0 to 5 (entries)"
    (task,) = make_tasks(CATALOGUE, pairs[:1], params={"size": 6}, probes=["rss"])
    assert task.case.params == (("size", 6),)


def test_a_parameter_that_no_selected_scenario_has_gets_the_nearest_names() -> None:
    with pytest.raises(
        BadParameterError, match="no parameter 'siz' in the selected scenarios; did you mean 'size'"
    ):
        make_tasks(CATALOGUE, [("noop", "none")], params={"siz": 1}, probes=["rss"])


def test_what_waits_for_minutes_is_measured_in_the_full_profile_alone_once_and_by_two_probes() -> None:
    slow = entry("minutes", "scenario", ("thread",))
    slow.scenario.waits_seconds = 120.0 / slow.scenario.steps["quick"]
    both = Catalogue({**CATALOGUE.entries, "minutes": slow}, ())
    assert select(both, [], "quick") == select(CATALOGUE, [])
    assert select(both, [], "full") == [*select(CATALOGUE, []), ("minutes", "thread")]
    tasks = make_tasks(both, select(both, ["minutes"]), profile="full", probes=PROBES)
    assert [(task.probe, task.repeat) for task in tasks] == [("rss", 0), ("ledger", 0)]


def test_what_waits_for_seconds_is_repeated_and_not_timed() -> None:
    paced = entry("paced", "scenario", ("thread",))
    paced.scenario.waits_seconds = 1.0 / paced.scenario.steps["quick"]
    tasks = make_tasks(Catalogue({"paced": paced}, ()), [("paced", "thread")], probes=PROBES)
    assert Counter(task.probe for task in tasks) == dict.fromkeys(("rss", "ledger"), REPEATS["quick"])
