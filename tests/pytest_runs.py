"""Runs a suite of its own under pytest, and reads what CI would: JUnit's report and the exit status."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple


class Case(NamedTuple):
    """One test of a run: "passed", "failed", "skipped" or "xfailed", with what it says."""

    outcome: str
    message: str
    properties: dict[str, str]


@dataclass(frozen=True)
class Run:
    """A finished run, its tests by name."""

    cases: dict[str, Case]
    status: int
    output: str
    folder: Path

    def __getitem__(self, name: str) -> Case:
        return self.cases[name]


def run_pytest(folder: Path, files: dict[str, str], *arguments: str) -> Run:
    """Write a suite of its own and run it, as CI would: no terminal, a report to be read by a machine."""
    for name, text in files.items():
        (folder / name).write_text(dedent(text))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    report = folder / "junit.xml"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments],
        cwd=folder,
        env={**environ, "CI": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    cases = ET.parse(report).iter("testcase") if report.exists() else ()  # noqa: S314  # pytest's own report
    return Run(
        {str(case.get("name")): read_case(case) for case in cases},
        done.returncode,
        done.stdout + done.stderr,
        folder,
    )


def read_case(case: ET.Element) -> Case:
    properties = {str(each.get("name")): str(each.get("value")) for each in case.iter("property")}
    for tag, outcome in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        found = case.find(tag)
        if found is not None:
            expected = found.get("type") == "pytest.xfail"
            message = f"{found.get('message')}\n{found.text}"
            return Case("xfailed" if expected else outcome, message, properties)
    return Case("passed", "", properties)
