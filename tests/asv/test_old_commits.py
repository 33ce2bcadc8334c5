"""A benchmark asked of a commit that lacks what it is about does not apply; the others are measured."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import leakbench
import pytest
from asv.results import iter_results
from leakbench.commits import own_configuration

from tests.asv.told import git, run_asv

ROOT = Path(__file__).resolve().parents[2]
_ONE_MITIGATION = """
from leakbench.contract import Scenario

SCENARIO = Scenario("{name}", lambda make, run: make(), title="Older", warmup=16, steps={{"quick": {steps}}},
                    version={version})


class Work:
    def step(self, i):
        return i


@SCENARIO.mitigation("none", verdict="steady", summary="as it was")
def none():
    return Work()
"""


_OLDER = (("closure-capture", 1, 8_192), ("listener-registry", 2, 8_192), ("logger-names", 1, 64))
"""Name, version and quick steps; but for the first not those that are declared."""


def _before(path: str) -> list[str]:
    """The commit before the one that added a file: none in a clone without that history."""
    parents = _git("log", "--diff-filter=A", "--format=%P", "-1", "--", path).stdout.split()
    return parents if parents and _git("cat-file", "-e", *parents).returncode == 0 else []


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    """As this repository answers, which need not be one."""
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _environment(folder: Path) -> tuple[Path, Path]:
    """An environment with this one's packages but leakbench: its interpreter, and where leakbench goes."""
    venv.create(folder, symlinks=True)
    packages = next(folder.glob("lib/python3*/site-packages"))
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "others.pth").write_text("\n".join(here), encoding="utf-8")  # their own .pth are not read
    return folder / "bin" / "python", packages


def _benchmark(folder: Path, python: Path, classes: str) -> dict[str, dict[str, float | None]]:
    """What asv notes of the classes, by quantity and mitigation; the whole run has to succeed."""
    repository = folder / "repository"
    repository.mkdir()
    git(repository, "init", "--quiet")
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    git(repository, *who, "commit", "--quiet", "--allow-empty", "--message", "any")
    configuration = own_configuration(ROOT, folder) | {"repo": str(repository)}
    (folder / "asv.conf.json").write_text(json.dumps(configuration), encoding="utf-8")
    run_asv(folder, folder, "machine", "--yes")
    commit = git(repository, "rev-parse", "HEAD")
    words = ["-E", f"existing:{python}", "--set-commit-hash", commit, "--bench", f"({classes})\\."]
    done = run_asv(folder, folder, "run", "--show-stderr", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return _noted(folder)


def _noted(folder: Path) -> dict[str, dict[str, float | None]]:
    (result,) = iter_results(str(folder / "results"))
    noted = {}
    for name in result.get_all_result_keys():
        params = result.get_result_params(name)
        mitigations = [mitigation.strip("'") for mitigation in params[1]]
        values = result.get_result_value(name, params)
        noted[name.partition(".")[2]] = dict(zip(mitigations, values, strict=True))
    return noted


@pytest.mark.slow
def test_what_an_older_leakbench_lacks_does_not_apply_and_the_rest_is_measured(tmp_path: Path) -> None:
    python, packages = _environment(tmp_path / "env")
    older = packages / "leakbench"
    shutil.copytree(Path(leakbench.__file__).parent, older, ignore=shutil.ignore_patterns("__pycache__"))
    (older / "scenarios" / "churned_map.py").unlink()
    patterns = older / "scenarios" / "patterns"
    for name, version, steps in _OLDER:
        text = _ONE_MITIGATION.format(name=name, version=version, steps=steps)
        (patterns / f"{name.replace('-', '_')}.py").write_text(text, encoding="utf-8")
    command = older / "commands" / "run.py"
    text = command.read_text(encoding="utf-8")
    assert "choices=NAMES" in text
    command.write_text(text.replace("choices=NAMES", 'choices=("rss", "ledger")'), encoding="utf-8")
    noted = _benchmark(
        tmp_path, python, "ChurnedMap|ClosureCapture|ListenerRegistry|LoggerNames|WildRegexCache"
    )
    rates = noted["ClosureCapture.track_leak_bytes_per_op"]
    assert rates.pop("none") == 0
    assert rates  # the mitigations it lacks
    for values in (
        rates,
        noted["ChurnedMap.track_leak_bytes_per_op"],  # the scenario
        noted["ClosureCapture.track_heap_peak"],  # the probe
        noted["ListenerRegistry.track_leak_bytes_per_op"],  # this meaning of the scenario
        noted["LoggerNames.track_lost_entries"],  # this scale
    ):
        assert all(value is not None and math.isnan(value) for value in values.values())
    assert not any(name.startswith("WildRegexCache") for name in noted)  # not asked for: it installs packages


@pytest.mark.slow
@pytest.mark.parametrize("added", ["harness/leakbench/commands/list.py", "scenarios/churned_map.py"])
def test_a_commit_of_this_repository_from_before_a_scenario_does_not_apply(
    added: str, tmp_path: Path
) -> None:
    python, packages = _environment(tmp_path / "env")
    for commit in _before(added):  # of a shallow clone none: the test above stands for it
        archive = tmp_path / "commit.tar"
        git(ROOT, "archive", "--output", str(archive), commit)
        with tarfile.open(archive) as packed:
            packed.extractall(tmp_path / "tree", filter="data")
        shutil.copytree(tmp_path / "tree" / "harness" / "leakbench", packages / "leakbench")
        noted = _benchmark(tmp_path, python, "ChurnedMap")
        values = noted["ChurnedMap.track_leak_bytes_per_op"].values()
        assert values
        assert all(value is not None and math.isnan(value) for value in values)
