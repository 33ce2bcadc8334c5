"""Run folders made by hand, small enough to check by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT: dict[str, Any] = {
    "schema": 1,
    "leakbench": "0.1.0",
    "created": "2026-01-02T03:04:05Z",
    "asked": {"profile": "quick", "seed": 0},
    "machine": {
        "system": "Linux",
        "arch": "x86_64",
        "libc": "glibc 2.36",
        "memory_bytes": 2**34,
        "aslr_off": True,
    },
    "python": {"implementation": "CPython", "version": "3.11.7", "allocator": "pymalloc", "gil": True},
    "packages": {"memray": "1.20.0"},
    "commit": {"hash": "0123456789abcdef", "dirty": False},
    "wall_seconds": 12.5,
}
MIB = 1 << 20
_PAUSES = [[10_000_000, 400_000], [60_000_000, 900_000]]


def line(
    case: str, probe: str, *, repeat: int = 0, failed: str | None = None, **values: Any
) -> dict[str, Any]:
    """Give one line of measurements.jsonl."""
    return {
        "schema": 1,
        "case": case,
        "scale": 4096,
        "seed": 0,
        "params": {},
        "repeat": repeat,
        "probe": probe,
        "status": "failed" if failed else "measured",
        "reason": failed,
        "values": values,
    }


def rss(
    case: str, *, repeat: int = 0, peak_mib: int = 20, speed: float = 1_000.0, **more: Any
) -> dict[str, Any]:
    """Give an rss line: 10 MiB at the baseline, 1 MiB of it imports."""
    values: dict[str, Any] = {
        "peak_rss_bytes": peak_mib * MIB,
        "baseline_rss_bytes": 10 * MIB,
        "imports_rss_bytes": MIB,
        "settled_rss_bytes": 9 * MIB,
        "ops_per_second": speed,
        "lost_entries": 0,
        "stale_answers": 0,
        "threads_left": 0,
        "peak_since": "baseline",
    }
    return line(case, "rss", repeat=repeat, **values | more)


def ledger(case: str, *, verdict: str = "bounded", rate: float = 0.0, **more: Any) -> dict[str, Any]:
    """Give a ledger line with a ladder of five rungs that grows by `rate` bytes a step."""
    steps = (0, 256, 512, 1024, 2048)
    values: dict[str, Any] = {
        "verdict": verdict,
        "leak_bytes_per_op": rate,
        "leak_interval_bytes_per_op": [rate * 0.99, rate * 1.01],
        "ladder": [
            [n, 10_000 + int(rate * n), 20_000, 30_000, 40_000 + int(rate * n), 1, 5, 0, n / 1e5]
            for n in steps
        ],
    }
    return line(case, "ledger", **values | more)


def declared(case: str, verdict: str = "bounded", **more: Any) -> dict[str, Any]:
    """Give an entry of cases.json."""
    scenario, _, mitigation = case.partition(":")
    entry = {
        "scenario": scenario,
        "mitigation": mitigation,
        "kind": "scenario",
        "title": f"About {scenario}",
        "section": "2.2",
        "version": 1,
        "mechanism": "First line.\n\nMechanism: it grows.\n\nWho retains: ``MAP``.",
        "summary": "a way to mend it",
        "cost": "a price",
        "truth": {"verdict": verdict, "leaks": verdict == "leak", "holder": None, "deterministic": True},
        "source": "def make():\n    return {}\n",
        "requires": [],
        "params": {},
    }
    return entry | more


def write_run(
    folder: Path,
    lines: list[dict[str, Any]],
    cases: list[dict[str, Any]] | None = None,
    environment: dict[str, Any] | None = None,
) -> Path:
    """Write a run folder; `cases` None leaves cases.json out."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in lines)
    (folder / "measurements.jsonl").write_text(text, encoding="utf-8")
    (folder / "environment.json").write_text(json.dumps(ENVIRONMENT if environment is None else environment))
    if cases is not None:
        (folder / "cases.json").write_text(json.dumps(cases))
    return folder


REFUTED_CLAIM: dict[str, Any] = {
    "section": "2.4",
    "says": "Expired keys pile up.",
    "measured": "not so",
    "verdict": "refuted",
    "statements": [{"says": "memory grows by the minute (42.8 MB after 15)", "is_true": False}],
    "chart": {
        "title": "The server's memory",
        "x": "minutes",
        "y": "memory",
        "unit": "B",
        "series": [
            {"name": "the article", "points": [[5, 180e6], [10, 370e6], [15, 560e6]]},
            {"name": "Redis, defaults", "points": [[5, 42.6e6], [10, 42.8e6], [15, 42.8e6]]},
        ],
    },
}
NAMED_CLAIM = REFUTED_CLAIM | {
    "verdict": "in part",
    "chart": REFUTED_CLAIM["chart"]
    | {
        "series": [
            {"name": "kept", "points": [["none", 9.0], ["a-mitigation-of-a-rather-long-name", 0.0]]},
            {"name": "lost", "points": [["none", 0.0], ["a-mitigation-of-a-rather-long-name", 3.0]]},
        ]
    },
}


def small_run(folder: Path) -> Path:
    """Write a run of one scenario: a leak, its mended twin in three repeats, the bound, and a failure."""
    lines = [
        rss("map:none", peak_mib=30, stale_answers=7, wall_seconds=0.1, gc_longest_pauses_ns=_PAUSES),
        ledger("map:none", verdict="leak", rate=512.0, evidence="each octave doubles the growth"),
        rss("map:ttl", peak_mib=20, speed=500.0),
        rss("map:ttl", peak_mib=23, speed=400.0, repeat=1),
        rss("map:ttl", peak_mib=21, speed=450.0, repeat=2),
        ledger("map:ttl"),
        line("map:ttl", "latency", op_p50_ns=900, op_p99_ns=4_100, op_p999_ns=22_000),
        rss("map:ideal", peak_mib=19),
        ledger("map:ideal"),
        line("map:broken", "rss", failed="raised KeyError: 'x'"),
    ]
    cases = [declared(f"map:{name}") for name in ("ttl", "ideal", "broken")]
    return write_run(folder, lines, [declared("map:none", "leak"), *cases])
