"""What is better or worse is so beyond noise, and unlike is not compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from leakbench.compare import UnlikeError, compare, unlike_for_speed
from leakbench.frame import measurements_frame

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


def _frame(
    folder: Path,
    *measured: dict[str, Any],
    scenario_version: int = 1,
    deterministic: bool = True,
    **python: str,
) -> pd.DataFrame:
    """Give the frame of a run; each of `measured` is a probe's values, with case, failed or repeat."""
    folder.mkdir()
    lines = []
    for values in measured:
        failed = values.pop("failed", None)
        lines.append({
            "schema": 1, "case": values.pop("case", "map:ttl"), "scale": 64, "seed": 0, "params": {},
            "repeat": values.pop("repeat", 0), "probe": "rss", "status": "failed" if failed else "measured",
            "reason": failed, "values": values,
        })  # fmt: skip
    (folder / "measurements.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    setting = {"implementation": "CPython", "version": "3.11.7", "allocator": "pymalloc"} | python
    (folder / "environment.json").write_text(json.dumps({"machine": {"arch": "x86_64"}, "python": setting}))
    case = {"scenario": "map", "mitigation": "ttl", "version": scenario_version}
    case["truth"] = {"verdict": "bounded", "deterministic": deterministic}
    (folder / "cases.json").write_text(json.dumps([case]))
    return measurements_frame(folder)


def _outcomes(tmp_path: Path, a: dict[str, Any], b: dict[str, Any]) -> dict[str, str]:
    differences = compare(_frame(tmp_path / "a", a), _frame(tmp_path / "b", b))
    return dict(zip(differences["quantity"], differences["outcome"], strict=True))


def test_a_run_is_unchanged_against_itself(tmp_path: Path) -> None:
    values = {"verdict": "leak", "leak_bytes_per_op": 147.5, "heap_peak_bytes": 4_096, "ops_per_second": 9.0}
    assert set(_outcomes(tmp_path, dict(values), dict(values)).values()) == {"unchanged"}


def test_a_leak_that_returns_is_worse_and_one_that_goes_is_better(tmp_path: Path) -> None:
    clean: dict[str, Any] = {"verdict": "bounded", "leak_bytes_per_op": 0.0}
    leaky: dict[str, Any] = {"verdict": "leak", "leak_bytes_per_op": 0.0004}
    worse = _outcomes(tmp_path, dict(clean), dict(leaky))
    assert worse == {"verdict": "worse", "leak_bytes_per_op": "worse"}
    (tmp_path / "back").mkdir()
    assert set(_outcomes(tmp_path / "back", leaky, clean).values()) == {"better"}


def test_bounded_and_steady_are_one_truth(tmp_path: Path) -> None:
    assert _outcomes(tmp_path, {"verdict": "bounded"}, {"verdict": "steady"}) == {"verdict": "unchanged"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "before", "after", "outcome"),
    [
        ("heap_peak_bytes", 1_000_000, 1_000_001, "worse"),  # exact: one byte counts
        ("leak_bytes_per_op", 1_000.0, 1_001.0, "unchanged"),  # 0.1 % of a fitted rate
        ("leak_bytes_per_op", 1_000.0, 1_001.1, "worse"),
        ("lost_entries", 5, 0, "better"),
        ("hit_ratio", 0.5, 0.6, "better"),  # here more is better
        ("ops_per_second", 100.0, 40.0, "unchanged"),  # 2.5 is within 3.0
        ("ops_per_second", 100.0, 33.0, "worse"),  # 3.03 is not
        ("op_p99_ns", 1_000, 5_000, "unchanged"),  # a tail within 5.0
        ("op_p99_ns", 1_000, 5_001, "worse"),
    ],
)
def test_each_quantity_has_its_own_noise(
    tmp_path: Path, name: str, before: float, after: float, outcome: str
) -> None:
    assert _outcomes(tmp_path, {name: before}, {name: after}) == {name: outcome}


@pytest.mark.parametrize(("more_bytes", "outcome"), [(64 * 1024, "unchanged"), (64 * 1024 + 1, "worse")])
def test_resident_growth_is_held_to_64_kib(tmp_path: Path, more_bytes: int, outcome: str) -> None:
    a = {"peak_rss_bytes": 20 * MIB, "baseline_rss_bytes": 10 * MIB}
    b = {"peak_rss_bytes": 20 * MIB + more_bytes, "baseline_rss_bytes": 10 * MIB}
    assert _outcomes(tmp_path, a, b) == {"peak_growth_bytes": outcome}


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (["steady"] * 3, ["steady", "bounded", "steady"], "unchanged"),  # both say: no leak
        (["leak"] * 3, ["bounded", "leak", "leak"], "unchanged"),  # it still leaks
        (["steady"] * 3, ["steady", "leak", "steady"], "unchanged"),  # most say: no leak
        (["steady"] * 3, ["leak", "leak", "steady"], "worse"),
        (["leak", "steady"], ["steady", "steady"], "better"),  # of two that differ neither is believed
    ],
)
def test_most_of_the_repeats_decide(
    tmp_path: Path, before: list[str], after: list[str], outcome: str
) -> None:
    a, b = (
        _frame(tmp_path / name, *({"repeat": n, "verdict": verdict} for n, verdict in enumerate(verdicts)))
        for name, verdicts in (("a", before), ("b", after))
    )
    assert compare(a, b)["outcome"].tolist() == [outcome]


