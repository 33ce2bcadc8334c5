"""Lets the set-ups of one commit and environment measure together what asv is about to ask them for.

asv runs set-ups one after another. Each for itself leaves a core idle while its last case ends or its server
waits, and over the whole catalogue that doubles the time. So the first one measures what all of them are
asked for, in one run, and those after it find their lines there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

from . import asking

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .asking import Row

VARIABLE = "LEAKBENCH_TRACK_TOGETHER"
"""Environment variable, set by leakbench's asv plugin for one commit and environment. JSON: `occasion` is a
name of its own, so that an earlier one's lines are not taken for its; `scenarios` are those that asv has
chosen, each with the version that its benchmark means, in the words of its class."""


def list_catalogue() -> tuple[str, str]:
    """What `leakbench list --json` of the commit says, and its complaints; asked once on an occasion."""
    kept = _kept()
    if "listed" not in kept:
        done = asking.leakbench("list", "--json")
        kept["listed"] = done.stdout, done.stderr.strip()
        _keep(kept)
    listed, complaint = kept["listed"]
    return listed, complaint


def lines_of(scenario: str, *, measure: Callable[[Path, dict[str, str]], list[Row]]) -> list[Row]:
    """A scenario's lines of the run that all share, which is made now unless it has been.

    measure: makes one run, in a folder, of those of the scenarios (with the version that is meant of each)
    that the commit has. Where it raises RuntimeError there are no lines, nor where this scenario is not asked
    for: then a set-up measures its own.
    """
    asked = _asked()["scenarios"]
    if scenario not in asked:
        return []
    kept = _kept()
    if "lines" not in kept:
        kept["lines"] = []  # so much there is where this set-up is ended before it is done
        _keep(kept)
        folder = asking.folder_of(_name())
        try:
            kept["lines"] = measure(folder, asked)
        except RuntimeError as error:
            sys.stderr.write(f"each set-up measures its own: {error}\n")
            shutil.rmtree(folder, ignore_errors=True)
        _keep(kept)
    return [line for line in kept["lines"] if line["case"].partition(":")[0] == scenario]


def _asked() -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(os.environ.get(VARIABLE, "null")) or {
        "occasion": None,
        "scenarios": {},
    }
    return asked


def _name() -> str:
    """Of the run's folder: the scenario's, or one for this selection, lest a smaller one takes its place."""
    names = sorted(_asked()["scenarios"])
    return names[0] if len(names) == 1 else f"together-{hashlib.sha256(repr(names).encode()).hexdigest()[:8]}"


def _file() -> Path:
    return asking.folder_of("occasion.json")


def _kept() -> dict[str, Any]:
    """What this occasion's set-ups have kept for each other so far."""
    occasion = _asked()["occasion"]
    try:
        kept: dict[str, Any] = json.loads(_file().read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        kept = {}
    return kept if kept.get("occasion") == occasion is not None else {"occasion": occasion}


def _keep(kept: dict[str, Any]) -> None:
    if kept["occasion"] is not None:
        _file().parent.mkdir(parents=True, exist_ok=True)
        _file().write_text(json.dumps(kept), encoding="utf-8")
