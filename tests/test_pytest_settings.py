"""What a project may configure of the pytest plugin: known leaks, what an inconclusive check becomes."""

from pathlib import Path

import pytest

from tests.pytest_runs import Run, run_pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KNOWN = """
    import pytest

    kept = []
    quick = pytest.mark.leakcheck(steps=100_000, only_verdict=True)

    @quick
    @pytest.mark.parametrize("name", ["a"])
    def test_known(name, i):
        kept.append([i])

    @quick
    def test_expired(i):
        kept.append([i])

    @quick
    def test_mended():
        pass
"""
KNOWN_INI = """
    [pytest]
    leakcheck_known =
        test_known.py::test_known[a] until 2999-12-31: the pool keeps what it closed, see #12
        test_known.py::test_exp* until 2020-02-29: we hoped to be quicker
        *::test_mended until 2999-12-31: long ago
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Run:
    files = {"test_known.py": KNOWN, "pytest.ini": KNOWN_INI}
    return run_pytest(tmp_path_factory.mktemp("known"), files, "-o", "xfail_strict=true")


def test_a_known_leak_is_an_expected_failure_with_its_reason(known: Run) -> None:
    assert known["test_known[a]"].outcome == "xfailed"
    assert "known until 2999-12-31: the pool keeps what it closed, see #12" in known["test_known[a]"].message
    assert known["test_known[a]"].properties["leak_verdict"] == "leak"


def test_a_known_leak_fails_again_after_its_day(known: Run) -> None:
    assert known["test_expired"].outcome == "failed"
    assert "known until 2020-02-29, and not mended: we hoped to be quicker" in known["test_expired"].message


def test_a_known_leak_that_leaks_no_more_fails_where_xfail_is_strict(known: Run) -> None:
    assert known["test_mended"].outcome == "failed"
    assert "take '*::test_mended' out of leakcheck_known" in known["test_mended"].message


@pytest.mark.parametrize(("chosen", "outcome"), [("fail", "failed"), ("skip", "skipped"), ("pass", "passed")])
def test_what_becomes_of_an_inconclusive_check_is_configured(
    tmp_path: Path, chosen: str, outcome: str
) -> None:
    text = "kept = []\ndef test_few(leak_check):\n    leak_check(kept.append, steps=8)\n"
    run = run_pytest(tmp_path, {"test_few.py": text}, "-o", f"leakcheck_inconclusive={chosen}")
    assert run["test_few"].outcome == outcome
    assert run["test_few"].properties["leak_verdict"] == "inconclusive"
    assert ("decide by  steps=" in run["test_few"].message) == (outcome != "passed")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("leakcheck_known=test_a.py until soon: why", "'soon' in 'test_a.py until soon: why' is no date"),
        ("leakcheck_known=test_a.py until 2999-02-30: why", "'2999-02-30' in "),
        ("leakcheck_known=test_a.py until 2999-12-31", "is no known leak: write 'tests/"),
        ("leakcheck_inconclusive=maybe", "leakcheck_inconclusive = 'maybe': write fail, skip, pass"),
    ],
)
def test_a_malformed_setting_is_a_usage_error(tmp_path: Path, setting: str, said: str) -> None:
    run = run_pytest(tmp_path, {"test_a.py": "def test_a(): pass"}, "-o", setting)
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert said in run.output


def test_the_marker_says_that_it_does_not_reach_into_a_test_case(tmp_path: Path) -> None:
    text = """
        import unittest
        import pytest

        class TestOld(unittest.TestCase):
            @pytest.mark.leakcheck
            def test_old(self):
                pass
    """
    run = run_pytest(tmp_path, {"test_old.py": text})
    assert "does not reach into a unittest.TestCase: make the test a function" in run["test_old"].message
