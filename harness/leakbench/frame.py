"""A run folder's lines -> one tidy pandas frame. Reads; never measures, judges or prints."""

from __future__ import annotations

import json
import math
import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from leakbench.columns import ALL, BY_NAME, KEY, RUNGS, SETTING, Column
from leakbench.errors import LeakbenchError
from leakbench.model import matches_truth
from leakbench.store import CASES, ENVIRONMENT, FINDINGS, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

IDENTITY = ["case", "scale", "seed", "params"]
"""Columns that say which rows are repeats of one case."""


class UnreadableRunError(LeakbenchError):
    """A run folder whose content cannot be what it should be: what, where, and the way out."""


class RunRecord(NamedTuple):
    """A run folder as it was read. `notes` says what is damaged or missing, in sentences."""

    folder: Path
    environment: Mapping[str, Any]  # empty where environment.json is missing
    cases: tuple[Mapping[str, Any], ...]  # empty where cases.json is missing
    claims: tuple[Mapping[str, Any], ...]  # the article's, where the run recorded any
    lines: tuple[Mapping[str, Any], ...]  # of repeated keys (a resumed run) the last, in the order measured
    notes: tuple[str, ...]


def read_run(folder: Path) -> RunRecord:
    """Read a run folder; a damaged last line, which a cut-off run leaves, is dropped and noted.

    Only measurements.jsonl has to be there. Raises LeakbenchError: StoreError where there is no run or
    its lines are no measurements, UnreadableRunError where another document cannot be read.
    """
    rows, cut_off = read_rows(folder)
    notes = [f"The run is incomplete: {cut_off}."] if cut_off else []
    latest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        line = {"reason": None, **row, "params": _say_params(row.get("params"))}
        key = tuple(line[name] for name in (*IDENTITY, "repeat", "probe"))
        latest.pop(key, None)
        latest[key] = line
    environment = _read_json(folder / ENVIRONMENT, dict, notes)
    cases = _read_json(folder / CASES, list, notes)
    claims = _read_json(folder / FINDINGS, list, None)
    return RunRecord(folder, environment, tuple(cases), tuple(claims), tuple(latest.values()), tuple(notes))


def _say_params(params: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted((params or {}).items()))


