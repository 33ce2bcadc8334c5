"""A run's folder keeps every outcome as it was, whatever cut the run off, and says what it cannot keep."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leakbench import store
from leakbench.model import SCHEMA, Case, Failure, Measurement, Outcome

if TYPE_CHECKING:
    from pathlib import Path

CASE = Case("session-map", "none", 1_024)
ONE = Measurement(CASE, "rss", 0, {"peak_rss_bytes": 1, "settled_rss_bytes": 0})
OTHER = Failure(CASE, "ledger", 0, "was killed by SIGKILL", {"ladder": [[0, 1]]})

TEXTS = st.text()  # line separators and the like included
VALUES = st.dictionaries(
    TEXTS,
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
)
CASES = st.builds(
    Case,
    scenario=st.sampled_from(["noop", "session-map"]),
    mitigation=st.sampled_from(["none", "lru.2"]),
    scale=st.integers(1),
    seed=st.integers(),
    params=st.dictionaries(TEXTS, st.integers()).map(lambda given: tuple(sorted(given.items()))),
)
OUTCOMES = st.builds(Measurement, CASES, st.just("rss"), st.integers(0, 4), VALUES) | st.builds(
    Failure, CASES, st.just("heap"), st.integers(0, 4), TEXTS, VALUES
)


@given(OUTCOMES)
def test_a_line_reads_back_as_the_outcome_it_was(outcome: Outcome) -> None:
    line = store.to_line(outcome)
    assert "\n" not in line
    assert store.from_row(json.loads(line)) == outcome


@pytest.mark.parametrize("said", ["a\u2028b", "a\x85b\x0cc", "caf\udce9", "snow ☃", 'quote " and \\'])
def test_whatever_a_step_says_stays_on_one_line_of_the_file(tmp_path: Path, said: str) -> None:
    failure = OTHER._replace(reason=said)
    with store.Run(tmp_path / "run") as run:
        run.append(failure)
        run.append(ONE)
    assert list(store.outcomes(run.folder)) == [failure, ONE]
    assert (run.folder / store.MEASUREMENTS).read_bytes().decode("utf-8").count("\n") == 2


def test_a_value_that_is_no_number_never_gets_into_the_file() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.to_line(ONE._replace(values={"rate": float("nan")}))


def test_a_run_that_is_gone_on_with_holds_what_was_measured_and_not_what_failed(tmp_path: Path) -> None:
    with store.Run(tmp_path) as run:
        run.append(ONE)
        run.append(OTHER)
    with store.Run(tmp_path, resume=True) as again:
        assert again.done == {(CASE, "rss", 0): ONE}
        mended = Measurement(CASE, "ledger", 0, {"verdict": "leak"})
        again.append(mended)
    assert list(store.outcomes(tmp_path)) == [ONE, mended]


@pytest.mark.parametrize("kept_bytes", [1, 40, -2, -1])
def test_a_last_line_that_was_cut_off_is_left_out_said_and_mended(tmp_path: Path, kept_bytes: int) -> None:
    with store.Run(tmp_path) as run:
        run.append(ONE)
        run.append(OTHER)
    file = tmp_path / store.MEASUREMENTS
    first, second, _ = file.read_bytes().split(b"\n")
    file.write_bytes(first + b"\n" + (second + b"\n")[:kept_bytes])
    rows, said = store.read_rows(tmp_path)
    complete = kept_bytes == -1  # all but the line's end: nothing is missing from it
    assert len(rows) == (2 if complete else 1)
    assert (said is None) == complete
    assert said is None or "line 2 of measurements.jsonl was cut off" in said
    with store.Run(tmp_path, resume=True) as again:
        again.append(OTHER)
    assert list(store.outcomes(tmp_path)) == [ONE, OTHER]


@pytest.mark.parametrize("damage", [b"{", b"", b"5", b"[1]", b"\xff\xfe"])
def test_damage_in_the_middle_is_an_error_with_its_place(tmp_path: Path, damage: bytes) -> None:
    with store.Run(tmp_path) as run:
        run.append(ONE)
    file = tmp_path / store.MEASUREMENTS
    file.write_bytes(damage + b"\n" + file.read_bytes())
    with pytest.raises(store.StoreError, match=r"measurements\.jsonl, line 1: is no JSON; restore the file"):
        store.read_rows(tmp_path)


def test_a_line_that_is_no_measurement_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / store.MEASUREMENTS).write_text(json.dumps({"schema": SCHEMA}) + "\n")
    said = r"measurements\.jsonl, line 1: 'case' is missing or no str; restore the file or measure again"
    with pytest.raises(store.StoreError, match=said):
        store.Run(tmp_path, resume=True)


def test_a_folder_is_written_by_one_run_at_a_time(tmp_path: Path) -> None:
    with store.Run(tmp_path), pytest.raises(store.StoreError, match="is being written by another leakbench"):
        store.Run(tmp_path, resume=True)
    store.Run(tmp_path, resume=True).close()


def test_another_schema_is_refused(tmp_path: Path) -> None:
    line = json.dumps(json.loads(store.to_line(ONE)) | {"schema": SCHEMA + 1})
    (tmp_path / store.MEASUREMENTS).write_text(line + "\n")
    with pytest.raises(
        store.StoreError, match=f"line 1: has schema {SCHEMA + 1}, this leakbench reads {SCHEMA}"
    ):
        store.read_rows(tmp_path)


def test_a_run_without_a_measurement_has_no_rows(tmp_path: Path) -> None:
    with store.Run(tmp_path):
        assert store.read_rows(tmp_path) == ([], None)


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(store.StoreError, match=r"is no run: it has no measurements\.jsonl"):
        store.read_rows(tmp_path)
    with pytest.raises(store.StoreError, match=r"is no run: it has no cases\.json"):
        store.read_document(tmp_path, store.CASES)


def test_a_folder_with_something_in_it_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "notes").touch()
    with pytest.raises(store.StoreError, match="exists and is not empty; choose another --out, or go on"):
        store.Run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    for folder in (tmp_path / "run", tmp_path / "run" / "below"):
        with pytest.raises(
            store.StoreError, match="cannot be written: Not a directory; choose another --out"
        ):
            store.Run(folder)


FULL = """
import resource, sys
from pathlib import Path
from leakbench import store
from leakbench.model import Case, Measurement
run = store.Run(Path(sys.argv[1]))
line = Measurement(Case("noop", "none", 1), "rss", 0, {"note": "x" * 100})
size = len(store.to_line(line)) + 1
resource.setrlimit(resource.RLIMIT_FSIZE, (size * 2 + size // 2,) * 2)
written = 0
try:
    while True:
        run.append(line._replace(repeat=written % 10))
        written += 1
except store.StoreError as error:
    print(written, error)
"""


def test_a_disk_that_fills_in_the_middle_of_a_line_loses_no_line_before_it(tmp_path: Path) -> None:
    """The limit lies at two and a half lines: the third is cut by the kernel and taken off again."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("2 ")
    assert "what was measured before is kept: make room and go on with --resume" in done.stdout
    assert [outcome.repeat for outcome in store.outcomes(tmp_path)] == [0, 1]
    assert (tmp_path / store.MEASUREMENTS).read_bytes().endswith(b"\n")


def test_a_document_is_replaced_in_one_move(tmp_path: Path) -> None:
    with store.Run(tmp_path) as run:
        run.write(store.CASES, [{"scenario": "noop"}])
        run.write(store.CASES, [{"scenario": "sawtooth"}])
    assert store.read_document(tmp_path, store.CASES) == [{"scenario": "sawtooth"}]
    assert not list(tmp_path.glob("*.part"))
