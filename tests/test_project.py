"""What the project promises about itself: its version, packages, locks, lint rules, import."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = [ROOT / "requirements" / "run.txt", ROOT / "requirements" / "test.txt"]

# Taken apart, so that this file may hold what no file may hold.
REGISTRY_HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]


def repository_files() -> list[Path]:
    """Every file that is or could be committed, links not followed, relative to the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in sorted(set(listed.split("\0")[:-1])) if (ROOT / name).exists()]


def as_installed(files: list[Path]) -> set[str]:
    """Those of a repository's files that are the package's, named as an installation names them."""
    harness = {path.relative_to("harness") for path in files if path.parts[0] == "harness"}
    scenarios = {Path("leakbench", path) for path in files if path.parts[0] == "scenarios"}
    return {path.as_posix() for path in harness - {Path("leakbench/scenarios")} | scenarios}


def locked(lock: Path) -> dict[str, str]:
    """A lock's requirement lines ("numpy==2.4.6 ; python_full_version < '3.12'"), each with its hashes."""
    entries = re.split(r"\n(?=\S)", lock.read_text())
    return dict(entry.partition(" \\\n")[::2] for entry in entries if not entry.startswith("#"))


def test_the_version_is_the_same_wherever_it_is_said() -> None:
    declared = PYPROJECT["project"]["version"]
    assert version("leakbench") == declared
    assert f"\nversion: {declared}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## [{declared}]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_folder_of_modules_is_a_package() -> None:
    """A build leaves out a folder without __init__.py and says nothing."""
    files = {PurePosixPath(name) for name in as_installed(repository_files())}
    folders = {file.parent for file in files if file.suffix == ".py"}
    assert {folder for folder in folders if folder / "__init__.py" not in files} == set()


@pytest.mark.slow
def test_a_built_wheel_holds_every_file_and_imports(tmp_path: Path) -> None:
    source = tmp_path / "source"
    files = repository_files()
    for path in files:  # a copy, since a build leaves its traces in the folder it builds
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_symlink():
            (source / path).symlink_to((ROOT / path).readlink())
        else:
            (source / path).write_bytes((ROOT / path).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in names if name.startswith("leakbench/")} == as_installed(files)

    probe = "import sys; sys.path.insert(0, sys.argv[1]); import leakbench.scenarios as s; print(s.__file__)"
    run = subprocess.run(
        [sys.executable, "-I", "-c", probe, wheel], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith(str(wheel))


def test_an_editable_install_adds_no_import_hook() -> None:
    """A hook would cost each measured child 10 ms and 2 MiB; see pyproject.toml, tool.setuptools."""
    probe = "import json, sys; print(json.dumps([finder.__module__ for finder in sys.meta_path]))"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert [module for module in json.loads(run.stdout) if "editable" in module] == []


def test_importing_leakbench_imports_nothing_else() -> None:
    """The measured child comes in through it: whatever it imports counts as the workload's memory."""
    probe = "import sys; before = set(sys.modules); import leakbench; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-I", "-c", probe], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["leakbench"]


def test_no_file_names_a_package_registry() -> None:
    """Whoever installs has a registry or a mirror of their own configured."""
    naming = [
        (str(path), host)
        for path in repository_files()
        if (ROOT / path).is_file()
        for host in REGISTRY_HOSTS
        if host.encode() in (ROOT / path).read_bytes()
    ]
    assert naming == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_requirement_is_pinned_and_hashed(lock: Path) -> None:
    entries = locked(lock)
    assert entries, "the lock is empty"
    assert [line for line in entries if not re.match(r"[a-z0-9-]+==\S+( ; .+)?$", line)] == []
    assert [line for line, rest in entries.items() if "--hash=sha256:" not in rest] == []


def test_the_test_lock_holds_the_run_lock() -> None:
    """Tests run what people run. The markers after a pin may differ, its hashes may not."""
    run, test = ({line.split(" ;")[0]: rest for line, rest in locked(lock).items()} for lock in LOCKS)
    hashes = re.compile(r"--hash=(\S+)")
    different = [pin for pin in run if hashes.findall(run[pin]) != hashes.findall(test.get(pin, ""))]
    assert different == []


def test_every_ignored_lint_rule_has_its_reason_beside_it() -> None:
    lint = (ROOT / "pyproject.toml").read_text().partition("[tool.ruff.lint]\n")[2]
    rules = re.findall(r'^\s+"([A-Z]+\d*)",(.*)$', lint, re.MULTILINE)
    ignored = PYPROJECT["tool"]["ruff"]["lint"]["ignore"]
    for_some_files = PYPROJECT["tool"]["ruff"]["lint"]["per-file-ignores"].values()
    assert sorted(rule for rule, _ in rules) == sorted(
        [*ignored, *(rule for rules in for_some_files for rule in rules)]
    )
    assert [rule for rule, comment in rules if not re.fullmatch(r"\s+# \S.+", comment)] == []


def test_mypy_is_told_of_every_folder_of_modules() -> None:
    """scenarios/ is met through the link, under the name by which it is imported."""
    folders = {path.parts[0] for path in repository_files() if path.suffix == ".py" and len(path.parts) > 1}
    assert folders - {"scenarios"} == set(PYPROJECT["tool"]["mypy"]["files"])
