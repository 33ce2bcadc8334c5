"""The services of the demonstration, as processes that end with this one, however it ends."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

from leakbench.monitor.errors import MonitorError


class Service(NamedTuple):
    """A running service on a free port of the loopback."""

    name: str
    port: int
    process: subprocess.Popen[str]

    def stop(self) -> None:
        """Close its standard input, which tells it to end, and wait for it."""
        self.process.communicate()


def start_service(mitigation: str, life_seconds: float) -> Service:
    process = subprocess.Popen(
        [sys.executable, "-m", "leakbench.monitor.demo.service", mitigation, str(life_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the demonstration, which then ends its children in order
    )
    assert process.stdout is not None  # noqa: S101 - asked for above
    said = process.stdout.readline().strip()
    if not said.isdigit():
        process.communicate()
        raise MonitorError(f"the service {mitigation} did not start (exit status {process.returncode})")
    return Service(mitigation, int(said), process)
