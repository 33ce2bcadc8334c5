"""The pytest plugin, as a person's own suite sees it: real runs, read from the JUnit report that CI gets."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.pytest_runs import Run, run_pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SERVICE = """
    SESSIONS = {}

    def login(i):
        SESSIONS[i] = [i]

    def logout(i):
        SESSIONS[i] = [i]
        del SESSIONS[i]
"""

CONFTEST = """
    import os
    import pytest

    HERE = os.path.dirname(__file__)

    def pytest_addoption(parser):
        parser.addoption("--tenant", default="none")

    @pytest.fixture
    def box(request, tmp_path):
        yield []
        with open(os.path.join(HERE, f"torn-{request.node.name}"), "a") as torn:
            torn.write("x")
"""

SUITE = """
    import asyncio
    import itertools
    import logging
    import os
    import threading
    import warnings

    import pytest
    import service

    quick = pytest.mark.leakcheck(steps=100_000, only_verdict=True)
    QUICK = quick.kwargs
    full = pytest.mark.leakcheck(steps=100_000)
    MEASURED = "PYTHONMALLOC" in os.environ

    # Each leak beside its mended twin.

    def test_login(leak_check):
        leak_check(service.login, steps=100_000)

    def test_logout(leak_check):
        leak_check(service.logout, steps=100_000)

    def test_closure(leak_check):
        kept = []
        leak_check(lambda i: kept.append([i]), steps=100_000)

    def test_closure_mended(leak_check):
        kept = []
        leak_check(lambda i: kept.append([i]) or kept.clear(), **QUICK)

    @full
    @pytest.mark.parametrize("name", ["a", "b[1]"])
    def test_marked(name, box, i):
        box.append((name, [i]))

    @quick
    def test_marked_mended(box, i):
        box.append([i])
        box.pop()

    class TestSession:
        kept = []

        @full
        def test_method(self):
            self.kept.append([1])

        @quick
        def test_method_mended(self, i):
            self.kept.append([1])
            self.kept.clear()

    @pytest.mark.leakcheck(only_verdict=True)  # its 16 bytes of noise may fall on a last rung
    async def test_async_mended(box, i):
        await asyncio.sleep(0)

    def test_generator(leak_check):
        kept = []

        def step(i):
            yield i
            kept.append([i])

        leak_check(step, **QUICK)

    # What must have no say.

    def test_nothing_reads_exactly_zero(leak_check):
        grows, stop = [], threading.Event()

        def grow():
            while not stop.wait(0.0001):
                grows.append(bytearray(100_000))

        thread = threading.Thread(target=grow)
        if not MEASURED:
            thread.start()
        verdict = leak_check(lambda: None)
        stop.set()
        thread.join()
        assert (verdict.verdict, verdict.leak_bytes_per_op, verdict.interval) == ("steady", 0.0, (0.0, 0.0))

    def test_noise(leak_check, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)

        def step(i):
            print("printed", i)
            os.write(1, b"written")
            logging.getLogger("suite").warning("logged")
            warnings.warn("warned", DeprecationWarning)

        leak_check(step, **QUICK)

    def test_options(request, leak_check):
        assert request.config.getoption("tenant") == "acme"
        leak_check(lambda: None, **QUICK)

    def test_several(leak_check):
        first = leak_check(lambda: None, **QUICK)
        assert first.verdict == "steady"
        leak_check([].append, **QUICK)

    # What goes wrong.

    def test_raises(leak_check):
        numbers = itertools.count()

        def step():
            assert next(numbers) != 17, "seventeen"

        leak_check(step)

    @pytest.mark.leakcheck
    def test_dies():
        os._exit(5)

    def test_number(leak_check):
        leak_check(3)

    def test_two_arguments(leak_check):
        leak_check(lambda request, response: None)

    def test_misspelt(leak_check):
        leak_check(service.logout, budget=3)

    def test_elsewhere(leak_check):
        if MEASURED:
            pytest.skip("not in a child")
        leak_check(service.logout)
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The whole suite in one run, on two of xdist's workers, with an option of its own conftest's."""
    files = {"service.py": SERVICE, "conftest.py": CONFTEST, "test_suite.py": SUITE}
    ini = "[pytest]\naddopts = -n 2 --dist=worksteal --strict-markers\npythonpath = .\n"
    return run_pytest(tmp_path_factory.mktemp("suite"), {**files, "pytest.ini": ini}, "--tenant=acme")


@pytest.mark.parametrize(
    "name", ["login", "closure", "marked[a]", "marked[b[1]]", "method", "generator", "several"]
)
def test_a_step_that_leaks_fails(suite: Run, name: str) -> None:
    case = suite[f"test_{name}"]
    assert case.outcome == "failed", suite.output
    assert "leak: live memory grows without bound" in case.message
    assert case.properties["leak_verdict"] == "leak" or name == "several"  # whose first step is steady


@pytest.mark.parametrize(
    "name",
    [
        *("logout", "closure_mended", "marked_mended", "method_mended", "async_mended"),
        *("nothing_reads_exactly_zero", "noise", "options"),
    ],
)
def test_a_step_that_does_not_leak_passes(suite: Run, name: str) -> None:
    case = suite[f"test_{name}"]
    assert case.outcome == "passed", case.message
    assert float(case.properties["leak_bytes_per_op"]) == 0


def test_a_failure_says_how_fast_where_who_holds_it_and_how_to_see_it_again(suite: Run) -> None:
    _, message, properties = suite["test_login"]
    line = 1 + dedent(SERVICE).splitlines().index("    SESSIONS[i] = [i]")
    assert f"allocated  {suite.folder / 'service.py'}:{line} in login" in message
    assert "held by    service.SESSIONS (dict, " in message
    assert "because    heap: +" in message
    assert "again by   python -m pytest test_suite.py::test_login" in message
    assert "leakbench check service.py::login" in message
    assert " B/op (between " in message
    assert float(properties["leak_bytes_per_op"]) > 56  # a list of one, without its entry in the dict
    assert properties["leak_holder"] == "service.SESSIONS"
    assert properties["leak_site"] == f"{suite.folder / 'service.py'}:{line}"


def test_the_line_that_runs_it_again_does_so_from_where_pytest_was_started(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    leaky = """
        KEPT = []

        def test_it(leak_check):
            leak_check(lambda i: KEPT.append([i]), steps=4096)
    """
    run = run_pytest(folder, {"test_leaky.py": leaky}, "--rootdir", str(tmp_path))
    assert "again by   python -m pytest test_leaky.py::test_it" in run["test_it"].message


def test_no_check_is_offered_that_lacks_what_pytest_alone_has_on_its_path(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "sessions.py").write_text("KEPT = []\n", encoding="utf-8")
    marked = """
        import pytest
        import sessions

        @pytest.mark.leakcheck(steps=4096)
        def test_it(i):
            sessions.KEPT.append([i])
    """
    files = {"pytest.ini": "[pytest]\npythonpath = src\n", "test_leaky.py": marked}
    message = run_pytest(tmp_path, files)["test_it"].message
    assert "again by   python -m pytest test_leaky.py::test_it" in message
    assert "leakbench check" not in message


def test_the_holder_is_named_as_the_test_names_it(suite: Run) -> None:
    assert suite["test_marked[a]"].properties["leak_holder"] == "fixture.box"
    assert suite["test_method"].properties["leak_holder"] == "test_suite.TestSession.kept"
    assert "local 'kept' of test_closure()" in suite["test_closure"].properties["leak_holder"]


def test_fixtures_are_torn_down_in_the_measured_processes_too(suite: Run) -> None:
    """Of a steady step there is one such process at least, beside the test's own."""
    assert len((suite.folder / "torn-test_marked_mended").read_text()) >= 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "test_suite.py::test_raises at step 17: AssertionError: seventeen"),
        ("dies", "exited with status 5 before it was done"),
        ("number", "leak_check takes a step to call; 3 is not callable"),
        ("two_arguments", "wants 2 arguments (request, response)"),
        ("misspelt", "no option 'budget'; there are budget_seconds, steps, limit"),
        ("elsewhere", "Skipped: not in a child"),
    ],
)
def test_a_step_that_cannot_be_measured_fails_and_says_why(suite: Run, name: str, said: str) -> None:
    case = suite[f"test_{name}"]
    assert case.outcome == "failed"
    assert said in case.message
    assert "leakbench/" not in case.message  # none of our own frames
