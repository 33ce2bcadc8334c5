"""The pytest plugin: a test whose step leaks fails, and says what keeps growing and who holds it.

Loaded by every pytest of an environment that leakbench is installed in, so it imports next to nothing
before a test asks for it. Each measured process is a pytest of its own that runs this one test up to its
step (`leakbench.pytest_measured`): the order of tests, other threads and what earlier tests left behind
have no say in a verdict.
"""

from __future__ import annotations

import gc
import inspect
import os
import shlex
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Unpack

import pytest

from leakbench.child.channel import PIPES_VARIABLE
from leakbench.errors import LeakbenchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakbench.checking import Launch
    from leakbench.known_leaks import KnownLeak
    from leakbench.pytest_measured import Measured
    from leakbench.scripting import Options
    from leakbench.verdict import Verdict

_MARK = "leakcheck"
_STEP_NUMBER = "i"
_KNOWN: pytest.StashKey[tuple[KnownLeak, ...]] = pytest.StashKey()
_MEASURED: pytest.StashKey[Measured] = pytest.StashKey()
_INCONCLUSIVE = ("fail", "skip", "pass")
_LITERALS = (bool, int, float, str, type(None))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "leakcheck_known",
        "tests that may leak until a day: 'NODEID-PATTERN until YYYY-MM-DD: REASON', one a line",
        type="linelist",
    )
    parser.addini(
        "leakcheck_inconclusive",
        f"what becomes of a test whose leak check is inconclusive: {', '.join(_INCONCLUSIVE)}",
        default="fail",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Before anything of the person's own is imported: pytest's 50,000 objects are 20 ms a collection."""
    if PIPES_VARIABLE in os.environ:
        from leakbench.child.caches import freeze, watch_moka

        gc.collect()
        freeze()
        watch_moka()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{_MARK}(budget_seconds=5.0, steps=None, limit=None, only_verdict=False,"
        " growth_cap=None, memory_cap=None, request=None, deadline_seconds=20.0): the test function"
        f" is a step, called as f({_STEP_NUMBER}) or f() over and over in a process of its own; it"
        " fails where it leaks",
    )
    config.stash[_KNOWN] = _known(config)
    if config.getini("leakcheck_inconclusive") not in _INCONCLUSIVE:
        chosen = config.getini("leakcheck_inconclusive")
        raise pytest.UsageError(f"leakcheck_inconclusive = {chosen!r}: write {', '.join(_INCONCLUSIVE)}")
    if PIPES_VARIABLE in os.environ:
        from leakbench.pytest_measured import Measured

        config.stash[_MEASURED] = measured = Measured()
        config.pluginmanager.register(measured, "leakbench-measured")


def _known(config: pytest.Config) -> tuple[KnownLeak, ...]:
    entries = config.getini("leakcheck_known")
    if not entries:
        return ()
    from leakbench import known_leaks

    try:
        return known_leaks.parse(entries)
    except LeakbenchError as error:
        raise pytest.UsageError(f"leakcheck_known: {error}") from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Keep pytest from looking for a fixture that gives the step's number."""
    if metafunc.definition.get_closest_marker(_MARK) and _STEP_NUMBER in metafunc.fixturenames:
        metafunc.parametrize(_STEP_NUMBER, [0], ids=[pytest.HIDDEN_PARAM])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker(_MARK) and hasattr(getattr(item, "cls", None), "assertEqual"):
        pytest.fail(
            f"@pytest.mark.{_MARK} does not reach into a unittest.TestCase: make the test a function",
            pytrace=False,
        )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Under the marker the test function is not called here: it is the step."""
    marker = pyfuncitem.get_closest_marker(_MARK)
    if marker is None:
        return None
    if marker.args:
        pytest.fail(f"@pytest.mark.{_MARK} takes its options by name", pytrace=False)
    LeakCheck(pyfuncitem)(_step_of(pyfuncitem), **marker.kwargs)
    return True


@pytest.fixture
def leak_check(request: pytest.FixtureRequest) -> LeakCheck:
    """Check a step for leaks: `leak_check(step)` fails the test where it leaks, and returns the verdict."""
    return LeakCheck(request.node)


class LeakCheck:
    """Checks steps on behalf of one test."""

    def __init__(self, item: pytest.Function) -> None:
        self._item = item
        self._earlier: list[Verdict] = []

    def __call__(self, step: Callable[..., Any], **options: Unpack[Options]) -> Verdict:
        """Call `step(i)`, or `step()`, over and over in processes of its own; fail the test where it leaks.

        The options are those of `leakbench.check`: budget_seconds, steps, limit, only_verdict, growth_cap,
        memory_cap, request, deadline_seconds.
        """
        __tracebackhide__ = True
        if not callable(step):
            pytest.fail(f"leak_check takes a step to call; {step!r} is not callable", pytrace=False)
        measured = self._item.config.stash.get(_MEASURED, None)
        if measured is not None:
            return measured.earlier() or measured.become(step, self._item)
        verdict = self._examine(options)
        if isinstance(verdict, LeakbenchError):
            pytest.fail(str(verdict), pytrace=False)
        self._earlier.append(verdict)
        self._item.user_properties += _properties(verdict)
        _settle(verdict, self._item, step)
        return verdict

    def _examine(self, options: Options) -> Verdict | LeakbenchError:
        from leakbench.checking import examine
        from leakbench.scripting import make_wish

        with tempfile.TemporaryDirectory(prefix="leakbench-") as scratch:
            try:
                return examine(make_wish(self._item.nodeid, self._launch(scratch), **options))
            except LeakbenchError as error:  # as a value: raised, it would be shown beside pytest's own
                return error

    def _launch(self, scratch: str) -> Launch:
        from leakbench.checking import Launch

        config = self._item.config
        job = {
            "scratch": scratch,
            "earlier": tuple(tuple(verdict) for verdict in self._earlier),
            "options": {
                name: value for name, value in vars(config.option).items() if type(value) in _LITERALS
            },
        }
        return Launch(_arguments(self._item), job, str(config.invocation_params.dir))


def _step_of(item: pytest.Function) -> Callable[..., Any]:
    """The test function with its fixtures given, taking the step's number where it asks for one."""
    function: Callable[..., Any] = item.obj
    wanted = inspect.signature(function).parameters
    given = {name: item.funcargs[name] for name in wanted if name in item.funcargs and name != _STEP_NUMBER}
    if not given:
        return function
    takes_number = _STEP_NUMBER in wanted
    if inspect.iscoroutinefunction(function):

        async def call(i: int) -> None:
            await (function(**given, i=i) if takes_number else function(**given))

        return call
    if takes_number:
        return lambda i: function(**given, i=i)
    return lambda: function(**given)


def _arguments(item: pytest.Function) -> tuple[str, ...]:
    """The command line that runs this test alone, found and configured as it was here."""
    config, option = item.config, item.config.option
    arguments = ["-m", "pytest", _location(item), "--capture=no", "-k", "", "-m", ""]
    arguments += [f"--rootdir={config.rootpath}", f"--import-mode={option.importmode}"]
    if config.inipath is not None:
        arguments += ["-c", str(config.inipath)]
    if option.confcutdir is not None:
        arguments += ["--confcutdir", option.confcutdir]
    for flag, values in (("-p", option.plugins), ("-o", option.override_ini), ("-W", option.pythonwarnings)):
        for value in values or ():
            if value != "no:terminal":  # xdist's workers have none; without it, addopts may not be read
                arguments += [flag, value]
    if config.pluginmanager.hasplugin("xdist"):
        arguments.append("-n0")
    if config.pluginmanager.hasplugin("pytest_cov"):
        arguments.append("--no-cov")
    return tuple(arguments)


def _location(item: pytest.Function) -> str:
    return "::".join([str(item.path), *item.nodeid.split("::")[1:]])


def _properties(verdict: Verdict) -> list[tuple[str, object]]:
    """What JUnit's report shows of a verdict."""
    site, holder = verdict.site, verdict.holder
    return [
        ("leak_verdict", verdict.verdict),
        ("leak_bytes_per_op", verdict.leak_bytes_per_op),
        ("leak_ops", verdict.ops),
        ("leak_holder", holder["path"] or holder["type"] if holder else ""),
        ("leak_site", f"{site['file']}:{site['line']}" if site else ""),
        ("leak_evidence", verdict.evidence),
    ]


def _settle(verdict: Verdict, item: pytest.Function, step: Callable[..., Any]) -> None:
    """Pass, or end the test: as failed, as skipped, or as the failure that was expected."""
    from leakbench import known_leaks

    __tracebackhide__ = True
    listed = item.config.stash[_KNOWN]
    known = known_leaks.find(listed, item.nodeid)
    doubtful = verdict.verdict == "inconclusive"
    if not verdict.leaks and not doubtful:
        if known is not None and item.config.getini("xfail_strict"):
            pytest.fail(f"leaks no more: take {known.tests!r} out of leakcheck_known", pytrace=False)
        return
    message = _message(verdict, item, step)
    if known is not None:
        from datetime import UTC, datetime

        if not known.has_expired(datetime.now(UTC).date()):
            pytest.xfail(f"{verdict.verdict}, known until {known.until}: {known.reason}")
        message = f"known until {known.until}, and not mended: {known.reason}\n{message}"
    policy = item.config.getini("leakcheck_inconclusive") if doubtful else "fail"
    if policy == "skip":
        pytest.skip(message)
    elif policy == "fail":
        pytest.fail(message, pytrace=False)


def _message(verdict: Verdict, item: pytest.Function, step: Callable[..., Any]) -> str:
    from leakbench import wording

    lines = wording.details(verdict)
    lines.append(f"{verdict.ops:,} operations in {verdict.seconds:.2f} s")
    if verdict.wanted_ops is not None:
        lines.append(f"decide by  steps={verdict.wanted_ops}, or a larger budget_seconds")
    path = os.path.relpath(item.path, item.config.invocation_params.dir)
    again = path + item.nodeid[item.nodeid.index("::") :]
    lines.append(f"again by   python -m pytest {shlex.quote(again)}")
    from pathlib import Path

    target = _address(step)
    folders = {Path(os.path.relpath(folder)) for folder in item.config.getini("pythonpath")}
    if target is not None and folders - {Path(target).parent}:
        target = None  # it may want what is on pytest's own path alone
    if target is not None:
        lines.append(f"           leakbench check {shlex.quote(target)}")
    return "\n  ".join([wording.headline(verdict), *lines])


def _address(step: Callable[..., Any]) -> str | None:
    """The step as `leakbench check` finds it, where it can without pytest."""
    from leakbench.scripting import address

    try:
        module, _, name = address(step).partition(":")
    except LeakbenchError:
        return None
    file = getattr(sys.modules.get(module), "__file__", None)
    return f"{os.path.relpath(file)}::{name}" if file else None
