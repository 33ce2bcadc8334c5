"""What asv's results cannot tell is said with a way out, and the rest is judged."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from asv.util import load_json, write_json

from tests.asv.told import git, tell
from tests.commands import clean_environ, leakbench

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = (".asv", "results")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told") / "desk"
    tell(folder)
    return folder


@pytest.fixture
def desk(told: Path, tmp_path: Path) -> Path:
    """A copy of the history that a test may spoil."""
    return shutil.copytree(told, tmp_path / "desk", symlinks=True)


def _with_git() -> dict[str, str]:
    """The environment of a command that is to find a repository."""
    return {name: value for name, value in clean_environ().items() if name != "GIT_DIR"}


def _judged(folder: Path) -> tuple[int, str]:
    """The status of a judgement, and all it says, on one line."""
    done = leakbench("compare", "--history", folder, environ=_with_git())
    return done.returncode, " ".join((done.stderr + done.stdout).split())


@pytest.mark.slow
def test_a_shallow_clone_is_judged_as_far_as_it_goes_and_says_what_it_lacks(
    told: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", "--depth", "3", f"file://{told}", "shallow")
    shutil.copytree(told.joinpath(*RESULTS), tmp_path.joinpath("shallow", *RESULTS))
    status, said = _judged(tmp_path / "shallow")
    assert status == 0
    assert "main: 3 commits measured; 22 more are not in this clone (`git fetch --unshallow`" in said
    assert "mended" in said  # by the last commit but one


@pytest.mark.slow
def test_results_of_two_machines_are_judged_apart(desk: Path) -> None:
    results = desk.joinpath(*RESULTS)
    shutil.copytree(results / "told", results / "other")
    for file in (results / "other").iterdir():
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace('"machine": "told"', '"machine": "other"'), encoding="utf-8")
    _, said = _judged(desk)
    assert "told, virtualenv-py3.11, main: 25 commits measured" in said
    assert "other, virtualenv-py3.11, main: 25 commits measured" in said


def test_a_result_of_another_schema_is_left_out_and_named(desk: Path) -> None:
    file = min(desk.joinpath(*RESULTS, "told").glob("*-virtualenv*.json"))
    write_json(str(file), load_json(str(file), 2), 9)
    _, said = _judged(desk)
    assert f"{file.name} is stored in a format that is newer" in said
    assert "24 commits measured, 1 since the first of them not" in said


@pytest.mark.slow
def test_a_change_behind_commits_that_were_not_measured_is_a_range(desk: Path) -> None:
    hashes = git(desk, "rev-list", "--first-parent", "--reverse", "main").split()
    subjects = git(desk, "log", "--first-parent", "--reverse", "--format=%s", "main").splitlines()
    leak = subjects.index("Remember who came when")
    for place in (leak - 1, leak):
        for file in desk.joinpath(*RESULTS, "told").glob(f"{hashes[place][:8]}-*.json"):
            file.unlink()
    _, said = _judged(desk)
    assert f"{hashes[leak - 2][:8]}.." in said
    assert f"▲ {hashes[leak][:8]}" not in said


def test_results_without_a_readable_list_of_benchmarks_say_how_to_get_one(desk: Path) -> None:
    desk.joinpath(*RESULTS, "benchmarks.json").unlink()
    status, said = _judged(desk)
    assert status == 2
    assert "Use `asv run --bench just-discover` to regenerate benchmarks.json" in said


def test_a_folder_without_a_configuration_is_no_history(tmp_path: Path) -> None:
    status, said = _judged(tmp_path)
    assert status == 2
    assert "`asv run` measures one" in said


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        (("no-such", "HEAD"), "'no-such' is neither a run's folder nor a commit"),
        (("HEAD", "HEAD"), "has no asv.conf.json; `leakbench init` writes one"),
    ],
)
def test_what_cannot_be_compared_says_why(sides: tuple[str, str], said: str, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    git(tmp_path, *who, "commit", "--quiet", "--allow-empty", "--message", "any")
    done = leakbench("compare", *sides, cwd=tmp_path, environ=_with_git())
    assert done.returncode == 2
    assert said in done.stderr


def test_a_commit_that_a_shallow_clone_lacks_says_how_to_fetch_it(told: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{told}", "shallow")
    done = leakbench("compare", "HEAD~1", "HEAD", cwd=tmp_path / "shallow", environ=_with_git())
    assert done.returncode == 2
    assert "the clone is shallow; `git fetch --unshallow` first" in done.stderr


@pytest.mark.slow
def test_an_interpreter_that_is_not_here_is_named_with_a_way_out(told: Path) -> None:
    done = leakbench("compare", "HEAD~1", "HEAD", "--python", "3.99", cwd=told, environ=_with_git())
    assert done.returncode == 2
    assert "No executable found for python 3.99" in done.stderr
    assert "another be chosen by --python" in done.stderr
