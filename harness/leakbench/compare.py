"""Two measurement frames -> one frame of differences: better, worse, unchanged beyond noise. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pandas as pd

from leakbench.columns import ALL, Column
from leakbench.errors import LeakbenchError
from leakbench.frame import IDENTITY, cases_frame
from leakbench.repeats import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Outcome = Literal["better", "worse", "unchanged", "only in A", "only in B"]

LIKE = ("schema", "system", "arch", "libc", "python", "allocator")
"""What two frames must have in common to be compared; the scenario's version is asked case by case."""

_LIKE_FOR_SPEED = ("cpu", "jobs")
"""What they must have in common for their times to be compared; bytes and counts do not depend on it."""

_VERDICTS = {"steady": 0, "bounded": 0, "unreturned": 1, "filling": 1, "inconclusive": 2, "leak": 3}
_RSS_NOISE_BYTES = 64 * 1024  # what deterministic cases are held to
_SHARED_MACHINE_RATIO = 3.0
"""Throughput is read over some hundredths of a second: of the same commit, measured again beside other work,
it has been 2.5 times as much."""
_TAIL_RATIO = 5.0  # a p99 is a handful of steps: what else the machine did decides it; 4.2 has been seen
_RATE_RATIO = 1.001
"""A rate is fitted to what the whole process holds: two commits' rates of leaks that neither touched differ
by up to 0.05 %. Any rate beside none at all is a difference."""
_VARYING_RATIO = 1.3
"""For what is not deterministic: of 38 such cases' heaps, read three or four times, the greatest and the
least differed by up to 1.25, and three repeats of one minute may agree by chance."""
_GAP_WIDTHS = 2.0
"""How far apart two ranges of repeats must lie, in widths of the wider. Three repeats of one normal law have
ranges that do not meet in 10 % of all pairs, and ranges as far apart as this in 0.15 %."""


class UnlikeError(LeakbenchError):
    """Two frames that must not be compared; the message names what differs."""


class Noise(NamedTuple):
    """The largest difference that says nothing: an amount, or a ratio either way."""

    absolute: float = 0.0
    ratio: float = 1.0


_NOISE = {
    "peak_growth_bytes": Noise(_RSS_NOISE_BYTES),
    "settled_growth_bytes": Noise(_RSS_NOISE_BYTES),
    "ops_per_second": Noise(ratio=_SHARED_MACHINE_RATIO),
    "op_p50_ns": Noise(ratio=_SHARED_MACHINE_RATIO),
    "op_p99_ns": Noise(ratio=_TAIL_RATIO),
    "leak_bytes_per_op": Noise(ratio=_RATE_RATIO),
    "heap_peak_bytes": Noise(),
    "heap_retained_bytes": Noise(),
    "retained_entries": Noise(),
    "lost_entries": Noise(),
    "stale_answers": Noise(),
    "hit_ratio": Noise(),
    "threads_left": Noise(),
    "fds_left": Noise(),
    "processes_left": Noise(),
}
"""What is compared. A deterministic case repeats its counts and bytes to the last digit; others are compared
by range, and by ratio."""

_TIMES = ("ops_per_second", "op_p50_ns", "op_p99_ns")


