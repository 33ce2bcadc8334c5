"""Begin to track your own package over its commits: an asv configuration, one benchmark, a sample step.

leakbench init mypackage             in your repository; nothing that is there is overwritten
leakbench compare main HEAD          then, in CI: exit 1 on a leak or a regression beyond noise
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package", metavar="PACKAGE", help="the importable name that your project installs")
    parser.add_argument("--dir", type=Path, default=Path(), help="the repository (default: here)")


def run(options: argparse.Namespace) -> int:
    from leakbench.beginning import begin

    begun = begin(options.dir, options.package)
    for name in begun.written:
        sys.stdout.write(f"written   {name}\n")
    for name in begun.kept:
        sys.stdout.write(f"was there {name}\n")
    here = options.dir.resolve()
    if not _is_known(options.package, here):
        sys.stderr.write(
            f"leakbench init: no {options.package!r} is installed here, nor in {here}: is that its name?\n"
        )
    if not any((folder / ".git").exists() for folder in (here, *here.parents)):
        sys.stderr.write(f"leakbench init: {here} is in no git repository yet: `git init` first\n")
    sys.stdout.write(
        "Put your step into benchmarks/workload.py and commit; then: leakbench compare main HEAD\n"
    )
    return 0


def _is_known(package: str, folder: Path) -> bool:
    """Whether a package of that name can be imported, or lies in the repository."""
    from importlib.util import find_spec

    top = package.partition(".")[0]
    if find_spec(top) is not None:
        return True
    return any(
        next(folder.glob(f"{depth}{top}{end}"), None) for depth in ("", "*/", "*/*/") for end in ("", ".py")
    )