def test_times_of_unlike_processors_are_left_out_and_bytes_are_not(tmp_path: Path) -> None:
    a, b = (
        _frame(tmp_path / name, {"ops_per_second": speed, "heap_peak_bytes": 64}).assign(cpu=cpu)
        for name, speed, cpu in (("a", 9.0, "fast"), ("b", 1.0, "slow"))
    )
    assert compare(a, b)["quantity"].tolist() == ["heap_peak_bytes"]
    assert compare(a, b, in_spite_of_unlike=True)["outcome"].tolist() == ["worse", "unchanged"]
    assert unlike_for_speed(a, b) == ["cpu (fast against slow)"]


def test_a_peak_since_exec_is_not_compared_with_one_since_the_baseline(tmp_path: Path) -> None:
    peak = {"peak_rss_bytes": 20 * MIB, "baseline_rss_bytes": 10 * MIB}
    a, b = {**peak, "peak_since": "baseline"}, {**peak, "peak_since": "exec"}
    assert _outcomes(tmp_path, a, b) == {}


def test_repeats_must_lie_apart_by_twice_their_own_range_to_differ(tmp_path: Path) -> None:
    """10 to 30 is 20 wide: 70 is 40 further and unchanged, 71 is worse."""

    def repeats(folder: Path, *counts: int) -> pd.DataFrame:
        return _frame(
            folder, *({"repeat": n, "allocations": 1, "heap_peak_bytes": c} for n, c in enumerate(counts))
        )

    a, b = repeats(tmp_path / "a", 10, 20, 30), repeats(tmp_path / "b", 70, 72, 74)
    apart = repeats(tmp_path / "c", 71, 73, 75)
    assert compare(a, b)["outcome"].tolist() == ["unchanged"]
    assert compare(a, apart)["outcome"].tolist() == ["worse"]


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ([100_000], [130_000], "unchanged"),  # within 1.3
        ([100_000], [130_001], "worse"),
        ([130_001], [100_000], "better"),
        ([100_000] * 3, [130_000] * 3, "unchanged"),  # repeats may agree by chance
        ([100_000] * 3, [130_001] * 3, "worse"),
        ([100_000] * 3, [130_000], "unchanged"),  # the single one may be anywhere
    ],
)
def test_one_reading_of_what_does_not_repeat_says_little(
    tmp_path: Path, before: list[int], after: list[int], outcome: str
) -> None:
    a, b = (
        _frame(
            tmp_path / name,
            *({"repeat": n, "heap_peak_bytes": count} for n, count in enumerate(counts)),
            deterministic=False,
        )
        for name, counts in (("a", before), ("b", after))
    )
    assert compare(a, b)["outcome"].tolist() == [outcome]


def test_a_new_failure_is_worse(tmp_path: Path) -> None:
    found = _outcomes(tmp_path, {"heap_peak_bytes": 1}, {"failed": "was killed by SIGKILL"})
    assert found == {"failures": "worse"}


def test_a_case_of_one_run_alone_is_named_and_not_judged(tmp_path: Path) -> None:
    a, b = _frame(tmp_path / "a", {"case": "map:lru"}), _frame(tmp_path / "b", {"case": "map:ttl"})
    found = compare(a, b)
    assert found[["case", "outcome"]].to_numpy().tolist() == [
        ["map:lru", "only in A"],
        ["map:ttl", "only in B"],
    ]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"version": "3.12.1"}, r"python \(CPython 3.11.7 against CPython 3.12.1\)"),
        ({"allocator": "malloc"}, r"allocator \(pymalloc against malloc\)"),
    ],
)
def test_unlike_is_refused_and_named_unless_asked(tmp_path: Path, other: dict[str, Any], said: str) -> None:
    a = _frame(tmp_path / "a", {"heap_peak_bytes": 1})
    b = _frame(tmp_path / "b", {"heap_peak_bytes": 1}, **other)
    with pytest.raises(UnlikeError, match=said):
        compare(a, b)
    assert compare(a, b, in_spite_of_unlike=True)["outcome"].tolist() == ["unchanged"]


def test_another_version_of_a_scenario_is_unlike(tmp_path: Path) -> None:
    a = _frame(tmp_path / "a", {"heap_peak_bytes": 1})
    b = _frame(tmp_path / "b", {"heap_peak_bytes": 1}, scenario_version=2)
    with pytest.raises(UnlikeError, match=r"version of map:ttl \(1 against 2\)"):
        compare(a, b)


def test_the_frames_are_left_as_they_were(tmp_path: Path) -> None:
    a = _frame(tmp_path / "a", {"heap_peak_bytes": 1})
    before = a.copy(deep=True)
    compare(a, _frame(tmp_path / "b", {"heap_peak_bytes": 2}))
    pd.testing.assert_frame_equal(a, before)
