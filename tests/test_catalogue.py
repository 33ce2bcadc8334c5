"""Every file is found or named with what is wrong with it, and no file hides another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from leakbench.catalogue import Broken, Entry, Listed, discover
from leakbench.contract import KINDS, Mitigation

from tests.commands import write_scenario

if TYPE_CHECKING:
    from pathlib import Path

PACKAGED = discover()


def broken_by(file: Path) -> str:
    """What discovery says of a file of a person's own, where it still finds all that is packaged."""
    found = discover([file])
    assert found.entries.keys() == PACKAGED.entries.keys()
    (broken,) = found.broken
    assert broken.file == str(file)
    return broken.reason


def test_the_catalogue_itself_is_whole() -> None:
    assert PACKAGED.broken == ()


def test_entries_come_in_the_order_of_kind_then_name() -> None:
    order = [(KINDS.index(entry.scenario.kind), name) for name, entry in PACKAGED.entries.items()]
    assert order == sorted(order)


def test_every_leak_names_its_holder_and_every_file_its_mechanism() -> None:
    for entry in PACKAGED.entries.values():
        assert entry.mechanism, entry.file
        for listed in entry.mitigations.values():
            assert listed.mitigation.holder or not listed.mitigation.leaks, (
                entry.file,
                listed.mitigation.name,
            )


def test_every_mitigation_shows_its_source() -> None:
    for entry in PACKAGED.entries.values():
        for name, listed in entry.mitigations.items():
            assert listed.source().strip(), (entry.file, name)


def test_a_mitigation_in_a_file_of_its_own_is_listed_with_its_module() -> None:
    listed = PACKAGED.entries["session-map"].mitigations
    assert listed["none"].module is None
    shared = [item.module for item in listed.values() if item.module]
    assert shared
    assert all(module.startswith("leakbench.mitigations.") for module in shared)


def test_a_persons_own_scenario_joins_the_others(tmp_path: Path) -> None:
    file = write_scenario(tmp_path, "mine")
    found = discover([tmp_path])
    assert found.broken == ()
    assert found.entries.keys() == {*PACKAGED.entries, "mine"}
    mine = found.entries["mine"]
    assert isinstance(mine, Entry)
    assert (mine.by_path, mine.file) == (True, str(file))


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("import no_such_module", "does not import: ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise ValueError('as it was told')", "does not import: ValueError: as it was told"),
        ("sys.exit('no more')", "does not import: SystemExit: no more"),
        ("def broken(:", "does not import: SyntaxError: invalid syntax"),
    ],
)
def test_a_file_that_does_not_import_is_named_with_the_reason(tmp_path: Path, head: str, reason: str) -> None:
    assert broken_by(write_scenario(tmp_path, "mine", head=head)).startswith(reason)


@pytest.mark.parametrize(
    ("head", "how"),
    [("os._exit(0)", "status 0"), ("os._exit(3)", "status 3"), ("os.kill(os.getpid(), 9)", "signal 9")],
)
def test_a_file_that_ends_whoever_imports_it_is_named_and_hides_no_other(
    tmp_path: Path, head: str, how: str
) -> None:
    file = write_scenario(tmp_path, "deadly", head=head)
    write_scenario(tmp_path, "mine")
    found = discover([tmp_path])
    assert found.broken == (Broken(str(file), f"ends the process that imports it, with {how}"),)
    assert "mine" in found.entries


def test_a_file_without_a_scenario_is_named(tmp_path: Path) -> None:
    file = tmp_path / "empty.py"
    file.write_text("x = 1\n")
    assert broken_by(file) == "has no scenario: it must define SCENARIO = Scenario(...)"


def test_a_scenario_without_a_mitigation_is_named(tmp_path: Path) -> None:
    file = write_scenario(tmp_path, "mine")
    file.write_text(file.read_text().partition("@SCENARIO")[0])
    assert broken_by(file) == "scenario 'mine' has no mitigation, not even 'none'"


def test_a_file_that_names_a_mitigation_twice_is_named(tmp_path: Path) -> None:
    file = write_scenario(tmp_path, "mine")
    text = file.read_text()
    file.write_text(text + text[text.index("@SCENARIO") :])
    assert broken_by(file) == "does not import: ValueError: scenario 'mine' names its mitigation 'none' twice"


def test_a_name_that_is_taken_is_refused_and_the_first_stays(tmp_path: Path) -> None:
    reason = broken_by(write_scenario(tmp_path, "noop"))
    assert reason == f"repeats the name 'noop' of {PACKAGED.entries['noop'].file}"


def test_two_files_of_a_person_that_share_a_name_keep_the_first(tmp_path: Path) -> None:
    first, second = (write_scenario(tmp_path / part, "mine") for part in ("a", "b"))
    found = discover([first, second])
    assert found.entries["mine"].file == str(first)
    assert found.broken == (Broken(str(second), f"repeats the name 'mine' of {first}"),)


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert broken_by(tmp_path / "gone.py") == "does not exist"


def test_what_a_file_prints_on_import_stays_out_of_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    discover([write_scenario(tmp_path, "mine", head="print('hello')")])
    said = capsys.readouterr()
    assert said.out == ""
    assert "hello" in said.err


def test_a_broken_file_leaves_no_module_behind(tmp_path: Path) -> None:
    discover([write_scenario(tmp_path, "half-done", head="raise ValueError")])
    assert "leakbench_own_half_done" not in sys.modules


@pytest.mark.parametrize(
    ("requires", "missing"),
    [
        (("json",), []),
        (("no_such_module", "json"), ["no_such_module"]),
        (("no_such.part",), ["no_such.part"]),
    ],
)
def test_what_a_mitigation_lacks_is_said_by_name(requires: tuple[str, ...], missing: list[str]) -> None:
    listed = Listed(Mitigation("x", print, verdict="bounded", summary="", requires=requires), None)
    assert listed.missing() == missing
    assert listed.source() == ""  # print has none in Python
