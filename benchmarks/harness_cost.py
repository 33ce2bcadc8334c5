"""What the harness itself costs a measured child, against a bare interpreter, measured in one run.

  python benchmarks/harness_cost.py
  python benchmarks/harness_cost.py --rounds 41

Two laws are held here: in the rss probe the harness adds at most 2 MiB to a bare interpreter's resident
memory, and from spawn to the first step it costs at most 60 ms more than the interpreter's own start, in
the rss and in the ledger probe. Bare and measured children take turns, so that what else the machine does
touches both alike; medians are compared. Exit status: 0 where both laws hold, 1 where one does not.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.catalogue import discover
from leakbench.launch import exact_heap_environ
from leakbench.plan import make_tasks
from leakbench.probes import Place, probe
from leakbench.spawn import Crew, Limits, clean_environ
from leakbench.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakbench.spawn import Child, Order

MOST_RSS_BYTES = 2 << 20
MOST_SECONDS = 0.060
_BARE = "import os;os.write(1,b'%d'%(int(open('/proc/self/statm','rb').read().split()[1])))"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Start(NamedTuple):
    """One process, as it stood when it was ready for its first step."""

    seconds: float  # since it was spawned
    rss_bytes: int | None  # None where the probe does not say (ledger)


def bare_start(environ: Mapping[str, str]) -> Start:
    """An interpreter that does nothing but say what it occupies."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-S", "-c", _BARE], stdout=subprocess.PIPE, env=dict(environ))
    assert process.stdout is not None  # noqa: S101  # asked for as a pipe
    pages = int(os.read(process.stdout.fileno(), 64))
    seconds = time.monotonic() - began
    process.communicate()
    return Start(seconds, pages * _PAGE_BYTES)


def measured_start(order: Order) -> Start:
    """A measured child on the no-op scenario, up to its first step."""
    ready: list[Start] = []

    def hear(child: Child, record: dict[str, Any]) -> None:
        if record["record"] == "ready":
            ready.append(Start(time.monotonic() - child.started, record.get("resident_bytes")))

    crew = Crew()
    crew.start(order, hear).hang_up()  # one that asks whether to climb on ends there
    while len(crew):
        crew.wait()
    return ready[0]


def compare(name: str, order: Order, environ: Mapping[str, str], rounds: int) -> bool:
    """Measure and print one probe against the bare interpreter; whether it keeps both laws."""
    pairs = [(bare_start(environ), measured_start(order)) for _ in range(rounds)]
    bare_seconds = median(bare.seconds for bare, _ in pairs)
    seconds = median(measured.seconds for _, measured in pairs)
    more_seconds = seconds - bare_seconds
    kept = more_seconds <= MOST_SECONDS
    print(
        f"{name}: spawn to first step {format_seconds(seconds)}, bare interpreter"
        f" {format_seconds(bare_seconds)}: × {seconds / bare_seconds:.2f},"
        f" {format_seconds(more_seconds)} more (at most {format_seconds(MOST_SECONDS)})"
    )
    both = [(bare.rss_bytes, measured.rss_bytes) for bare, measured in pairs]
    known = [(bare, measured) for bare, measured in both if bare is not None and measured is not None]
    if known:
        bare_bytes = median(bare for bare, _ in known)
        rss_bytes = median(measured for _, measured in known)
        kept = kept and rss_bytes - bare_bytes <= MOST_RSS_BYTES
        print(
            f"{name}: resident {format_bytes(rss_bytes)}, bare interpreter {format_bytes(bare_bytes)}:"
            f" × {rss_bytes / bare_bytes:.3f}, {format_bytes(rss_bytes - bare_bytes)} more"
            f" (at most {format_bytes(MOST_RSS_BYTES)})"
        )
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=21, help="pairs of starts a probe (default: 21)")
    rounds = parser.parse_args().rounds

    catalogue = discover()
    tasks = make_tasks(catalogue, [("noop", "none")], scale=256, probes=("rss", "ledger"))
    environs = {"rss": clean_environ(), "ledger": clean_environ(**exact_heap_environ())}
    with tempfile.TemporaryDirectory(prefix="leakbench-") as folder:
        place = Place(Path(folder), Limits(), 1 << 30)
        kept = [
            compare(task.probe, probe(task.probe).order(task, place), environs[task.probe], rounds)
            for task in tasks
        ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
