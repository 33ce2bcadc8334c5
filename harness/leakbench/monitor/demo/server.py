"""A real Prometheus, on a loopback port, with a configuration and a database that go with it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import urlopen

from leakbench.monitor.errors import MonitorError
from leakbench.monitor.rules import prometheus_duration, write_rules

if TYPE_CHECKING:
    from pathlib import Path

_STOP_SECONDS = 10
_ASK_SECONDS = 10
_LISTENING = re.compile(r'msg="Listening on" address=\S*:(\d+)')
_READY = "Server is ready to receive web requests"


class Prometheus(NamedTuple):
    """A Prometheus that is up; stop() ends it."""

    url: str
    process: subprocess.Popen[str]
    drain: threading.Thread

    def firing(self) -> list[dict[str, str]]:
        """Labels of each alert that fires now."""
        alerts = self._ask("alerts", {})["alerts"]
        return [alert["labels"] for alert in alerts if alert["state"] == "firing"]

    def values(self, query: str, label: str) -> dict[str, float]:
        """What an instant query says, keyed by a label of the series."""
        rows = self._ask("query", {"query": query})["result"]
        return {row["metric"].get(label, ""): float(row["value"][1]) for row in rows}

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.drain.join()
        if self.process.stderr is not None:
            self.process.stderr.close()

    def _ask(self, what: str, arguments: dict[str, str]) -> dict[str, Any]:
        address = f"{self.url}/api/v1/{what}?{urlencode(arguments)}"
        with urlopen(address, timeout=_ASK_SECONDS) as answer:  # noqa: S310 - http, and our own server
            data: dict[str, Any] = json.load(answer)["data"]
        return data


def prometheus_binary() -> str:
    """Its path; raises MonitorError where it is not installed."""
    found = shutil.which("prometheus")
    if found is None:
        raise MonitorError(
            "no prometheus on PATH: on Debian and Ubuntu, apt-get install prometheus; elsewhere put the "
            "released binary on PATH"
        )
    return found


def start_prometheus(folder: Path, services: dict[str, int], *, pace: float, port: int) -> Prometheus:
    """Scrape the services (name: port) by rules whose durations, and a minute's rest, are divided by `pace`.

    `folder` is for the configuration and the database. Port 0 takes a free one. Raises MonitorError where
    Prometheus does not come up, with what it says.
    """
    binary = prometheus_binary()
    rules = write_rules(folder, 1 / pace)
    config = folder / "prometheus.json"  # JSON is YAML
    config.write_text(json.dumps(_configuration(services, rules, 60 / pace)), encoding="utf-8")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "leakbench.monitor.demo.leash", binary),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the demonstration, which then ends its children in order
    )
    assert process.stderr is not None  # noqa: S101 - asked for above
    bound_port = _port_once_ready(process.stderr)
    if bound_port is None:
        process.communicate()
        in_use = f"port {port} on 127.0.0.1 is in use or not to be had: choose another, or 0 for a free one"
        raise MonitorError(in_use if port else f"Prometheus ended with status {process.returncode}")
    # Its log must be read on, or it would wait for room in the pipe.
    drain = threading.Thread(target=process.stderr.read, daemon=True)
    drain.start()
    return Prometheus(f"http://127.0.0.1:{bound_port}", process, drain)


def _configuration(services: dict[str, int], rules: list[Path], interval_seconds: float) -> dict[str, Any]:
    targets = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": name}} for name, port in services.items()
    ]
    interval = prometheus_duration(interval_seconds)
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [{"job_name": "demo", "static_configs": targets}],
    }


def _port_once_ready(log: IO[str]) -> int | None:
    """The port that it says it listens on, as soon as it answers; None where it ends before."""
    port = None
    for line in log:
        if found := _LISTENING.search(line):
            port = int(found[1])
        if _READY in line:
            return port
    return None
