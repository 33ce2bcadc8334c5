"""Asks one commit for one scenario's figures, once, through leakbench's own stable command line.

Nothing of leakbench is imported: `leakbench list --json` says what the commit has, `leakbench run` measures
it as that commit does, and what it lacks is n/a instead of a failed import.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

PROBES = ("rss", "ledger", "heap")
_NOOP = "noop"
_REPORTED = (0, 1, 4)  # of `leakbench run`: all true, a verdict untrue, a case failed; the folder holds all
_USAGE = 2  # argparse's
_NS = 1e9
HEAP_REPEATS = 3
"""Of a case that is not deterministic. `leakbench run` captures the heap once, and a peak without a spread
would be judged as one that repeats to the byte."""
ASKED = "LEAKBENCH_TRACK_WILD"
"""Environment variable; at 1 the published packages are measured, which are installed for it."""
_LONGEST_NAME = 100  # of the 255 bytes that file systems allow; asv draws the same line

Measured = dict[str, Any]
"""What `measure` keeps for asv, which pickles it: plain dicts, lists, text and numbers.

`absent` says why the commit has nothing to tell of the scenario (else None); `cases` holds by mitigation a
`figures` of quantity -> one finite number a repeat, a `failures` of probe -> reason, and an `absent`.
"""


class Source(NamedTuple):
    """Where the measured code comes from.

    packages   must lie in the environment that asv built for the commit, and not in the work tree
    scenarios  the file or folder that describes the workload of code which is not leakbench's own
    """

    packages: tuple[str, ...] = ("leakbench", "leakbench.scenarios")
    scenarios: str | None = None

    def options(self) -> tuple[str, ...]:
        return () if self.scenarios is None else ("--scenarios", self.scenarios)


CATALOGUE = Source()


class MisplacedError(Exception):
    """The measured package does not come from the environment that asv built for the commit."""


def measure_if_asked(scenario: str, *, version: int, steps: int) -> Measured:
    """As `measure`, where ASKED is set: what installs packages is not done unasked."""
    if os.environ.get(ASKED) != "1":
        return _nothing(f"not asked for: {ASKED}=1 installs published packages and measures them")
    return measure(scenario, version=version, steps=steps)


def measure(scenario: str, *, version: int, steps: int | None = None, source: Source = CATALOGUE) -> Measured:
    """Measure every mitigation of a scenario at the quick profile, as its meaning is at `version`.

    `steps` are the quick profile's, for entries and peaks belong to as many: a commit whose quick profile
    takes others does not apply. None takes whatever it is.
    """
    check_origin(source.packages)
    here = _listed(scenario, source)
    if isinstance(here, str):
        return _nothing(here)
    found = here.get("version", 1)
    if found != version:
        return _nothing(
            f"this commit has version {found} of {scenario!r}, the benchmark means version {version}"
        )
    rows: list[dict[str, Any]] = []
    floor_bytes = None
    taken = {here["steps"]["quick"]} if "steps" in here else set()
    if not _differs(taken, steps):
        floor_bytes = _noop_baseline_bytes()
        rows = _run(_folder(scenario), (scenario,), PROBES, source)
        rows += _run_again(scenario, rows, _wavering(here), source)
        taken = {row["scale"] for row in rows}  # an older commit does not list them
    if _differs(taken, steps):
        said = ", ".join(map(str, sorted(taken)))
        return _nothing(f"this commit's quick profile takes {said} steps, the benchmark means {steps}")
    return {"absent": None, "cases": by_mitigation(rows, floor_bytes)}


def _differs(taken: set[int], steps: int | None) -> bool:
    return steps is not None and not taken <= {steps}


def _nothing(why: str) -> Measured:
    return {"absent": why, "cases": {}}


def check_origin(packages: tuple[str, ...]) -> None:
    """Raise MisplacedError where one of the packages comes from a work tree and not from the commit."""
    home = Path(sys.prefix).resolve()
    for name in packages:
        try:
            spec = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            spec = None
        if spec is None or spec.origin is None:
            continue  # what a commit does not have is n/a
        if not Path(spec.origin).resolve().is_relative_to(home):
            raise MisplacedError(
                f"{name} comes from {spec.origin}, not from the environment {home}: its figures would be"
                " those of the work tree; measure a commit (`make asv`, or asv run COMMIT^!)"
            )


def _listed(scenario: str, source: Source) -> dict[str, Any] | str:
    """What the commit says of a scenario, or why it says nothing."""
    done = _leakbench("list", "--json", *source.options())
    try:
        listed: dict[str, dict[str, Any]] = {one["name"]: one for one in json.loads(done.stdout)["scenarios"]}
    except (ValueError, KeyError, TypeError):
        return "this commit has no `leakbench list --json`"
    return listed.get(
        scenario, f"this commit has no scenario {scenario!r}; {done.stderr.strip()}".removesuffix("; ")
    )


def _wavering(listed: dict[str, Any]) -> list[str]:
    """The mitigations whose figures do not repeat to the last digit."""
    return [one["name"] for one in listed.get("mitigations", ()) if not one.get("deterministic", True)]


def _noop_baseline_bytes() -> int | None:
    """What a child has resident before its first step; measured once per commit and environment."""
    rows = _read(_folder(_NOOP)) or _run(_folder(_NOOP), (_NOOP,), ("rss",), CATALOGUE)
    baselines = [row["values"].get("baseline_rss_bytes") for row in rows if row["probe"] == "rss"]
    return next((int(baseline) for baseline in baselines if baseline is not None), None)


def _run_again(
    scenario: str, rows: list[dict[str, Any]], wavering: list[str], source: Source
) -> list[dict[str, Any]]:
    """Lines of the heap's repeats, of the wavering among those that it was measured of."""
    seen = {row["case"] for row in rows if row["probe"] == "heap" and row["status"] == "measured"}
    cases = tuple(sorted(seen & {f"{scenario}:{mitigation}" for mitigation in wavering}))
    if not cases:
        return []
    again = [_folder(scenario) / f"heap-{repeat}" for repeat in range(1, HEAP_REPEATS)]
    return [row for folder in again for row in _run(folder, cases, ("heap",), source)]


