"""`leakbench init`: what it writes, and what it leaves alone."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest
from leakbench.beginning import begin, files
from leakbench.commands import init
from leakbench.errors import LeakbenchError

if TYPE_CHECKING:
    from pathlib import Path


def test_it_overwrites_nothing(tmp_path: Path) -> None:
    mine = tmp_path / "asv.conf.json"
    mine.write_text("{}", encoding="utf-8")
    begun = begin(tmp_path, "shop")
    assert begun.kept == ("asv.conf.json",)
    assert mine.read_text(encoding="utf-8") == "{}"
    assert set(begun.written) == set(files("shop")) - {"asv.conf.json"}
    assert begin(tmp_path, "shop").written == ()


@pytest.mark.parametrize("name", [name for name in files("shop") if name.endswith(".py")])
def test_what_it_writes_is_python(name: str) -> None:
    compile(files("shop")[name], name, "exec")


def test_a_name_that_cannot_be_imported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LeakbenchError, match="no importable name"):
        begin(tmp_path, "my-shop")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("package", "asks"), [("no_such_shop", True), ("json", False), ("shop", False)])
def test_a_package_that_is_nowhere_is_asked_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], package: str, *, asks: bool
) -> None:
    (tmp_path / "src" / "shop").mkdir(parents=True)
    assert init.run(argparse.Namespace(package=package, dir=tmp_path)) == 0
    assert (f"no '{package}' is installed here" in capsys.readouterr().err) is asks
