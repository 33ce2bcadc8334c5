"""How the session map scales: seconds and bytes a session, and what the measuring side itself takes.

  python benchmarks/scaling.py              100,000 and 1,000,000 sessions
  python benchmarks/scaling.py --full       10,000,000 too: minutes, and 5 GiB

The leaking baseline (`none`) keeps every session, the bound (`ideal`) a live set that does not grow. Each
line is a fresh `leakbench run` of one probe with small payloads. `child` is the child's own high-water mark
above its baseline, `parent` the peak of the process that measures: it must stay below 150 MB, however many
the sessions. Exit status: 0 where it does and nothing failed, 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.probes.ledger import LADDER
from leakbench.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

SCALES = (100_000, 1_000_000)
FULL_SCALE = 10_000_000
MOST_PARENT_BYTES = 150_000_000
_PAYLOAD_BYTES = 16
_MEMORY_CAP = "6GiB"

# The command line as a person runs it, and then its own peak. VmHWM and not ru_maxrss: the latter carries
# the peak of whoever started it across exec.
_MEASURED_RUN = (
    "import sys; from leakbench.cli import main; status = main(sys.argv[1:]);"
    "text = open('/proc/self/status').read();"
    "print(int(text.partition('VmHWM:')[2].split()[0]) * 1024); sys.exit(status)"
)


class Point(NamedTuple):
    """One run of one probe at one scale."""

    seconds: float  # the steps alone
    child_bytes: int  # grown above the baseline: the peak (rss), or anonymous memory at the top (ledger)
    parent_bytes: int
    verdict: str | None


def measure(case: str, probe: str, sessions: int) -> Point:
    """Run one probe and read its record. Raises CalledProcessError where the run does not end well."""
    with tempfile.TemporaryDirectory(prefix="leakbench-") as parent:
        out = Path(parent, "run")
        words = ["run", case, "--probe", probe, "--scale", str(sessions), "--out", str(out), "--no-report"]
        words += ["--param", f"payload_bytes={_PAYLOAD_BYTES}", "--memory-cap", _MEMORY_CAP]
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED_RUN, *words], stdout=subprocess.PIPE, text=True, check=True
        )
        row = json.loads((out / "measurements.jsonl").read_text(encoding="utf-8"))
    return point(row["values"], int(done.stdout.split()[-1]))


def point(values: Mapping[str, Any], parent_bytes: int) -> Point:
    if "peak_rss_bytes" in values:
        grown = values["peak_rss_bytes"] - values["baseline_rss_bytes"]
        return Point(values["wall_seconds"], grown, parent_bytes, None)
    first, last = (
        dict(zip(LADDER, rung, strict=True)) for rung in (values["ladder"][0], values["ladder"][-1])
    )
    grown = last["anonymous_bytes"] - first["anonymous_bytes"]
    return Point(last["seconds"] - first["seconds"], grown, parent_bytes, values["verdict"])


def describe(name: str, sessions: int, found: Point, before: Point | None) -> str:
    """One line; with the ratios to the scale before, each of which should be that of the sessions."""
    line = (
        f"{name} {sessions:>10,} sessions: {format_seconds(found.seconds)},"
        f" {format_seconds(found.seconds / sessions)} a session; child {format_bytes(found.child_bytes)},"
        f" {found.child_bytes / sessions:.1f} B a session; parent {format_bytes(found.parent_bytes)}"
    )
    if found.verdict:
        line += f"; {found.verdict}"
    if before:
        line += f"; to the scale before: time × {found.seconds / before.seconds:.1f}"
        if before.child_bytes:
            line += f", memory × {found.child_bytes / before.child_bytes:.1f}"
    return line


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help=f"{FULL_SCALE:,} sessions too")
    scales = (*SCALES, FULL_SCALE) if parser.parse_args().full else SCALES
    kept = True
    for case, probe in product(("session-map:none", "session-map:ideal"), ("rss", "ledger")):
        before = None
        for sessions in scales:
            found = measure(case, probe, sessions)
            print(describe(f"{case} {probe}", sessions, found, before), flush=True)
            kept = kept and found.parent_bytes <= MOST_PARENT_BYTES
            before = found
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
