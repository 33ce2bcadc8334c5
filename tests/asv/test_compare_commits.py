"""`leakbench init` in a small repository, and `leakbench compare` of its commits, built by asv in earnest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from leakbench import commits
from leakbench.commands.compare_commits import show_pair
from leakbench.judge_history import LEAK, PEAK, Commit, Span

from tests.asv.told import git
from tests.commands import clean_environ

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "shop"
version = "1.0"
"""
# Fetching and starting setuptools, once a commit, takes longer than everything that is tested here.
BACKEND = """
from pathlib import Path
from zipfile import ZipFile

FILES = {
    "METADATA": "Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0\\n",
    "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "RECORD": "",
}


def build_wheel(folder, config_settings=None, metadata_directory=None):
    with ZipFile(Path(folder, "shop-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.write("shop/__init__.py")
        for name, text in FILES.items():
            wheel.writestr("shop-1.0.dist-info/" + name, text)
    return "shop-1.0-py3-none-any.whl"
"""
CLEAN = """
ORDERS = {}


def order(number):
    return "order %d" % number
"""
LEAKY = CLEAN.replace("    return", "    ORDERS[number] = number\n    return")


def _commit(folder: Path, name: str, text: str) -> str:
    """Write a file and commit all there is; the commit's hash."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    git(folder, "add", "--all")
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    git(folder, *who, "commit", "--quiet", "--message", name)
    return git(folder, "rev-parse", "HEAD")


def _leakbench(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it with a home of its own, where asv notes the machine; what pip has fetched stays the person's."""
    environ = {name: value for name, value in clean_environ().items() if name != "GIT_DIR"}
    command = [sys.executable, "-m", "leakbench", *words]
    kept = {"XDG_CACHE_HOME": str(Path("~/.cache").expanduser())} | environ
    return subprocess.run(
        command,
        cwd=folder,
        env=kept | {"HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_leak_fails_the_comparison_and_what_does_not_build_is_said(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    git(shop, "init", "--quiet")
    _commit(shop, ".gitignore", "__pycache__/\n")
    _commit(shop, "pyproject.toml", PROJECT)
    _commit(shop, "backend.py", BACKEND)
    assert _leakbench(shop, "init", "shop").returncode == 0
    workload = (shop / "benchmarks" / "workload.py").read_text(encoding="utf-8")
    assert "return shop.__name__" in workload
    _commit(shop, "benchmarks/workload.py", workload.replace("shop.__name__", "shop.order(i)"))
    clean = _commit(shop, "shop/__init__.py", CLEAN)
    leaky = _commit(shop, "shop/__init__.py", LEAKY)
    broken = _commit(shop, "pyproject.toml", PROJECT.replace('name = "shop"', "name ="))
    (shop / "shop" / "__init__.py").write_text("not committed", encoding="utf-8")

    brought = _leakbench(shop, "compare", clean, leaky)
    assert brought.returncode == 1, brought.stderr
    assert "shop:requests" in brought.stdout
    assert "the work tree has changes that are in no commit: not measured" in brought.stderr
    unbuilt = _leakbench(shop, "compare", leaky, broken)  # the first is installed still
    assert unbuilt.returncode == 2, unbuilt.stdout
    assert "gave no figure" in unbuilt.stderr
    assert "it does not build" in unbuilt.stderr
    assert git(shop, "status", "--porcelain") == "M shop/__init__.py"  # .asv is nobody's change


def _measured(name: str, rate: float, peak: float) -> Commit:
    figures = {LEAK: rate, PEAK: peak}
    return Commit(name, "", {("shop:requests", key): Span(each, each, each) for key, each in figures.items()})


CLEAN_FIGURES, LEAKY_FIGURES = (0.0, 50_000.0), (64.0, 900_000.0)


@pytest.mark.parametrize(
    ("figures", "status", "said"),
    [
        ((CLEAN_FIGURES, LEAKY_FIGURES), 1, "64 B/op"),
        ((LEAKY_FIGURES, CLEAN_FIGURES), 0, "64 B/op"),  # its mending
        ((LEAKY_FIGURES, LEAKY_FIGURES), 1, "64 B/op"),  # what leaks fails, whoever brought it
        ((CLEAN_FIGURES, (0.0, 60_000.0)), 1, "peak"),
        ((CLEAN_FIGURES, CLEAN_FIGURES), 0, "have not changed beyond noise"),
    ],
)
def test_what_leaks_or_is_worse_fails_the_comparison(
    figures: tuple[tuple[float, float], tuple[float, float]],
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, after = figures
    pair = commits.Pair("virtualenv-py3.11", _measured("base", *before), _measured("head", *after))
    monkeypatch.setattr(commits, "measure_pair", lambda *_, **__: [pair])
    assert show_pair("base", "head", bench=None, python=None) == status
    assert said in " ".join(capsys.readouterr().out.split())
