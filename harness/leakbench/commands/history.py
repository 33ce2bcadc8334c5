"""Write a small git repository whose leaks and mends are known, for asv to be tried on.

  leakbench history /tmp/desk
  cd /tmp/desk && asv machine --yes && asv run ALL && asv publish
  leakbench compare --history . --truth truth.json

truth.json says which commit brought what.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new folder")


def run(options: argparse.Namespace) -> int:
    from leakbench.history import write_history

    commits = write_history(options.folder)
    sys.stdout.write(f"{options.folder}: {commits} commits\n")
    return 0
