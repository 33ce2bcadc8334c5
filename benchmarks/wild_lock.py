"""Pins what the real leaks need: writes the lock of each `packages` that has none, with every wheel's hash.

    python benchmarks/wild_lock.py [SCENARIO …]      only those that have no lock yet
    python benchmarks/wild_lock.py --anew wild-…     resolve again

What a package needs in turn is taken in the newest version that fits, on every platform and from Python
3.11 on; from then on the lock decides.
"""

from __future__ import annotations

import argparse
import fnmatch
import subprocess
import sys

from leakbench.catalogue import discover
from leakbench.wheelhouse import Wheels, wheels

COMPILE = (
    "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--only-binary", ":all:",
    "--python-version", "3.11", "--no-header", "--no-annotate", "--allow-unsafe", "--no-config", "-",
)  # fmt: skip


def wanted(globs: list[str]) -> list[Wheels]:
    """The packages of all scenarios that a glob names, each once."""
    found: dict[Wheels, None] = {}
    for name, entry in discover().entries.items():
        if not any(fnmatch.fnmatchcase(name, glob) for glob in globs):
            continue
        for listed in entry.mitigations.values():
            if listed.mitigation.packages:
                found[wheels(listed.mitigation.packages, entry.file)] = None
    return list(found)


def lock(each: Wheels) -> None:
    resolved = subprocess.run(
        [sys.executable, *COMPILE], input="\n".join(each.requirements), text=True, check=True,
        stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    each.lock.parent.mkdir(exist_ok=True)
    each.lock.write_text(resolved, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", default=["*"], help="names or globs (default: all)")
    parser.add_argument("--anew", action="store_true", help="also those that have a lock")
    options = parser.parse_args()
    for each in wanted(options.scenarios):
        if options.anew or not each.lock.exists():
            lock(each)
            print(each.lock.name)


if __name__ == "__main__":
    main()