def _run(
    folder: Path, cases: tuple[str, ...], probes: tuple[str, ...], source: Source
) -> list[dict[str, Any]]:
    """Lines of measurements.jsonl; of a probe that the commit does not have there are none."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    chosen = [word for probe in probes for word in ("--probe", probe)]
    options = ("--profile", "quick", "--no-report", "--out", str(folder), *chosen, *source.options())
    done = _leakbench("run", *cases, *options)
    sys.stderr.write(done.stderr)
    known = tuple(probe for probe in probes if f"invalid choice: '{probe}'" not in done.stderr)
    if done.returncode == _USAGE and known != probes:
        return _run(folder, cases, known, source) if known else []
    if done.returncode not in _REPORTED:
        raise RuntimeError(
            f"leakbench run {' '.join(cases)} ended with status {done.returncode}: {done.stderr}"
        )
    return _read(folder)


def _folder(scenario: str) -> Path:
    """Where a scenario's run is kept for the dashboard's report: by commit and environment, or here."""
    commit, name, home = (os.environ.get(f"ASV_{word}") for word in ("COMMIT", "ENV_NAME", "CONF_DIR"))
    if commit is None or name is None or home is None:
        return Path("runs", scenario).resolve()
    return Path(home, ".asv", "runs", commit, folder_name(name), scenario)


def folder_name(environment: str) -> str:
    """An environment's folder: its name, or its checksum where every requirement in it makes it too long."""
    if len(environment) <= _LONGEST_NAME:
        return environment
    return f"env-{hashlib.sha256(environment.encode()).hexdigest()[:32]}"


def _read(folder: Path) -> list[dict[str, Any]]:
    try:
        text = (folder / "measurements.jsonl").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.split("\n") if line]


def _leakbench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leakbench", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def by_mitigation(rows: list[dict[str, Any]], floor_bytes: int | None) -> dict[str, Any]:
    """Lines of measurements.jsonl -> the `cases` of Measured. Pure."""
    cases: dict[str, Any] = {}
    for row in rows:
        mitigation = row["case"].partition(":")[2]
        case = cases.setdefault(mitigation, {"figures": {}, "failures": {}, "absent": None})
        if row["status"] == "measured":
            for name, value in _figures(row["probe"], row["values"], floor_bytes).items():
                if math.isfinite(value):
                    case["figures"].setdefault(name, []).append(value)
        elif row["values"].get("ending") == "not run":
            case["absent"] = row["reason"]
        else:
            case["failures"][row["probe"]] = row["reason"]
    return cases


def _figures(probe: str, values: dict[str, Any], floor_bytes: int | None) -> dict[str, float]:
    """What a probe says of the tracked quantities; a quantity that it does not know is left out."""
    if probe == "ledger" and "verdict" in values:
        leaks = values["verdict"] == "leak"
        return {"leak_bytes_per_op": float(values["leak_bytes_per_op"]) if leaks else 0.0}
    if probe == "heap" and "heap_peak_bytes" in values:
        return {"heap_peak": float(values["heap_peak_bytes"])}
    if probe != "rss":
        return {}
    seen: dict[str, float] = {}
    for name in ("peak_rss", "settled_rss"):
        if floor_bytes is not None and f"{name}_bytes" in values:
            seen[name] = float(values[f"{name}_bytes"]) - floor_bytes
    for name in ("retained_entries", "lost_entries"):
        if name in values:
            seen[name] = float(values[name])
    if values.get("ops_per_second"):
        seen["ns_per_op"] = _NS / values["ops_per_second"]
    return seen
