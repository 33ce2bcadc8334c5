"""Published packages in the versions that a case is about, each in a folder of its own under a cache.

A case names its requirements (``packages=("babel==2.11.0",)``); which files that means, the packages it
needs in turn included, is pinned by hash in ``locks/<requirements>.txt`` beside the scenario's file. They are
installed from wheels by the running interpreter's pip, when a run first needs them, and never into an
environment: the child of such a case imports from its folder alone.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from leakbench.errors import LeakbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

LOCKS_FOLDER = "locks"
CACHE_VARIABLE = "LEAKBENCH_CACHE"
_DIGEST_DIGITS = 12
_INSTALL_DEADLINE_SECONDS = 600.0
_PIP = (
    "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:",
    "--require-hashes", "--no-deps", "--no-compile",
)  # fmt: skip


class CannotInstallError(LeakbenchError):
    """A case's packages cannot be had here; the message is the reason, in one line."""


class Wheels(NamedTuple):
    """The packages of a case: its requirements, and the lock that pins all that they need."""

    requirements: tuple[str, ...]
    lock: Path

    @property
    def name(self) -> str:
        return " ".join(self.requirements)

    @property
    def folder(self) -> Path:
        """Where they are, or will be: another lock, interpreter or machine means another folder.

        Raises CannotInstallError where there is no lock.
        """
        try:
            pinned = self.lock.read_bytes()
        except OSError:
            raise CannotInstallError(
                f"{self.name} is not locked: {self.lock} does not exist;"
                " `python benchmarks/wild_lock.py` writes it"
            ) from None
        digest = hashlib.sha256(pinned).hexdigest()[:_DIGEST_DIGITS]
        tag = f"{sys.implementation.cache_tag}-{sys.platform}-{platform.machine()}"
        return cache_folder() / "packages" / tag / f"{self.lock.stem}-{digest}"


def wheels(requirements: Sequence[str], scenario_file: str) -> Wheels:
    """The packages of a case of the scenario in that file."""
    lock = Path(scenario_file).parent / LOCKS_FOLDER / f"{'+'.join(requirements)}.txt"
    return Wheels(tuple(requirements), lock)


def cache_folder() -> Path:
    """LEAKBENCH_CACHE, or `leakbench` in the person's own cache (XDG_CACHE_HOME, else ~/.cache)."""
    own = os.environ.get(CACHE_VARIABLE)
    if own:
        return Path(own).absolute()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (shared if shared.is_absolute() else Path.home() / ".cache") / "leakbench"


def install(wanted: Wheels) -> Path:
    """The folder that holds the packages; installs them where it is not there yet.

    It appears whole or not at all: an installation that is cut off leaves nothing that a later one, or one
    at the same time, could take for whole. Raises CannotInstallError.
    """
    folder = wanted.folder
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".installing-", dir=folder.parent) as scratch:
        fresh = Path(scratch, "packages")
        _pip(wanted, fresh)
        # The child writes no bytecode, and one that must compile first allocates otherwise than the next.
        compileall.compile_dir(fresh, quiet=2, stripdir=str(fresh), prependdir=str(folder))
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody else was first, with the same files
                raise
    return folder


def install_all(wanted: Iterable[Wheels], installing: Callable[[Wheels], None]) -> dict[Wheels | None, str]:
    """Install each of them, telling of those that are not there yet; returns why some cannot be had."""
    faults: dict[Wheels | None, str] = {}
    for each in dict.fromkeys(wanted):
        try:
            if not each.folder.is_dir():
                installing(each)
            install(each)
        except CannotInstallError as error:
            faults[each] = str(error)
    return faults


def _pip(wanted: Wheels, folder: Path) -> None:
    command = [sys.executable, *_PIP, "--target", str(folder), "--requirement", str(wanted.lock)]
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=_INSTALL_DEADLINE_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise CannotInstallError(f"{wanted.name} cannot be installed: {_reason(error.stderr)}") from None
    except subprocess.TimeoutExpired:
        raise CannotInstallError(
            f"{wanted.name} cannot be installed: pip did not end within {_INSTALL_DEADLINE_SECONDS:g} s"
        ) from None


def _reason(complaint: str) -> str:
    """What pip gives as its reason: its last line that says ERROR, else its last line; without addresses."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    said = (errors or lines or ["pip says nothing"])[-1]
    return re.sub(r"\w+://\S+", "(address)", said)
