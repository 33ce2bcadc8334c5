"""Going on with a run: the same words, the same circumstances, and nothing of its first part is lost."""

from __future__ import annotations

import copy
import shlex
from pathlib import Path
from typing import Any

import pytest
from leakbench import environment, resume
from leakbench.errors import LeakbenchError

FINGERPRINT = environment.fingerprint()


def changed(part: str, name: str, value: object) -> dict[str, Any]:
    found = copy.deepcopy(FINGERPRINT)
    found[part][name] = value
    return found


def test_the_line_for_the_shell_reads_back_as_the_words_that_were_given() -> None:
    words = ["session-map:[a-l]*", "--param", "payload_bytes=16", "--scenarios", "/my own/it's.py"]
    line = resume.command(words, Path("results/runs/1"), names_folder=False)
    assert shlex.split(line) == ["leakbench", "run", *words, "--out", "results/runs/1", "--resume"]


def test_the_line_names_the_folder_and_resume_once() -> None:
    words = ["noop", "--resume", "--out=there"]
    line = resume.command(words, Path("there"), names_folder=True)
    assert line == "leakbench run noop --out=there --resume"


def test_the_same_circumstances_do_not_differ() -> None:
    assert resume.differences(FINGERPRINT, environment.fingerprint()) == []


@pytest.mark.parametrize(
    ("part", "name"),
    [("machine", "libc"), ("python", "allocator"), ("packages", "memray"), ("commit", "hash")],
)
def test_what_would_change_the_figures_is_named_with_both_its_values(part: str, name: str) -> None:
    now = FINGERPRINT[part][name]
    (said,) = resume.differences(changed(part, name, "another"), FINGERPRINT)
    assert said == f"{part}.{name} (another then, {now} now)"


def test_what_is_there_on_one_side_alone_differs_too() -> None:
    (said,) = resume.differences(FINGERPRINT, changed("packages", "new", "1.0"))
    assert said == "packages.new (None then, 1.0 now)"


@pytest.mark.parametrize(
    ("part", "name"), [("machine", "memory_bytes"), ("machine", "cores"), ("commit", "dirty")]
)
def test_what_changes_no_figure_may_differ(part: str, name: str) -> None:
    assert resume.differences(changed(part, name, -1), FINGERPRINT) == []


@pytest.mark.parametrize(
    ("first", "then", "both"),
    [
        (["noop"], ["session-map:*", "noop"], ["noop", "session-map:*"]),
        (["noop"], ["noop"], ["noop"]),
        ([], ["noop"], []),  # none named: all
    ],
)
def test_the_first_parts_start_is_kept_and_what_both_were_asked_for(
    first: list[str], then: list[str], both: list[str]
) -> None:
    before = FINGERPRINT | {"created": "2026-01-01T00:00:00Z", "asked": {"cases": first, "seed": 3}}
    merged = resume.merge_environments(before, FINGERPRINT | {"asked": {"cases": then, "seed": 3}})
    assert merged["created"] == "2026-01-01T00:00:00Z"
    assert merged["asked"] == {"cases": both, "probes": [], "seed": 3}


def named(**words: object) -> dict[str, object]:
    return {**dict.fromkeys(resume.Asked._fields), **words}


def test_what_is_not_named_is_as_the_run_was_asked_for_or_as_ever() -> None:
    before = resume.Asked(["noop"], ["rss"], "full", 512, 7, {"users": 3})
    assert resume.settle(named(), None) == resume.Asked()
    assert resume.settle(named(), before._asdict()) == before
    assert resume.settle(named(seed=7, cases=["sawtooth"]), before._asdict()) == before._replace(
        cases=["sawtooth"]
    )


@pytest.mark.parametrize(
    ("name", "other"), [("profile", "full"), ("scale", 64), ("seed", 3), ("params", {"users": 4})]
)
def test_one_run_has_one_profile_scale_seed_and_parameters(name: str, other: object) -> None:
    with pytest.raises(LeakbenchError, match=f"the run was begun with {name} .*; measure anew"):
        resume.settle(named(**{name: other}), {})


@pytest.mark.parametrize(("name", "other"), [("version", 2), ("source", "def none(): return 1")])
def test_a_case_that_is_no_longer_what_was_measured_is_named(name: str, other: object) -> None:
    row = {"scenario": "noop", "mitigation": "none", "version": 1, "source": "def none(): ..."}
    alone = {"scenario": "sawtooth", "mitigation": "none", "version": 1, "source": ""}
    assert resume.changed_cases([row, alone], [row]) == []
    assert resume.changed_cases([row], [row | {name: other}, alone]) == [f"{name} of noop:none"]


def test_cases_of_both_parts_are_kept_in_the_order_in_which_they_were_asked_for() -> None:
    def row(scenario: str, mitigation: str, summary: str) -> dict[str, str]:
        return {"scenario": scenario, "mitigation": mitigation, "summary": summary}

    before = [row("noop", "none", "old"), row("sawtooth", "none", "old")]
    now = [row("session-map", "none", "new"), row("noop", "none", "new")]
    assert resume.merge_cases(before, now) == [
        row("noop", "none", "new"),
        row("sawtooth", "none", "old"),
        row("session-map", "none", "new"),
    ]
