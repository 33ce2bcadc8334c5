"""``python -m leakbench.monitor.demo``: watch an alert rise for a leak, and stay silent for the mended twin.

Two services with the same session map and the same load, one that never removes a session and one that
does; a real Prometheus scrapes both by this package's rules. A minute of theirs is a second here. Ends
by itself when the leak is told from the mended one, at the latest after --seconds; Ctrl-C ends it sooner.
Exit status: 0 told apart, 1 not, 2 something is missing.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from leakbench.monitor.demo.children import start_service
from leakbench.monitor.demo.load import Load
from leakbench.monitor.demo.picture import browser_binary, take_picture
from leakbench.monitor.demo.server import Prometheus, prometheus_binary, start_prometheus
from leakbench.monitor.demo.sessions import MITIGATIONS
from leakbench.monitor.errors import MonitorError

PACE = 60.0  # times faster than the rules as they are: an hour is a minute
PACE_MIN, PACE_MAX = 1, 240  # four scrapes a second are no load yet
LIFE_MINUTES = 6  # of a session, in the rules' time
PAUSE_SECONDS = 0.02  # between two people: 50 logins a second
LOOK_SECONDS = 5.0


class Told(NamedTuple):
    """Which services alerts fired for, and when the first did."""

    accused: frozenset[str]
    seconds: float | None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m leakbench.monitor.demo", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="give up after (default: 120)")
    parser.add_argument(
        "--pace", type=_pace, default=PACE, help=f"times faster than in production (default: {PACE:.0f})"
    )
    parser.add_argument("--port", type=int, default=0, help="of Prometheus (default: a free one)")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE.png", help="save Prometheus's own page (chromium)"
    )
    parser.add_argument("--stay", action="store_true", help="go on until Ctrl-C")
    asked = parser.parse_args(arguments)
    try:
        prometheus_binary()
        if asked.picture is not None:
            browser_binary()  # said now, and not after a minute and a half
        with ExitStack() as ends, tempfile.TemporaryDirectory(prefix="leakbench-demo-") as folder:
            prometheus = _start(ends, Path(folder), asked.pace, asked.port)
            told = _watch(prometheus, asked.seconds, stay=asked.stay)
            if asked.picture is not None:
                take_picture(prometheus.url, asked.picture)
                _say(f"picture: {asked.picture}")
    except MonitorError as error:
        sys.stderr.write(f"monitor-demo: {error}\n")
        return 2
    except KeyboardInterrupt:
        _say("ended before its time")
        return 130
    return _judge(told)


def _pace(text: str) -> float:
    pace = float(text)
    if not PACE_MIN <= pace <= PACE_MAX:
        raise argparse.ArgumentTypeError(f"{text} is not between {PACE_MIN} and {PACE_MAX}")
    return pace


def _start(ends: ExitStack, folder: Path, pace: float, port: int) -> Prometheus:
    """Services, Prometheus and load, each with its end on the stack, so that all end in any case."""
    ports = {}
    for mitigation in MITIGATIONS:
        service = start_service(mitigation, LIFE_MINUTES * 60 / pace)
        ends.callback(service.stop)
        ports[service.name] = service.port
    prometheus = start_prometheus(folder, ports, pace=pace, port=port)
    ends.callback(prometheus.stop)
    for name, service_port in ports.items():
        load = Load(service_port, pause_seconds=PAUSE_SECONDS)
        load.start()
        ends.callback(load.stop)
        _say(f"service {name}: http://127.0.0.1:{service_port}/metrics")
    _say(f"Prometheus: {prometheus.url}/alerts")
    _say(
        f"The rules run {pace:g} times faster than in production: a minute of theirs is {60 / pace:g} s here."
    )
    return prometheus


def _watch(prometheus: Prometheus, seconds: float, *, stay: bool) -> Told:
    """Look every few seconds until the leak is told, and then as long again for a false alarm."""
    begun = time.monotonic()
    accused: frozenset[str] = frozenset()
    first: float | None = None
    until = seconds
    while stay or time.monotonic() - begun < until:
        time.sleep(LOOK_SECONDS)  # Prometheus is asked: it tells nobody of itself
        elapsed = time.monotonic() - begun
        firing = prometheus.firing()
        accused |= {alert["instance"] for alert in firing}
        if accused and first is None:
            first = elapsed
            until = min(seconds, 1.5 * elapsed)
        entries = prometheus.values("leakbench_map_entries", "instance")
        sizes = ", ".join(f"{name} {_count(entries.get(name))} entries" for name in MITIGATIONS)
        names = sorted({f"{alert['alertname']} ({alert['instance']})" for alert in firing})
        _say(f"{elapsed:5.0f} s  {sizes}  {', '.join(names) or 'no alert fires'}")
    return Told(accused, first)


def _count(entries: float | None) -> str:
    return "?" if entries is None else f"{entries:,.0f}"


def _judge(told: Told) -> int:
    if told.accused == {"none"}:
        _say(f"The leak was told after {told.seconds:.0f} s; the mended map raised no alert.")
        return 0
    _say(f"Accused: {', '.join(sorted(told.accused)) or 'nobody'}; it should have been none alone.")
    return 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # A polite end is one as by Ctrl-C, with everything cleared away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
