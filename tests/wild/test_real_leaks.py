"""Real leaks: what the files declare is whole, and four small packages are what they are said to be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from leakbench import catalogue, checking, plan, wheelhouse
from leakbench.holder_names import is_known
from leakbench.model import Measurement, matches_truth
from leakbench.probes import NAMES, Place
from leakbench.probes import probe as probe_named
from leakbench.runner import outcome_of
from leakbench.spawn import Crew, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

CATALOGUE = catalogue.discover()
WILD = {name: entry for name, entry in CATALOGUE.entries.items() if entry.scenario.kind == "wild"}
CASES = [(name, mitigation) for name, entry in WILD.items() for mitigation in entry.mitigations]
LEAST_SCENARIOS = 32
SMALL = ("wild-dateutil-tzoffset", "wild-async-lru-errors", "wild-msgpack-hook", "wild-cachetools-ttl")
SMALL_CASES = [case for case in CASES if case[0] in SMALL]
STEP_FILE = "from {module} import SCENARIO\n\nstep = SCENARIO.mitigations[{mitigation!r}].make()\n"


def task_of(scenario: str, mitigation: str, probe: str = "ledger") -> plan.Task:
    return plan.make_tasks(CATALOGUE, [(scenario, mitigation)], probes=[probe])[0]


def installed(task: plan.Task) -> str:
    """The folder with the case's packages; what needs a network goes no further than here."""
    assert task.wheels is not None
    try:
        return str(wheelhouse.install(task.wheels))
    except wheelhouse.CannotInstallError as error:
        pytest.skip(str(error))


def test_they_are_measured_when_they_are_asked_for_and_not_otherwise() -> None:
    assert len(WILD) >= LEAST_SCENARIOS
    assert not {scenario for scenario, _ in plan.select(CATALOGUE, [])} & set(WILD)
    assert {scenario for scenario, _ in plan.select(CATALOGUE, ["wild-*"])} == set(WILD)


@pytest.mark.parametrize(("scenario", "mitigation"), CASES, ids=map(":".join, CASES))
def test_each_case_is_pinned_by_hash_to_files_and_names_no_place_to_fetch_them_from(
    scenario: str, mitigation: str
) -> None:
    entry = WILD[scenario]
    packages = entry.mitigations[mitigation].mitigation.packages
    assert packages
    lock = (Path(entry.file).parent / "locks" / f"{'+'.join(packages)}.txt").read_text(encoding="utf-8")
    pins = [line for line in lock.splitlines() if line and not line.startswith(" ")]
    assert all(re.match(r"[\w.-]+==[\w.]+( ; .+)? \\$", pin) for pin in pins), pins
    assert {pin.partition(" ")[0] for pin in pins} >= set(packages)
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", lock)) >= len(pins)
    assert "://" not in lock


@pytest.mark.parametrize("scenario", WILD)
def test_a_leak_names_its_holder_and_what_mends_it_takes_the_same_step_or_says_what_it_costs(
    scenario: str,
) -> None:
    mitigations = {name: listed.mitigation for name, listed in WILD[scenario].mitigations.items()}
    leaky = mitigations["none"]
    assert bool(leaky.holder) == leaky.leaks
    for name, mended in mitigations.items():
        if name == "upgrade":
            assert mended.make is leaky.make
            assert mended.packages != leaky.packages
        elif name == "workaround":
            assert mended.packages == leaky.packages
            assert mended.cost
        else:
            assert name == "none"
    assert all(not mended.leaks for name, mended in mitigations.items() if name != "none")


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "mitigation"), SMALL_CASES, ids=map(":".join, SMALL_CASES))
def test_a_check_of_a_small_package_says_the_truth_and_names_the_holder(
    scenario: str, mitigation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(scenario, mitigation)
    truth = task.listed.mitigation
    monkeypatch.setenv("PYTHONPATH", installed(task))  # before the project's own, newer versions
    file = tmp_path / "real_step.py"
    file.write_text(STEP_FILE.format(module=task.entry.module, mitigation=mitigation), encoding="utf-8")
    said = checking.examine(checking.Wish(f"{file}::step"))
    assert matches_truth(truth.verdict, said.verdict), said.evidence
    if truth.holder is not None:
        assert said.holder is not None
        assert is_known(said.holder["path"], truth.holder), said.holder


def measured(task: plan.Task, folder: Path) -> Mapping[str, Any]:
    """The values of one child; a failure fails the test with its reason."""
    installed(task)
    (folder / "captures").mkdir()
    place = Place(folder, Limits(deadline_seconds=90.0), growth_cap_bytes=1 << 28)
    how, crew = probe_named(task.probe), Crew()
    child = crew.start(how.order(task, place), how.follow)
    while len(crew):
        crew.wait()
    outcome = outcome_of(task, child)
    assert isinstance(outcome, Measurement), outcome.reason
    return outcome.values


@pytest.mark.slow
@pytest.mark.parametrize("probe", NAMES)
def test_every_probe_works_where_the_case_has_its_own_packages_alone(probe: str, tmp_path: Path) -> None:
    """async-lru's folder lacks what memray needs of others: it must have that from the harness's."""
    assert measured(task_of("wild-async-lru-errors", "none", probe), tmp_path)


@pytest.mark.slow
def test_the_capture_of_a_native_leak_names_the_packages_own_function(tmp_path: Path) -> None:
    """The wheels of msgpack carry symbols: the stack of what stays goes through its decoder's C code."""
    seen = measured(task_of("wild-msgpack-hook", "none", "heap"), tmp_path)
    frames = [(function, file) for function, file, _line in seen["site"]["stack"]]
    assert ("unpack_callback_map_item", "msgpack/unpack.h") in frames
