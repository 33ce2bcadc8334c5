"""A run's folder: append-only JSON lines with a schema version, the machine, and the catalogue."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from typing import TYPE_CHECKING, Any, Self

from leakbench.errors import LeakbenchError
from leakbench.model import SCHEMA, Case, Failure, Measurement, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

MEASUREMENTS = "measurements.jsonl"
ENVIRONMENT = "environment.json"
CASES = "cases.json"
FINDINGS = "claims.json"


class StoreError(LeakbenchError):
    """A run's folder that cannot be written or read; the message says which, why, and the way out."""


def to_line(outcome: Outcome) -> str:
    """One line of measurements.jsonl, without its end: any text that a child may say, and no line break."""
    row = {
        "schema": SCHEMA,
        "case": outcome.case.id,
        "scale": outcome.case.scale,
        "seed": outcome.case.seed,
        "params": dict(outcome.case.params),
        "repeat": outcome.repeat,
        "probe": outcome.probe,
        "status": outcome.status,
        "reason": outcome.reason,
        "values": outcome.values,
    }
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def from_row(row: Mapping[str, Any]) -> Outcome:
    """The outcome that a line's document stands for."""
    scenario, _, mitigation = row["case"].partition(":")
    params = tuple(sorted(row.get("params", {}).items()))
    case = Case(scenario, mitigation, row["scale"], row["seed"], params)
    if row["status"] == "measured":
        return Measurement(case, row["probe"], row["repeat"], row["values"])
    return Failure(case, row["probe"], row["repeat"], row["reason"], row["values"])


def read_rows(folder: Path) -> tuple[list[dict[str, Any]], str | None]:
    """All lines of a run, and what is to be said of a last line that was cut off (else None).

    Raises StoreError where there is no run, where a line but the last is damaged, for another schema, and
    where a line lacks what every line has.
    """
    file = folder / MEASUREMENTS
    try:
        lines = file.read_bytes().removesuffix(b"\n").split(b"\n")  # splitlines cuts at U+2028 and the like
    except FileNotFoundError:
        raise StoreError(
            f"{folder} is no run: it has no {MEASUREMENTS}; `leakbench run --out` makes one"
        ) from None
    except OSError as error:
        raise StoreError(f"{file} cannot be read: {error.strerror}") from error
    rows: list[dict[str, Any]] = []
    if lines == [b""]:
        return rows, None
    for number, line in enumerate(lines, 1):
        try:
            row = dict(json.loads(line))
        except (ValueError, TypeError):
            if number == len(lines):
                return rows, f"line {number} of {MEASUREMENTS} was cut off and is left out"
            raise StoreError(
                f"{file}, line {number}: is no JSON; restore the file or measure again"
            ) from None
        if row.get("schema") != SCHEMA:
            found = row.get("schema")
            raise StoreError(
                f"{file}, line {number}: has schema {found}, this leakbench reads {SCHEMA}; measure again"
            )
        problem = _problem(row)
        if problem:
            raise StoreError(f"{file}, line {number}: {problem}; restore the file or measure again")
        rows.append(row)
    return rows, None


_LINE = {"case": str, "scale": int, "seed": int, "repeat": int, "probe": str, "status": str, "values": dict}


def _problem(row: Mapping[str, Any]) -> str | None:
    for name, kind in _LINE.items():
        if not isinstance(row.get(name), kind):
            return f"{name!r} is missing or no {kind.__name__}"
    return None


class Run:
    """An open run folder, which no other process writes to. Each outcome is handed to the kernel at once."""

    def __init__(self, folder: Path, *, resume: bool = False) -> None:
        self.folder = folder
        self.done: dict[tuple[Case, str, int], Measurement] = {}
        try:
            if folder.exists() and any(folder.iterdir()) and not resume:
                raise StoreError(
                    f"{folder} exists and is not empty; choose another --out, or go on with it by --resume"
                )
            for name in ("captures", "flamegraphs"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            self._file = os.open(folder / MEASUREMENTS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            self._lock()
            if resume:
                self._mend_tail()
                outcomes = [from_row(row) for row in read_rows(folder)[0]]
                self.done = {
                    (outcome.case, outcome.probe, outcome.repeat): outcome
                    for outcome in outcomes
                    if isinstance(outcome, Measurement)
                }
        except OSError as error:
            raise StoreError(f"{folder} cannot be written: {error.strerror}; choose another --out") from error

    def _lock(self) -> None:
        """Be the only one that writes here; the lock goes with the process, however that ends."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise StoreError(
                f"{self.folder} is being written by another leakbench; wait for it, or choose another --out"
            ) from None

    def _mend_tail(self) -> None:
        """Take off a last line that was cut off, so that what is appended starts on a line of its own."""
        content = (self.folder / MEASUREMENTS).read_bytes()
        if content and not content.endswith(b"\n"):
            os.ftruncate(self._file, content.rfind(b"\n") + 1)

    def append(self, outcome: Outcome) -> None:
        """Write one line, whole or not at all."""
        # A lone surrogate, as in an undecodable file name, becomes \\udcff: JSON's own escape for it.
        line = (to_line(outcome) + "\n").encode(errors="backslashreplace")
        before = os.fstat(self._file).st_size
        try:
            complete = os.write(self._file, line) == len(line)
            why = os.strerror(errno.ENOSPC)
        except OSError as error:
            complete, why = False, str(error.strerror)
        if not complete:
            os.ftruncate(self._file, before)
            raise StoreError(
                f"{self.folder / MEASUREMENTS} cannot be written: {why}; what was measured before is kept:"
                " make room and go on with --resume"
            )

    def write(self, name: str, document: Mapping[str, Any] | Sequence[Any]) -> None:
        """Write one of the run's JSON documents, replacing it in one move."""
        target = self.folder / name
        part = target.with_suffix(".part")
        try:
            part.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            part.replace(target)
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error.strerror}; choose another --out") from error

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_document(folder: Path, name: str) -> Any:
    """One of a run's JSON documents. Raises StoreError where it is missing or no JSON."""
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(f"{folder} is no run: it has no {name}; `leakbench run --out` makes one") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder / name} cannot be read: {error}") from error


def outcomes(folder: Path) -> Iterator[Outcome]:
    """The run's outcomes in the order in which they were measured; the last of a repeated key counts."""
    latest: dict[tuple[Case, str, int], Outcome] = {}
    for row in read_rows(folder)[0]:
        outcome = from_row(row)
        latest[outcome.case, outcome.probe, outcome.repeat] = outcome
    yield from latest.values()
