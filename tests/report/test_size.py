"""A large run is rendered in little time and memory, into a small folder."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.report.runs import declared, ledger, line, rss, write_run

if TYPE_CHECKING:
    from pathlib import Path

MB = 1_000_000
# The mark of the child's own memory: ru_maxrss carries that of the process which started it.
_RENDER = """
import sys, time
from pathlib import Path
from leakbench import report
import altair, jinja2, pandas, pygments
imported_seconds = time.process_time()
report.write(Path(sys.argv[1]))
status = Path("/proc/self/status").read_text()
print(time.process_time() / imported_seconds, status.partition("VmHWM:")[2].split()[0])
"""
_NAMES = ("none", *(f"mitigation-{n}" for n in range(11)), "ideal")
_SCENARIOS = 79
_RUNGS = 30
_SOURCE = """def make(clock: Clock) -> Keeping:
    \"\"\"A map of at most {n} entries.\"\"\"
    store = LRU(maxsize={n})
    if store.full:  # the oldest goes first
        store.popitem(last=False)
    return Keeping(store, every={n})
"""


@pytest.mark.slow
def test_five_thousand_measurements_take_nine_imports_time_220_mb_and_10_mb_on_disk(tmp_path: Path) -> None:
    """79 scenarios × 13 mitigations × 5 probes = 5,135, no two alike, and a third of the cases leaks.

    The time is the processor's, over what its libraries take to import: 7 on a quiet machine as on a busy
    one, 4 s over 0.6. The report promises 300 MB, and takes 160.
    """
    ids = [f"scenario-{n}:{name}" for n in range(_SCENARIOS) for name in _NAMES]
    lines = [each for n, case in enumerate(ids) for each in _measured(case, n, leaks=n % 3 == 0)]
    cases = [
        declared(case, "bounded" if n % 3 else "leak", source=_SOURCE.format(n=n))
        for n, case in enumerate(ids)
    ]
    write_run(tmp_path, lines, cases)
    done = subprocess.run(
        [sys.executable, "-c", _RENDER, tmp_path], capture_output=True, text=True, check=True, timeout=100
    )
    over_imports, peak_kib = map(float, done.stdout.split())
    assert over_imports < 9
    assert peak_kib * 1024 < 220 * MB
    folder = tmp_path / "report"
    assert (folder / "index.html").stat().st_size < MB
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 10 * MB


def _measured(case: str, n: int, *, leaks: bool) -> list[dict[str, Any]]:
    """Give what the five probes say of one case, with figures that no other case has."""
    share = 1 + n / 10_007  # a prime: figures of full length
    steps = [0, *(round(64 * 2 ** (rung / 4)) for rung in range(_RUNGS))]
    rate = 300 * share if leaks else 0.0
    heap = [round(10_000 * share + (at * rate if leaks else min(at, 500) * share)) for at in steps]
    ladder = [
        [at, held, held + 4_096, held + 65_536, 20_000_000 + held, 1, 8, 0, round(at * 2e-6 * share, 9)]
        for at, held in zip(steps, heap, strict=True)
    ]
    site = {"file": "/srv/shop/service.py", "line": n, "function": "put", "retained_bytes": heap[-1]}
    holder = {"path": "shop.SESSIONS", "type": "dict", "entries": n, "chain": ["module shop", "SESSIONS"]}
    evidence = f"heap grew by {heap[-1]:,} bytes over {steps[-1]:,} steps, in each octave twice as much"
    return [
        rss(case, speed=500_000 / share, live_entries=1_000 + n, retained_entries=9 * n, hit_ratio=1 / share,
            wall_seconds=0.05 * share, gc_pause_seconds=0.001 / share, gc_pause_max_seconds=0.0003 / share,
            gc_longest_pauses_ns=[[n * k, 1_000 * k] for k in range(1, 9) if leaks]),
        ledger(case, verdict="leak" if leaks else "bounded", rate=rate, evidence=evidence, ladder=ladder,
               smallest_detectable_bytes_per_op=0.01 * share, noise_bytes=48.0, heap_kind="mallinfo2"),
        line(case, "heap", heap_peak_bytes=heap[-1] + n, heap_retained_bytes=heap[-1], allocations=7 * n,
             capture=f"captures/{n}.bin", site=site),
        line(case, "latency", op_p50_ns=900 + n, op_p99_ns=4_000 + n, op_p999_ns=9_000 + n),
        line(case, "holder", holder=holder if leaks else None),
    ]  # fmt: skip
