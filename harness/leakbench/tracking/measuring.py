"""Asks one commit for one scenario's figures, once, through leakbench's own stable command line.

Nothing of leakbench is imported: `leakbench list --json` says what the commit has, `leakbench run` measures
it as that commit does, and what it lacks is n/a instead of a failed import.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

from . import asking, together
from .asking import CATALOGUE, Row, Source

PROBES = ("rss", "ledger", "heap")
_NOOP = "noop"
_NS = 1e9
HEAP_REPEATS = 3
"""Of a case that is not deterministic: a peak without a spread would be judged as one that repeats to the
byte, and of two alone asv's interval is too wide for any change to be seen."""
ASKED = "LEAKBENCH_TRACK_WILD"
"""Environment variable; at 1 the published packages are measured, which are installed for it."""

Measured = dict[str, Any]
"""What `measure` keeps for asv, which pickles it: plain dicts, lists, text and numbers.

`absent` says why the commit has nothing to tell of the scenario (else None); `cases` holds by mitigation a
`figures` of quantity -> one finite number a repeat, a `failures` of probe -> reason, and an `absent`.
"""


class MisplacedError(Exception):
    """The measured package does not come from the environment that asv built for the commit."""


def measure_if_asked(scenario: str, *, version: int, steps: int) -> Measured:
    """As `measure`, where ASKED is set: what installs packages is not done unasked."""
    if not is_asked_for():
        return _nothing(f"not asked for: {ASKED}=1 installs published packages and measures them")
    return measure(scenario, version=version, steps=steps)


def is_asked_for() -> bool:
    return os.environ.get(ASKED) == "1"


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
    rows: list[Row] = []
    floor_bytes = None
    taken = {here["steps"]["quick"]} if "steps" in here else set()
    if not _differs(taken, steps):
        floor_bytes = _noop_baseline_bytes()
        rows = _rows(scenario, here, source)
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
    if source == CATALOGUE:
        text, complaint = together.list_catalogue()
    else:
        done = asking.leakbench("list", "--json", *source.options())
        text, complaint = done.stdout, done.stderr.strip()
    try:
        listed = _by_name(text)
    except (ValueError, KeyError, TypeError):
        return "this commit has no `leakbench list --json`"
    return listed.get(scenario, f"this commit has no scenario {scenario!r}; {complaint}".removesuffix("; "))


def _by_name(listed: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in json.loads(listed)["scenarios"]}


def _wavering(listed: dict[str, Any]) -> list[str]:
    """The mitigations whose figures do not repeat to the last digit."""
    return [one["name"] for one in listed.get("mitigations", ()) if not one.get("deterministic", True)]


def _noop_baseline_bytes() -> int | None:
    """What a child has resident before its first step; measured once per commit and environment."""
    folder = asking.folder_of(_NOOP)
    rows = asking.read(folder) or asking.run(folder, (_NOOP,), ("rss",), CATALOGUE)
    baselines = [row["values"].get("baseline_rss_bytes") for row in rows if row["probe"] == "rss"]
    return next((int(baseline) for baseline in baselines if baseline is not None), None)


def _rows(scenario: str, here: dict[str, Any], source: Source) -> list[Row]:
    """Lines of all that is measured of a scenario, from a run shared with others where asv wants them too."""
    shared = together.lines_of(scenario, measure=_measure_together) if source == CATALOGUE else []
    return shared or _measure_all(asking.folder_of(scenario), [here], source)


def _measure_together(folder: Path, asked: dict[str, str]) -> list[Row]:
    """Of the scenarios asked for, with the version meant of each, those that the commit has so."""
    listed = _by_name(together.list_catalogue()[0])
    found = [listed[name] for name, version in asked.items() if name in listed and _is(listed[name], version)]
    return _measure_all(folder, found, CATALOGUE)


def _is(listed: dict[str, Any], version: str) -> bool:
    """Whether a scenario is what a benchmark of this version means; packages are installed if asked for."""
    if listed.get("kind") == "wild" and not is_asked_for():
        return False
    steps = listed.get("steps", {}).get("quick")  # an older commit does not list them
    return version.startswith(f"{listed.get('version', 1)} of {'' if steps is None else f'{steps} '}")


def _measure_all(folder: Path, listed: list[dict[str, Any]], source: Source) -> list[Row]:
    """Lines of one run of these scenarios, with the heap's repeats of what wavers among their cases."""
    if not listed:
        return []
    names = tuple(one["name"] for one in listed)
    rows = asking.run(folder, names, PROBES, source, "--heap-repeats", str(HEAP_REPEATS))
    heaps = [row for row in rows if row["probe"] == "heap" and row["status"] == "measured"]
    if any(row["repeat"] for row in heaps):
        return rows
    # An older commit captures each once in a run.
    wavering = {f"{one['name']}:{mitigation}" for one in listed for mitigation in _wavering(one)}
    cases = tuple(sorted({row["case"] for row in heaps} & wavering))
    for repeat in range(1, HEAP_REPEATS) if cases else ():
        rows += asking.run(folder / f"heap-{repeat}", cases, ("heap",), source)
    return rows


def by_mitigation(rows: list[Row], floor_bytes: int | None) -> dict[str, Any]:
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