def unlike(a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    """Say in what two frames differ that must be alike, a phrase each; empty where they may be compared."""
    return _unlike_in(LIKE, a, b) + _unlike_versions(a, b)


def unlike_for_speed(a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    """Say why the times of two frames are not compared, a phrase each; empty where they are."""
    return _unlike_in(_LIKE_FOR_SPEED, a, b)


def _unlike_in(names: Sequence[str], a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    found = []
    for name in names:
        left, right = (sorted({str(value) for value in frame[name].dropna()}) for frame in (a, b))
        if left != right:
            found.append(
                f"{name} ({' and '.join(left) or 'unknown'} against {' and '.join(right) or 'unknown'})"
            )
    return found


def _unlike_versions(a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    versions = [
        frame.dropna(subset="scenario_version").groupby("case")["scenario_version"].first()
        for frame in (a, b)
    ]
    common = sorted(set(versions[0].index) & set(versions[1].index))
    return [
        f"version of {case} ({versions[0][case]} against {versions[1][case]})"
        for case in common
        if versions[0][case] != versions[1][case]
    ]


def compare(a: pd.DataFrame, b: pd.DataFrame, *, in_spite_of_unlike: bool = False) -> pd.DataFrame:
    """Compare two measurement frames, `b` against `a`.

    A row is a case and a quantity: case, scale, seed, params, quantity, unit, a, b, change (b − a; <NA> for
    verdicts), outcome, said (a sentence). A probe that failed in `b` alone is worse. Raises UnlikeError.
    """
    differences = unlike(a, b)
    if differences and not in_spite_of_unlike:
        raise UnlikeError(
            f"these runs are not to be compared: they differ in {'; '.join(differences)}. "
            "Measure both alike, or ask for it in spite of that (--unlike)"
        )
    left_out = frozenset(_TIMES if unlike_for_speed(a, b) and not in_spite_of_unlike else ())
    left, right = (_by_case(frame) for frame in (a, b))
    rows: list[dict[str, Any]] = []
    for key in [*left, *(key for key in right if key not in left)]:
        identity = dict(zip(IDENTITY, key, strict=True))
        if key not in left or key not in right:
            rows.append(identity | _alone("B" if key in right else "A"))
            continue
        rows += [identity | row for row in _differences(left[key], right[key], left_out)]
    names = [*IDENTITY, "quantity", "unit", "a", "b", "change", "outcome", "said"]
    return pd.DataFrame(rows, columns=names)


class _Measured(NamedTuple):
    """One case of one run. `row`: its row of cases_frame; `verdicts`: one of each repeat."""

    row: Mapping[Any, Any]
    verdicts: tuple[str, ...]
    is_deterministic: bool


def _by_case(frame: pd.DataFrame) -> dict[tuple[Any, ...], _Measured]:
    groups = frame.groupby(IDENTITY, sort=False, dropna=False)
    varying = groups["deterministic"].min().eq(other=False).to_dict()  # unknown is taken for deterministic
    verdicts = {key: tuple(said.dropna()) for key, said in groups["verdict"]}
    measured = {}
    for row in cases_frame(frame).to_dict("records"):
        key = tuple(row[name] for name in IDENTITY)
        measured[key] = _Measured(row, verdicts[key], varying[key] is not True)
    return measured


def _alone(side: str) -> dict[str, Any]:
    said = f"measured in {side} alone"
    return _row("", "", None, None, outcome=f"only in {side}", said=said)


def _differences(before: _Measured, after: _Measured, left_out: frozenset[str]) -> list[dict[str, Any]]:
    a, b = before.row, after.row
    rows = []
    if a["failures"] != b["failures"]:
        outcome = "worse" if b["failures"] > a["failures"] else "better"
        said = f"{b['failures']} probes failed, {a['failures']} before"
        rows.append(_row("failures", "", a["failures"], b["failures"], outcome=outcome, said=said))
    if before.verdicts and after.verdicts:
        rows.append(_compare_verdicts(before.verdicts, after.verdicts))
    if a.get("peak_since") != b.get("peak_since"):  # since exec against since the baseline
        left_out |= {"peak_growth_bytes"}
    asked = [column for column in ALL if column.name in _NOISE.keys() - left_out]
    compared = [column for column in asked if _known(a, column.name) and _known(b, column.name)]
    return rows + [_compare_numbers(column, a, b, _noise(column.name, before, after)) for column in compared]


def _noise(name: str, a: _Measured, b: _Measured) -> Noise:
    """What a quantity's difference must exceed; more where it does not repeat."""
    noise = _NOISE[name]
    if a.is_deterministic and b.is_deterministic:
        return noise
    return noise._replace(ratio=max(noise.ratio, _VARYING_RATIO))


def _known(row: Mapping[Any, Any], name: str) -> bool:
    return row.get(name) is not None and row[name] is not pd.NA


def _compare_verdicts(before: Sequence[str], after: Sequence[str]) -> dict[str, Any]:
    """Compare what most repeats say; a repeat that says otherwise is told, and decides nothing."""
    a, b = together(before), together(after)
    ranks = [_VERDICTS.get(said.verdict, _VERDICTS["inconclusive"]) for said in (a, b)]
    outcome = "worse" if ranks[1] > ranks[0] else "better" if ranks[1] < ranks[0] else "unchanged"
    was, now = (f"{said.verdict} ({said.note})" if said.note else said.verdict for said in (a, b))
    said = now if a.verdict == b.verdict else f"{now}, was {was}"
    return _row("verdict", "", a.verdict, b.verdict, outcome=outcome, said=said)


def _compare_numbers(
    column: Column, a: Mapping[Any, Any], b: Mapping[Any, Any], noise: Noise
) -> dict[str, Any]:
    """Compare medians; unchanged is what the repeats' spread or the quantity's own noise may have moved."""
    from leakbench.report import units

    name = column.name
    before, after = a[name], b[name]
    low, high = (after, before) if after < before else (before, after)
    gap = max(a[f"{name}_min"] - b[f"{name}_max"], b[f"{name}_min"] - a[f"{name}_max"])
    width = max(row[f"{name}_max"] - row[f"{name}_min"] for row in (a, b))
    within = high - low <= noise.absolute or (low > 0 and high / low <= noise.ratio)
    if gap <= _GAP_WIDTHS * width or within:
        outcome = "unchanged"
    else:
        outcome = "better" if (after < before) == (column.better == "less") else "worse"
    said = f"{name} {units.show(after, column.unit)}, was {units.show(before, column.unit)}"
    return _row(name, column.unit, before, after, outcome=outcome, said=said)


def _row(quantity: str, unit: str, a: Any, b: Any, *, outcome: str, said: str) -> dict[str, Any]:
    numbers = all(isinstance(value, int | float) for value in (a, b))
    change = b - a if numbers else pd.NA
    measured = {"quantity": quantity, "unit": unit, "a": a, "b": b, "change": change}
    return measured | {"outcome": outcome, "said": said}
