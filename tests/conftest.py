"""What holds for every test: Ctrl-C reaches what it starts, and where CI is set what does not run has failed.

A skip hides what a machine lacks, and a green run then says less than it seems to. So wherever the
environment variable CI is set (as .ci/run does), every skip, of a test or of a whole module, is a failure
that carries its reason. The exception is a reason that begins with "platform:" ("platform: macOS has no
/proc"): what the operating system, the architecture or the interpreter rules out, no installation mends.
"""

import os
import signal
from collections.abc import Generator

import pytest

# A shell's job in the background ignores SIGINT, one under nohup SIGHUP, and what is started there inherits
# that: a test that sends one would wait for ever.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

_ALLOWED = "Skipped: platform:"


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure; an expected failure (xfail), which pytest also counts as skipped, stays."""
    if not report.skipped or hasattr(report, "wasxfail") or not os.environ.get("CI"):
        return
    assert isinstance(report.longrepr, tuple), "pytest describes a skip by path, line and reason"
    path, line, reason = report.longrepr
    if not reason.startswith(_ALLOWED):
        report.outcome = "failed"
        report.longrepr = f"{path}:{line}: where CI is set nothing may be skipped. {reason}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid_skip(report)
    return report