def _read_json(path: Path, kind: type, notes: list[str] | None) -> Any:  # dict or list, as asked
    """Read one JSON file, or give an empty `kind` and a note; `notes` None says that it may be missing."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if notes is not None:
            notes.append(f"{path.name} is missing: what it says is shown as unknown.")
        return kind()
    except (OSError, ValueError) as error:
        raise UnreadableRunError(f"{path} cannot be read: {error}; delete it to go without") from None
    if not isinstance(read, kind):
        raise UnreadableRunError(f"{path} holds no {kind.__name__}; delete it to go without")
    return read


def measurements_frame(run: Path | RunRecord) -> pd.DataFrame:
    """Give one row a case, repeat and probe, with the columns of results/README.md.

    Nullable types: what a probe did not measure is <NA>, never 0 or NaN. Values that the README does not
    name (a scenario's own counts) follow as further columns, by name. Raises UnreadableRunError.
    """
    record = run if isinstance(run, RunRecord) else read_run(run)
    declared = {f"{case.get('scenario')}:{case.get('mitigation')}": case for case in record.cases}
    setting = _setting(record.environment)
    rows = []
    for line in record.lines:
        scenario, _, mitigation = line["case"].partition(":")
        key = {column.name: line.get(column.name) for column in KEY} | {
            "scenario": scenario,
            "mitigation": mitigation,
        }
        said = _declared(declared.get(line["case"], {}), line["values"].get("verdict"))
        rows.append(setting | {"schema": line["schema"]} | key | flatten(line["values"]) | said)
    others = sorted({name for row in rows for name in row} - set(BY_NAME))
    columns = (*ALL, *(_describe(name, rows) for name in others))
    return pd.DataFrame(
        {c.name: pd.array([_fit(row.get(c.name), c) for row in rows], dtype=c.dtype) for c in columns}
    )


def _declared(case: Mapping[str, Any], verdict: str | None) -> dict[str, Any]:
    """What cases.json says of a case, and whether a verdict is what it declares; None where it is silent."""
    truth = case.get("truth") or {}
    is_judged = verdict is not None and "verdict" in truth
    return {
        "scenario_version": case.get("version"),
        "deterministic": truth.get("deterministic"),
        "truth_met": matches_truth(truth["verdict"], str(verdict)) if is_judged else None,
    }


def _setting(environment: Mapping[str, Any]) -> dict[str, Any]:
    machine, python, commit = (environment.get(name) or {} for name in ("machine", "python", "commit"))
    interpreter = " ".join(str(python[name]) for name in ("implementation", "version") if name in python)
    found = {
        "system": machine.get("system"),
        "arch": machine.get("arch"),
        "libc": machine.get("libc"),
        "python": (interpreter + (" free-threaded" if python.get("gil") is False else "")) or None,
        "allocator": python.get("allocator"),
        "cpu": machine.get("cpu"),
        "jobs": environment.get("jobs"),
        "commit": f"{commit['hash']}{'+' * bool(commit.get('dirty'))}" if commit.get("hash") else None,
    }
    return {column.name: None if found.get(column.name) is None else found[column.name] for column in SETTING}


def flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give a line's values as columns: interval, site and holder spread out, the ladder left out."""
    flat = {name: value for name, value in values.items() if not isinstance(value, dict | list | tuple)}
    interval = values.get("leak_interval_bytes_per_op")
    if interval:
        flat["leak_interval_low_bytes_per_op"], flat["leak_interval_high_bytes_per_op"] = interval
    for group, names in (("site", ("file", "line", "function", "retained_bytes")), ("holder", _HOLDER)):
        found = values.get(group)
        if isinstance(found, dict):
            flat |= {f"{group}_{name}": found.get(name) for name in names}
    for name in ("peak", "settled"):
        if f"{name}_rss_bytes" in flat and "baseline_rss_bytes" in flat:
            flat[f"{name}_growth_bytes"] = flat[f"{name}_rss_bytes"] - flat["baseline_rss_bytes"]
    if "peak_rss_bytes" in flat and "imports_rss_bytes" in flat:
        flat["peak_own_bytes"] = flat["peak_rss_bytes"] - flat["imports_rss_bytes"]
    return flat


_HOLDER = ("path", "type", "entries", "root", "bytes_share")


def _describe(name: str, rows: Iterable[Mapping[str, Any]]) -> Column:
    """Give a column that the README does not name the narrowest type that holds its values."""
    kinds = {type(row[name]) for row in rows if row.get(name) is not None}
    if kinds == {bool}:
        return Column(name, "boolean", "", "")
    if kinds == {int}:
        return Column(name, "Int64", "", "")
    return Column(name, "Float64" if kinds and kinds <= {int, float} else "string", "", "")


def _fit(value: Any, column: Column) -> Any:  # a JSON scalar of any type
    """Give a value as its column's type; raises UnreadableRunError where it cannot be that."""
    if value is None:
        return pd.NA
    if column.dtype == "string":
        return str(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if column.dtype == "boolean" and isinstance(value, bool):
        return value
    if column.dtype == "Float64" and is_number:
        return float(value)
    if column.dtype == "Int64" and is_number and int(value) == value:
        return int(value)
    raise UnreadableRunError(f"{column.name!r} is {value!r} in a measurement, which is no {column.dtype}")


def rungs_frame(run: Path | RunRecord) -> pd.DataFrame:
    """Give one row a rung of each ladder: its case, repeat, and the columns of `RUNGS`."""
    record = run if isinstance(run, RunRecord) else read_run(run)
    frame = pd.DataFrame([row for rows in rungs_by_line(record) for row in rows], columns=rung_names())
    types = {column.name: column.dtype for column in KEY if column.name in frame.columns}
    return frame.astype(types | {column.name: column.dtype for column in RUNGS})


def rung_names() -> list[str]:
    """Name the columns of rungs_frame."""
    return [*IDENTITY, "repeat", *(column.name for column in RUNGS)]


def rungs_by_line(record: RunRecord) -> Iterator[list[list[Any]]]:
    """Give the rows of rungs_frame, of one measurement after the other."""
    for line in record.lines:
        key = [line[name] for name in (*IDENTITY, "repeat")]
        yield [[*key, *rung] for rung in line["values"].get("ladder") or () if len(rung) == len(RUNGS)]


def cases_frame(measurements: pd.DataFrame) -> pd.DataFrame:
    """Give one row a case, scale and seed: what every probe measured of it, repeats drawn together.

    A number is the median of its repeats, with its least and greatest beside it as `…_min` and `…_max`
    (equal where there was one). Text and verdicts are given where all repeats agree, else as
    "leak | bounded". `repeats` counts them, `failures` the probes that failed.
    """
    values = [name for name in measurements.columns if name not in {c.name for c in (*SETTING, *KEY)}]
    numeric = {name for name in values if str(measurements[name].dtype) in ("Int64", "Float64")}
    gathered: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
    repeats: dict[tuple[Any, ...], set[int]] = {}
    failures: dict[tuple[Any, ...], int] = {}
    keys = list(measurements[IDENTITY].itertuples(index=False, name=None))
    for key, repeat, status in zip(keys, measurements["repeat"], measurements["status"], strict=True):
        gathered.setdefault(key, {})
        repeats.setdefault(key, set()).add(repeat)
        failures[key] = failures.get(key, 0) + (status != "measured")
    for name in values:  # a column after the other: all rows as dicts would take ten times the frame's memory
        known = measurements[name].dropna()
        for index, value in zip(known.index, known.tolist(), strict=True):
            gathered[keys[index]].setdefault(str(name), []).append(value)
    rows = []
    for key, seen in gathered.items():
        drawn = dict(zip(IDENTITY, key, strict=True)) | {
            "repeats": len(repeats[key]),
            "failures": failures[key],
        }
        for name, found in seen.items():
            drawn |= _summary(name, found) if name in numeric else {name: _agreed(found)}
        rows.append(drawn)
    columns = [*IDENTITY, "repeats", "failures"]
    for name in values:
        columns += [name, f"{name}_min", f"{name}_max"] if name in numeric else [name]
    return pd.DataFrame(rows, columns=columns).convert_dtypes()


PRICES = (
    Column("speed_ratio", "Float64", "×", "ops_per_second over that of none", "more"),
    Column("memory_ratio", "Float64", "×", "peak_own_bytes over that of ideal", "less"),
)
"""Columns that `priced` adds: what a case costs beside the bounds of its scenario."""


_RATIO_PLACES = 6  # more than any throughput is good for


def priced(cases: pd.DataFrame) -> pd.DataFrame:
    """Give `cases` with the columns of `PRICES`; <NA> where the bound was not measured."""
    parted = [case.partition(":") for case in cases["case"]]
    mitigation = pd.Series([mitigation for _, _, mitigation in parted], index=cases.index, dtype="string")
    keys = cases[IDENTITY].assign(case=[scenario for scenario, _, _ in parted])
    priced = cases.copy()
    for name, value, bound in (
        ("speed_ratio", "ops_per_second", "none"),
        ("memory_ratio", "peak_own_bytes", "ideal"),
    ):
        bounds = keys.assign(bound=cases[value])[mitigation == bound].drop_duplicates(IDENTITY)
        beside = keys.merge(bounds, how="left", on=IDENTITY)["bound"].set_axis(cases.index)
        ratio = pd.to_numeric(cases[value]).astype("Float64") / pd.to_numeric(beside).astype("Float64")
        priced[name] = ratio.round(_RATIO_PLACES)
    return priced


def _summary(name: str, found: Sequence[float]) -> dict[str, float]:
    return {name: statistics.median(found), f"{name}_min": min(found), f"{name}_max": max(found)}


def _agreed(found: Sequence[Any]) -> Any:  # text or a truth value, as it came
    distinct = list(dict.fromkeys(found))
    return distinct[0] if len(distinct) == 1 else " | ".join(map(str, distinct))
