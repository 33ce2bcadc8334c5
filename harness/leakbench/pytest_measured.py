"""The measured side of the pytest plugin: a pytest that runs one test to its step, and becomes that step.

It collects and sets up the test as any other run does, so that closures and fixtures are there, then obeys
its parent as `leakbench.child.main` would. No report is written at its end: those are the parent's.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from leakbench.child import check, target
from leakbench.child.channel import Channel
from leakbench.child.main import describe
from leakbench.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

_OWN_FIXTURES = frozenset({"leak_check", "request", "i"})


class Measured:
    """The plugin that makes this pytest a measured process."""

    def __init__(self) -> None:
        self._channel = Channel.from_environ()
        self._job = self._channel.order()
        self._earlier = [Verdict(*fields) for fields in self._job["earlier"]]
        self._reached = False
        self._error: BaseException | None = None
        self._complaint = f"pytest finds no test {self._job['target']}"

    def earlier(self) -> Verdict | None:
        """What the parent already knows of the next step, where the test checks several."""
        return self._earlier.pop(0) if self._earlier else None

    def become(self, step: Callable[..., Any], item: pytest.Function) -> NoReturn:
        """Obey the parent until it has no more to order; then end the session."""
        self._reached = True
        _forget_what_passes(item)
        _part_from_pytest()
        try:
            runner = target.Runner()
            run, close = target.make_step(step, item.nodeid, self._job["request"], runner)
        except target.UnusableError as error:
            self._refuse(str(error))
        else:
            subject = target.Target(run, close, item.module, runner)
            subject.roots["fixture"] = item.funcargs
            subject.has_teardown = bool(set(item.fixturenames) - _OWN_FIXTURES)
            try:
                check.obey(self._job, self._channel, subject)
            except BaseException as error:  # noqa: BLE001  # whatever a step raises is the parent's to tell
                self._error = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
        pytest.exit("measured", returncode=0)

    def _refuse(self, reason: str, trace: str = "") -> None:
        self._channel.emit("unusable", reason=reason, traceback=trace.splitlines())

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take over what the parent was told on its command line for the conftest files."""
        config.option.basetemp = f"{self._job['scratch']}/{os.getpid()}"
        for name in vars(config.option).keys() - vars(config.known_args_namespace).keys():
            if name in self._job["options"]:
                setattr(config.option, name, self._job["options"][name])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if not report.passed:
            self._complaint = _reason(report)

    def pytest_runtest_logstart(self) -> None:
        self._complaint = "the test ended before it came to its step"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self._complaint = _reason(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tear the fixtures down and go: nothing of this session is to be reported or remembered."""
        try:
            if not self._reached:
                self._refuse("the test did not come to its step in a process of its own:", self._complaint)
            session._setupstate.teardown_exact(None)  # noqa: SLF001  # what pytest's runner does here
        except BaseException as error:  # noqa: BLE001  # as above
            self._error = self._error or error
        self._end()

    def _end(self) -> NoReturn:
        try:
            if self._error is None:
                self._channel.emit("done")
            else:
                self._channel.emit("raised", **describe(self._error, self._job))
        finally:
            os._exit(0 if self._error is None else 1)


def _reason(report: pytest.CollectReport | pytest.TestReport) -> str:
    """Why a test did not pass, also where it was skipped, which pytest tells by path, line and reason."""
    if isinstance(report.longrepr, tuple):
        return ":".join(map(str, report.longrepr))
    return report.longreprtext


def _forget_what_passes(item: pytest.Function) -> None:
    """Keep pytest from keeping: it gathers a test's log records and warnings, one a step for all it knows."""
    root = logging.getLogger()
    if "caplog" not in item.fixturenames:
        for handler in list(root.handlers):
            if type(handler).__module__ == "_pytest.logging":
                root.removeHandler(handler)
    if "recwarn" not in item.fixturenames:
        warnings.showwarning = lambda *_: None


def _part_from_pytest() -> None:
    """Cut the way from test modules through their loader to all of pytest: no holder is named by it."""
    for finder in list(sys.meta_path):
        if type(finder).__module__ == "_pytest.assertion.rewrite":
            sys.meta_path.remove(finder)
            vars(finder).clear()
