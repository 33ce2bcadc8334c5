"""Prometheus's own page as a picture, by a headless Chromium."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from leakbench.monitor.errors import MonitorError

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
_LOAD_MS = 10_000  # of the page's own clock: its graphs are drawn by then
_TIMEOUT_SECONDS = 60


def browser_binary() -> str:
    """Its path; raises MonitorError where none is installed."""
    browser = next(filter(None, map(shutil.which, _NAMES)), None)
    if browser is None:
        raise MonitorError("no chromium on PATH, which --picture needs: on Debian, apt-get install chromium")
    return browser


def take_picture(prometheus_url: str, file: Path, *, width: int = 1200, height: int = 1540) -> None:
    """Save Prometheus's graph page of entries and alerts to `file`; raises MonitorError where it cannot."""
    browser = browser_binary()
    graphs = ("leakbench_map_entries", 'ALERTS{alertstate="firing"}')
    page: dict[str, str] = {}
    for number, query in enumerate(graphs):
        page |= {f"g{number}.expr": query, f"g{number}.tab": "0", f"g{number}.range_input": "2m"}
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            *_QUIET,
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            f"--virtual-time-budget={_LOAD_MS}",
            f"--screenshot={file.resolve()}",
            f"{prometheus_url}/graph?{urlencode(page)}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    if done.returncode != 0 or not file.exists():
        raise MonitorError(f"{browser} took no picture (exit status {done.returncode}): {done.stderr[-500:]}")
