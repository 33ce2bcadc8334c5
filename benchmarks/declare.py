"""Write benchmarks/tracked/bench_*.py: a class a scenario, its cases spelled out for asv.

  python benchmarks/declare.py            make declare
  python benchmarks/declare.py --check    exit 1 where a file is not what the catalogue says

asv selects a benchmark's parameters by their position and keys a setup_cache by its line. Were either taken
from the catalogue while a commit is measured, an older commit's figures would be filed under other names.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from leakbench.catalogue import discover
from leakbench.plan import is_measured

if TYPE_CHECKING:
    from leakbench.catalogue import Entry, Listed

TRACKED = Path(__file__).resolve().parent / "tracked"
_TOP = '''"""{what}. Written by `make declare`, not by hand."""

from __future__ import annotations

from .tracking import Measured, Tracked, {measure}, within
'''
_CLASS = '''

class {name}(Tracked):
    """{title}."""

    version = "{version} of {steps} steps"
    params = (
        ("{scenario}",),
        {mitigations},
    )

    @within(seconds={seconds})
    def setup_cache(self) -> Measured:
        return {measure}("{scenario}", version={version}, steps={steps})
'''
_SECONDS_A_CASE = 60  # up to 9 children each; the busiest shared machine seen took 12 s
_SECONDS_A_SCENARIO = 60
_SECONDS_TO_INSTALL = 60  # a case's packages, by pip, where nothing is cached


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="only say in what the file differs")
    options = parser.parse_args()
    catalogue = discover()
    for broken in catalogue.broken:
        sys.stderr.write(f"declare: {broken.file}: {broken.reason}\n")
    if catalogue.broken:
        return 1
    differ = False
    for name, wanted in declarations(list(catalogue.entries.values())).items():
        target = TRACKED / name
        found = target.read_text(encoding="utf-8") if target.exists() else ""
        differ = differ or found != wanted
        if options.check:
            sys.stdout.writelines(difflib.unified_diff(found.splitlines(True), wanted.splitlines(True)))  # noqa: FBT003
        else:
            target.write_text(wanted, encoding="utf-8")
    return 1 if options.check and differ else 0


def declarations(entries: list[Entry]) -> dict[str, str]:
    """The files' texts by name: what the quick profile measures, and the wild ones, measured if asked for."""
    ordered = sorted(entries, key=lambda entry: entry.scenario.name)
    quick = [entry for entry in ordered if is_measured(entry.scenario, "quick")]
    wild = [entry for entry in ordered if entry.scenario.kind == "wild"]
    return {
        "bench_scenarios.py": _declare("Every case of the catalogue, as asv tracks it", "measure", quick),
        "bench_wild.py": _declare(
            "Published packages, as asv tracks them where it is asked to", "measure_if_asked", wild
        ),
    }


def _declare(what: str, measure: str, entries: list[Entry]) -> str:
    return _TOP.format(what=what, measure=measure) + "".join(_class(entry, measure) for entry in entries)


def _class(entry: Entry, measure: str) -> str:
    scenario = entry.scenario
    names = sorted(entry.mitigations)
    return _CLASS.format(
        measure=measure,
        steps=scenario.steps["quick"],
        name=class_name(scenario.name),
        title=scenario.title.rstrip("."),
        scenario=scenario.name,
        version=scenario.version,
        mitigations=_tuple(names),
        seconds=_SECONDS_A_SCENARIO + sum(map(_seconds, entry.mitigations.values())),
    )


def _seconds(listed: Listed) -> int:
    return _SECONDS_A_CASE + (_SECONDS_TO_INSTALL if listed.mitigation.packages else 0)


def _tuple(names: list[str]) -> str:
    """A tuple's source as the formatter leaves it."""
    if len(names) == 1:
        return f'("{names[0]}",)'
    return "\n".join(["(", *(f'            "{name}",' for name in names), "        )"])


def class_name(scenario: str) -> str:
    """session-map -> SessionMap."""
    words = scenario.replace("-", " ").replace("_", " ").replace(".", " ").split()
    return "".join(word.capitalize() for word in words)


if __name__ == "__main__":
    sys.exit(main())
