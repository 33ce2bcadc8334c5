"""Finds scenarios and mitigations; a broken file is an error with its name, never skipped."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import inspect
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from leakbench.contract import KINDS, Mitigation, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

SCENARIOS_PACKAGE = "leakbench.scenarios"
MITIGATIONS_PACKAGE = "leakbench.mitigations"
_IMPORT_SECONDS = 60.0
_IMPORTED = b"imported"
_REHEARSAL = """
import os, sys
said = os.dup(1)
os.dup2(2, 1)
try:
    file = sys.argv[1]
    exec(compile(open(file, "rb").read(), file, "exec"), {"__name__": "rehearsal", "__file__": file})
except BaseException:
    pass
os.write(said, b"imported")
os._exit(0)
"""


class Entry(NamedTuple):
    """A scenario and where it comes from."""

    scenario: Scenario
    module: str
    file: str
    by_path: bool  # a person's own file, loaded by its path
    mechanism: str  # the file's docstring
    mitigations: dict[str, Listed]  # its own, and those that other files declare for it


class Listed(NamedTuple):
    """A mitigation and the module that declares it (None: the scenario's own file)."""

    mitigation: Mitigation
    module: str | None

    def missing(self) -> list[str]:
        """Names it requires that cannot be imported here; of one that brings its own packages, none."""
        if self.mitigation.packages:
            return []
        return [name for name in self.mitigation.requires if not importable(name)]

    def missing_files(self) -> list[tuple[str, str]]:
        """Paths it requires that are not here, each with the command that installs it."""
        return [item for item in self.mitigation.requires_files.items() if not Path(item[0]).exists()]

    def source(self) -> str:
        """The mitigation's source text, decorators included; empty where Python cannot find it."""
        try:
            return inspect.getsource(self.mitigation.make)
        except (OSError, TypeError):
            return ""


class Broken(NamedTuple):
    """A file that gave no scenario, and why."""

    file: str
    reason: str


class Catalogue(NamedTuple):
    """Everything that was found. `entries` is in the order of kind, then name."""

    entries: dict[str, Entry]
    broken: tuple[Broken, ...]


def discover(own_paths: Iterable[Path] = ()) -> Catalogue:
    """Read the package's scenarios, those in a person's own files or folders, and the shared mitigations."""
    entries: dict[str, Entry] = {}
    broken: list[Broken] = []
    for found in [*_packaged(), *_own(own_paths)]:
        if isinstance(found, Broken):
            broken.append(found)
        elif found.scenario.name in entries:
            first = entries[found.scenario.name].file
            broken.append(Broken(found.file, f"repeats the name {found.scenario.name!r} of {first}"))
        else:
            entries[found.scenario.name] = found
    broken += _add_shared_mitigations(entries)
    ordered = sorted(entries.values(), key=lambda e: (KINDS.index(e.scenario.kind), e.scenario.name))
    return Catalogue({entry.scenario.name: entry for entry in ordered}, tuple(broken))


def _packaged() -> Iterator[Entry | Broken]:
    package = importlib.import_module(SCENARIOS_PACKAGE)
    for info in pkgutil.walk_packages(package.__path__, SCENARIOS_PACKAGE + "."):
        if info.ispkg:
            continue
        module = _by_name(info)
        yield module if isinstance(module, Broken) else _entry(module, by_path=False)


def _own(paths: Iterable[Path]) -> Iterator[Entry | Broken]:
    for path in paths:
        if not path.exists():
            yield Broken(str(path), "does not exist")
            continue
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for file in files:
            if file.name != "__init__.py":
                yield _by_path(file.resolve())


def _by_path(file: Path) -> Entry | Broken:
    return _end_of_import(file) or _imported(file)


def _end_of_import(file: Path) -> Broken | None:
    """Whether a person's file ends the process that imports it, tried on another: nothing can catch that."""
    try:
        done = subprocess.run(  # an interpreter, our own lines, and the file as an argument
            [sys.executable, "-c", _REHEARSAL, str(file)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_IMPORT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Broken(str(file), f"does not import within {_IMPORT_SECONDS:g} s")
    if done.stdout.endswith(_IMPORTED):
        return None
    how = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
    return Broken(str(file), f"ends the process that imports it, with {how}")


def _imported(file: Path) -> Entry | Broken:
    name = "leakbench_own_" + file.stem
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        return Broken(str(file), "is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    broken = _fault_of(functools.partial(spec.loader.exec_module, module), str(file))
    if broken is None:
        return _entry(module, by_path=True)
    del sys.modules[name]
    return broken


def _by_name(info: pkgutil.ModuleInfo) -> ModuleType | Broken:
    broken = _fault_of(functools.partial(importlib.import_module, info.name), _file_of(info))
    return broken or sys.modules[info.name]


def _fault_of(load: Callable[[], object], file: str) -> Broken | None:
    """Why a file does not import, if so: one that does not must not hide the others.

    What it prints goes to standard error: standard output may carry one JSON document and nothing else.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # a person's file may even call sys.exit
        return Broken(file, f"does not import: {type(error).__name__}: {error}")
    return None


def _entry(module: ModuleType, *, by_path: bool) -> Entry | Broken:
    file = str(module.__file__)
    scenario = getattr(module, "SCENARIO", None)
    if not isinstance(scenario, Scenario):
        return Broken(file, "has no scenario: it must define SCENARIO = Scenario(...)")
    if not scenario.mitigations and by_path:
        return Broken(file, f"scenario {scenario.name!r} has no mitigation, not even 'none'")
    own = {name: Listed(mitigation, None) for name, mitigation in scenario.mitigations.items()}
    return Entry(scenario, module.__name__, file, by_path, inspect.getdoc(module) or "", own)


def _add_shared_mitigations(entries: dict[str, Entry]) -> list[Broken]:
    broken = []
    package = importlib.import_module(MITIGATIONS_PACKAGE)
    for info in pkgutil.walk_packages(package.__path__, MITIGATIONS_PACKAGE + "."):
        module = _by_name(info)
        if isinstance(module, Broken):
            broken.append(module)
            continue
        for mitigation in _declared(module):
            for name in mitigation.mends:
                fault = _add(entries, name, mitigation, module)
                if fault:
                    broken.append(Broken(str(module.__file__), fault))
    return broken


def _declared(module: ModuleType) -> Iterator[Mitigation]:
    for value in list(vars(module).values()):
        # What another module declares and this one merely imports is found over there.
        if getattr(value, "__module__", None) == module.__name__:
            yield from getattr(value, "__mitigations__", ())


def _add(entries: dict[str, Entry], scenario: str, mitigation: Mitigation, module: ModuleType) -> str | None:
    if scenario not in entries:
        return f"mends {scenario!r}, which is no scenario"
    listed = entries[scenario].mitigations
    if mitigation.name in listed:
        return f"names a mitigation {mitigation.name!r} of {scenario!r} that there is already"
    listed[mitigation.name] = Listed(mitigation, module.__name__)
    return None


def _file_of(info: pkgutil.ModuleInfo) -> str:
    spec = importlib.util.find_spec(info.name)
    return str(spec.origin) if spec is not None else info.name


def importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:  # the package that holds it is missing
        return False
