"""A declaration that could not be measured is refused where it is made."""

import subprocess
import sys
from pathlib import Path

import pytest
from leakbench.contract import VERDICTS, Mitigation, Scenario, mitigation


class Still:
    """A workload in which nothing ever moves."""

    def step(self, i: int) -> None:
        """Does nothing."""


def scenario(name: str = "still", **options: object) -> Scenario:
    return Scenario(name, lambda _make, _run: Still(), title="nothing moves", **options)  # type: ignore[arg-type]


def test_a_verdict_outside_the_six_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        ValueError, match="mitigation 'lru': verdict 'leaky' is none of leak, filling, bounded"
    ):
        Mitigation("lru", Still, verdict="leaky", summary="")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="scenario 'still': kind 'demo' is none of scenario, control"):
        scenario(kind="demo")


@pytest.mark.parametrize("name", ["", "a:b", "a/b", "a b", "a*", "[a]", "a@b", "a\n", "..", "caf\udce9"])
def test_a_name_that_would_break_a_cases_id_or_a_file_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name holds letters, digits"):
        scenario(name)
    with pytest.raises(ValueError, match="a name holds letters, digits"):
        Mitigation(name, Still, verdict="leak", summary="")


@pytest.mark.parametrize("name", ["none", "lru_cache", "weak-values", "redis-7.0", "café"])
def test_names_in_use_are_taken(name: str) -> None:
    assert scenario(name).name == name


def test_a_mitigation_named_twice_is_refused() -> None:
    still = scenario()
    still.mitigation("none", verdict="steady", summary="")(Still)
    with pytest.raises(ValueError, match="scenario 'still' names its mitigation 'none' twice"):
        still.mitigation("none", verdict="leak", summary="")(Still)
    assert not still.mitigations["none"].leaks


def test_only_the_verdict_leak_leaks() -> None:
    leaking = [v for v in VERDICTS if Mitigation("x", Still, verdict=v, summary="").leaks]
    assert leaking == ["leak"]


def test_steps_for_one_profile_leave_the_other_its_default() -> None:
    assert scenario(steps={"quick": 64}).steps == {"quick": 64, "full": scenario().steps["full"]}


def test_a_shared_mitigation_is_declared_on_what_makes_it_and_may_mend_several() -> None:
    @mitigation("one", mends=("session-map",), verdict="bounded", summary="")
    @mitigation("two", mends=("session-map", "noop"), verdict="bounded", summary="")
    def make() -> None: ...

    declared = make.__mitigations__  # type: ignore[attr-defined]  # set by the decorator
    assert {m.name: m.mends for m in declared} == {"one": ("session-map",), "two": ("session-map", "noop")}


def test_loading_the_contract_loads_nothing_else() -> None:
    """It lies in the measured child: `typing` alone would be 1.9 MiB of the 2 that the harness may add."""
    package = Path(__file__).parent.parent / "harness"
    program = (
        "import sys; before = set(sys.modules); import leakbench.contract; print(*set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == {"leakbench", "leakbench.contract"}
