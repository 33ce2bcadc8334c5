"""`leakbench.check` for scripts: which callables another process finds, and under which name."""

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import leakbench
import pytest
from leakbench.checking import UnusableTargetError
from leakbench.errors import LeakbenchError
from leakbench.known_leaks import find, parse
from leakbench.scripting import Options, address

ENCODER = json.JSONEncoder()


class Keeper:
    """Keeps, in a list of its class's."""

    kept: list[int] = []  # noqa: RUF012  # what is kept is the point

    @classmethod
    def keep(cls, i: int) -> None:
        cls.kept.append(i)

    def put(self, i: int) -> None:
        self.kept.append(i)


KEEPER = Keeper()
PUT_MORE = functools.partial(Keeper.put, KEEPER)
HERE = __name__


@pytest.mark.parametrize(
    ("step", "target"),
    [
        (json.dumps, "json:dumps"),
        (Keeper.keep, f"{HERE}:Keeper.keep"),
        (KEEPER.put, f"{HERE}:KEEPER.put"),
        (PUT_MORE, f"{HERE}:PUT_MORE"),
        (len, "builtins:len"),
    ],
)
def test_a_callable_is_addressed_where_a_module_names_it(step: Callable[..., object], target: str) -> None:
    assert address(step) == target


def test_a_callable_that_no_module_names_is_refused_with_the_way_out() -> None:
    def inside(i: int) -> None:
        del i

    refusals: tuple[tuple[Callable[..., object], str], ...] = (
        (inside, "inside, which lives inside a function,"),
        (lambda: None, "a lambda that no module names"),
        (Keeper().put, "Keeper.put, a method of an object that no module names,"),
        (functools.partial(inside), "an object of type partial that no module names"),
    )
    for step, said in refusals:
        with pytest.raises(UnusableTargetError, match="by the fixture leak_check") as refused:
            address(step)
        assert said in str(refused.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"budget": 3}, "no option 'budget'"),
        ({"steps": 0}, "steps=0 is out of its range"),
        ({"budget_seconds": 0}, "budget_seconds=0 is out of its range"),
        ({"limit": "much"}, "'much' is no size"),
    ],
)
def test_an_option_out_of_its_range_is_refused(options: Options, said: str) -> None:
    with pytest.raises(LeakbenchError, match=said):
        leakbench.check("json:dumps", **options)


@pytest.mark.slow
def test_a_script_checks_its_own_functions(tmp_path: Path) -> None:
    script = """
        import leakbench

        KEPT = []

        def leaks(i):
            KEPT.append([i])

        def mended(i):
            KEPT.append([i])
            KEPT.clear()

        if __name__ == "__main__":
            for step in (leaks, mended, "script.py::leaks"):
                verdict = leakbench.check(step, steps=100_000, only_verdict=True)
                print(verdict.verdict, verdict.leaks)
    """
    assert run_script(tmp_path, script).stdout.split("\n") == ["leak True", "steady False", "leak True", ""]


def test_a_script_without_a_guard_is_told_to_have_one(tmp_path: Path) -> None:
    """Its measured process would import it, and check, and so on for ever."""
    script = """
        import leakbench

        def step():
            pass

        leakbench.check(step)
    """
    run = run_script(tmp_path, script)
    assert run.returncode == 1
    assert 'put the call under `if __name__ == "__main__":`' in run.stderr


def run_script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(dedent(text))
    return subprocess.run(
        [sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_of_two_known_leaks_the_later_day_counts() -> None:
    known = parse(["tests/* until 2027-01-31: all", "", "tests/test_a.py::test_b[1] until 2027-02-28: one"])
    one, other = find(known, "tests/test_a.py::test_b[1]"), find(known, "tests/test_c.py::test_d")
    assert one is not None
    assert other is not None
    assert (one.reason, other.reason) == ("one", "all")
    assert find(known, "test_a.py::test_b[1]") is None


def test_a_known_leak_is_known_on_its_last_day_and_no_longer() -> None:
    (known,) = parse(["x until 2027-01-31: y"])
    day = known.until
    assert not known.has_expired(day)
    assert known.has_expired(day.replace(month=2, day=1))
