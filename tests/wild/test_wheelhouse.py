"""A case's packages come pinned and whole, or not at all; what cannot be had says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from leakbench import catalogue, plan, store, wheelhouse
from leakbench.wheelhouse import CannotInstallError, Wheels

from tests.commands import write_scenario
from tests.test_runner import Kept, execute
from tests.wild.wheels import Shop, open_shop

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = "VALUE = 1\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    folder = tmp_path / "shop"
    folder.mkdir()
    return open_shop(folder, monkeypatch)


def leftovers(shop: Shop) -> list[Path]:
    """What lies where packages are installed, half an installation included."""
    return [path for tag in shop.cache.glob("packages/*") for path in tag.iterdir()]


@pytest.mark.slow
def test_packages_are_installed_once_compiled_and_found_again(shop: Shop) -> None:
    wanted = shop.lock("leaky==1.0", text=shop.make("leaky", "1.0", NOTHING))
    folder = wheelhouse.install(wanted)
    assert (folder / "leaky.py").read_text(encoding="utf-8") == NOTHING
    assert list(folder.glob("__pycache__/leaky.*.pyc"))
    for wheel in shop.wheels.iterdir():
        wheel.unlink()
    assert wheelhouse.install(wanted) == folder  # pip could not have done it again
    assert leftovers(shop) == [folder]


@pytest.mark.slow
def test_another_lock_of_the_same_requirement_is_another_folder(shop: Shop) -> None:
    pinned = shop.make("leaky", "1.0", NOTHING)
    first = wheelhouse.install(shop.lock("leaky==1.0", text=pinned))
    second = wheelhouse.install(shop.lock("leaky==1.0", text=pinned + shop.make("other", "2.0", NOTHING)))
    assert not (first / "other.py").exists()
    assert (second / "other.py").exists()


@pytest.mark.slow
def test_a_wheel_that_is_not_the_one_that_was_pinned_is_not_installed(shop: Shop) -> None:
    pinned = shop.make("leaky", "1.0", NOTHING)
    shop.make("leaky", "1.0", "VALUE = 'another'\n")
    with pytest.raises(CannotInstallError, match=r"leaky==1\.0 cannot be installed: .*HASHES"):
        wheelhouse.install(shop.lock("leaky==1.0", text=pinned))
    assert leftovers(shop) == []


@pytest.mark.slow
def test_a_package_that_cannot_be_had_says_so_in_a_line_without_addresses(shop: Shop) -> None:
    wanted = shop.lock("absent==1.0", text="absent==1.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(CannotInstallError) as refused:
        wheelhouse.install(wanted)
    assert str(refused.value).startswith("absent==1.0 cannot be installed: No matching distribution found")
    assert "\n" not in str(refused.value)
    assert "://" not in str(refused.value)


def test_a_requirement_without_a_lock_names_the_command_that_writes_one(shop: Shop) -> None:
    with pytest.raises(CannotInstallError, match=r"wild_lock\.py"):
        wheelhouse.install(Wheels(("leaky==1.0",), shop.locks / "leaky==1.0.txt"))


def test_who_comes_second_takes_what_the_first_has_installed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs install the same at once: one finds the folder there when it is about to put it there."""
    wanted = shop.lock("leaky==1.0", text=shop.make("leaky", "1.0", NOTHING))

    def slowly(wheels: Wheels, folder: Path) -> None:
        """Install, while another does the same and is first."""
        folder.mkdir()
        wheels.folder.mkdir(parents=True)
        (wheels.folder / "leaky.py").write_text(NOTHING, encoding="utf-8")

    monkeypatch.setattr(wheelhouse, "_pip", slowly)
    folder = wheelhouse.install(wanted)
    assert leftovers(shop) == [folder]


@pytest.mark.slow
def test_each_is_installed_once_and_told_and_one_that_fails_does_not_stop_the_others(shop: Shop) -> None:
    good = shop.lock("leaky==1.0", text=shop.make("leaky", "1.0", NOTHING))
    bad = shop.lock("absent==1.0", text="absent==1.0 --hash=sha256:" + "0" * 64 + "\n")
    told: list[Wheels] = []
    faults = wheelhouse.install_all([bad, good, good], told.append)
    assert told == [bad, good]
    assert list(faults) == [bad]
    assert good.folder.is_dir()


def case(folder: Path, shop: Shop, name: str, step: str, source: str = "", *, pinned: str = "") -> plan.Task:
    """A task whose scenario imports from a wheel of its own; the lock pins that wheel, or what is given."""
    write_scenario(folder, name, step)
    (task,) = plan.make_tasks(catalogue.discover([folder]), [(name, "none")], probes=["rss"])
    requirement = f"{name}==1.0"
    locks = folder / wheelhouse.LOCKS_FOLDER
    locks.mkdir(exist_ok=True)
    made = shop.make(name, "1.0", source)
    (locks / f"{requirement}.txt").write_text(pinned or made, encoding="utf-8")
    task.listed.mitigation.packages = (requirement,)
    return task


@pytest.mark.slow
def test_a_case_whose_packages_cannot_be_had_fails_with_its_reason_and_no_other(
    shop: Shop, tmp_path: Path
) -> None:
    """The wheel on the shelf is not the one that was pinned; the other case imports its own."""
    tasks = [
        case(tmp_path / "a", shop, "changed", "pass", pinned="changed==1.0 --hash=sha256:" + "0" * 64 + "\n"),
        case(tmp_path / "b", shop, "leaky", "import leaky; leaky.VALUE", NOTHING),
    ]
    with store.Run(tmp_path / "run") as run:
        kept = Kept()
        tally = execute(tasks, run, kept)
    (failure,) = tally.failed
    assert failure.case.id == "changed:none"
    assert failure.reason.startswith("not run: changed==1.0 cannot be installed: ")
    assert tally.measured == 1
    with store.Run(tmp_path / "run", resume=True) as run:
        kept = Kept()
        execute(tasks, run, kept)
    assert kept.started_ids == []  # what was measured is held; the other still cannot be had


@pytest.mark.slow
def test_a_case_with_packages_of_its_own_imports_nothing_else_that_is_installed_here(
    shop: Shop, tmp_path: Path
) -> None:
    task = case(tmp_path / "own", shop, "alone", "import alone, rich", NOTHING)
    with store.Run(tmp_path / "run") as run:
        tally = execute([task], run, Kept())
    (failure,) = tally.failed
    assert "No module named 'rich'" in failure.reason
