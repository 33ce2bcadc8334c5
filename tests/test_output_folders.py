"""A folder that cannot take the results is told before anything is measured, or at the first failed write."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.commands import leakbench, rows, write_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRONG_USAGE = 2
pytestmark = pytest.mark.slow
QUICK = ("run", "noop", "--probe", "rss", "--scale", "512", "--no-report", "--out")


def mount(*words: str | Path) -> None:
    """Skips where mounting is not allowed: what a container's owner forbids, no installation mends."""
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)  # noqa: S607  # by name
    if done.returncode:
        pytest.skip(f"platform: no mounting here: {done.stderr.strip()}")


@pytest.fixture
def mountpoint(tmp_path: Path) -> Iterator[Path]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("platform: only root mounts, and only Linux has tmpfs")
    point = tmp_path / "small"
    point.mkdir()
    yield point
    subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)  # noqa: S607  # by name


def refused(folder: Path, reason: str) -> None:
    done = leakbench(*QUICK, folder)
    assert done.returncode == WRONG_USAGE
    assert done.stderr.startswith(f"leakbench run: {folder}")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1  # nothing was measured, and nothing else is said


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    refused(tmp_path, "exists and is not empty; choose another --out, or go on with it by --resume")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    assert leakbench(*QUICK, tmp_path).returncode == 0
    assert len(rows(tmp_path)) == 1


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    file = tmp_path / "taken"
    file.write_text("mine")
    refused(file, "cannot be written: Not a directory; choose another --out")
    refused(file / "below", "cannot be written: Not a directory; choose another --out")
    assert file.read_text() == "mine"


def test_a_read_only_folder_is_told(mountpoint: Path) -> None:
    mount("-t", "tmpfs", "-o", "ro", "tmpfs", mountpoint)
    refused(mountpoint / "run", "cannot be written: Read-only file system; choose another --out")


def test_a_disk_that_is_full_before_the_run_is_told(mountpoint: Path) -> None:
    mount("-t", "tmpfs", "-o", "size=16k", "tmpfs", mountpoint)
    with pytest.raises(OSError, match="No space left"):
        (mountpoint / "ballast").write_bytes(bytes(1 << 20))
    refused(mountpoint / "run", "cannot be written: No space left on device; choose another --out")


def test_a_disk_that_fills_during_the_run_loses_nothing_and_the_run_goes_on_once_there_is_room(
    tmp_path: Path, mountpoint: Path
) -> None:
    """A ladder takes 2 to 3 KiB: 64 KiB hold some of the 82 lines and not all."""
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", mountpoint)
    for number in range(40):
        write_scenario(tmp_path / "own", f"case-{number:02}", steps=64, head="#" * 200)
    step = 'raise ValueError("x" * 1900)'
    write_scenario(tmp_path / "own", "aa-first", step, steps=64)
    out = mountpoint / "run"
    words = ["run", "aa-first", "case-*", "--probe", "rss", "--probe", "ledger", "--no-report"]
    words += ["--scenarios", str(tmp_path / "own"), "--out", str(out)]
    done = leakbench(*words)
    assert done.returncode == WRONG_USAGE
    assert "No space left on device; what was measured before is kept: make room and go on" in done.stderr
    kept = rows(out)
    assert 0 < len(kept) < 82
    assert (out / "measurements.jsonl").read_bytes().endswith(b"\n")
    mount("-o", "remount,size=4m", mountpoint)
    done = leakbench(*words, "--resume")
    assert f"({len([r for r in kept if r['status'] == 'measured'])} more were there already)" in done.stderr
    assert rows(out)[: len(kept)] == kept
    measured = [(row["case"], row["probe"]) for row in rows(out) if row["status"] == "measured"]
    assert len(measured) == len(set(measured)) == 80
