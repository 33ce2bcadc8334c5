"""The alert rules over simulated lives: leaks are told within the hour, controls never in a week."""

import json
import re
import subprocess
from itertools import repeat
from pathlib import Path

import pytest
from leakbench.monitor import MonitorError
from leakbench.monitor.rehearsal import judge
from leakbench.monitor.rehearsal.lives import GROW, LIVES
from leakbench.monitor.rehearsal.world import HOUR_MINUTES, WEEK_MINUTES, Series, series_of
from leakbench.monitor.rules import rule_files, stretched, write_rules
from leakbench.monitor.rules.__main__ import main

STEP_MINUTES = 5  # between two looks in a week
LEAKS = [name for name, life in LIVES.items() if life.alerts]
CONTROLS = [name for name, life in LIVES.items() if not life.alerts]


@pytest.fixture(autouse=True)
def _promtool_is_here() -> None:
    try:
        judge.promtool()
    except MonitorError as error:
        pytest.skip(str(error))


def rehearse(name: str, minutes: int, folder: Path, *, seed: int = 1) -> str | None:
    life = LIVES[name]
    series = series_of(life, minutes, seed=seed)
    return judge.run_promtool(
        judge.promtool_document(series, minutes, life.alerts, rule_files(), name), folder
    )


def fires_at_some_fifth_minute(name: str, minutes: int, rules: list[Path], folder: Path) -> str | None:
    """None where nothing does."""
    sparse = [folder / f"sparse-{file.name}" for file in rules]
    for source, target in zip(rules, sparse, strict=True):
        target.write_text(judge.sparser(source.read_text(encoding="utf-8"), STEP_MINUTES), encoding="utf-8")
    series = series_of(LIVES[name], minutes)
    return judge.run_promtool(
        judge.promtool_document(series, minutes, (), sparse, name, step_minutes=STEP_MINUTES), folder
    )


def test_promtool_accepts_the_rules() -> None:
    done = subprocess.run(
        [judge.promtool(), "check", "rules", *map(str, rule_files())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_told_within_the_hour(name: str, tmp_path: Path) -> None:
    assert rehearse(name, HOUR_MINUTES, tmp_path) is None


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_the_half_fix_is_told_whatever_chance_does(seed: int, tmp_path: Path) -> None:
    assert rehearse("explicit-remove", HOUR_MINUTES, tmp_path, seed=seed) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_quiet_for_the_first_hours(name: str, tmp_path: Path) -> None:
    assert rehearse(name, 3 * HOUR_MINUTES, tmp_path) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_quiet_for_a_week(name: str, tmp_path: Path) -> None:
    assert fires_at_some_fifth_minute(name, WEEK_MINUTES, rule_files(), tmp_path) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", LEAKS)
def test_what_the_sparse_judge_hears_is_no_less(name: str, tmp_path: Path) -> None:
    """Why a week of it may stand for a week of looks at each minute."""
    said = fires_at_some_fifth_minute(name, HOUR_MINUTES, rule_files(), tmp_path)
    assert said is not None
    assert LIVES[name].alerts <= set(re.findall(r'alertname="(\w+)"', said))


@pytest.mark.parametrize("begins", range(STEP_MINUTES))
def test_an_alert_that_lasts_for_one_minute_is_not_missed(begins: int, tmp_path: Path) -> None:
    """Eleven minutes are just enough for `for: 10m`, whichever of them the sparse judge looks at."""
    rule = {"alert": "Short", "expr": "x > 0", "for": "10m"}
    text = json.dumps({"groups": [{"name": "g", "rules": [rule]}]}).replace('"for": "10m"', "for: 10m")
    series: Series = {"x": [*repeat(0.0, begins), *repeat(1.0, 11), *repeat(0.0, 14)]}
    for step_minutes, rules in ((1, text), (STEP_MINUTES, judge.sparser(text, STEP_MINUTES))):
        file = tmp_path / "short.yml"
        file.write_text(rules, encoding="utf-8")
        document = judge.promtool_document(series, 24, ["Short"], [file], "short", step_minutes=step_minutes)
        assert judge.run_promtool(document, tmp_path) is None


def test_rules_that_fall_between_two_looks_are_refused() -> None:
    assert judge.sparser("for: 15m # x[40m]", 5) == "for: 10m # x[40m]"
    with pytest.raises(ValueError, match="12m: not a multiple of 5 minutes"):
        judge.sparser("for: 15m # x[12m]", 5)


def test_the_judge_contradicts_a_wrong_expectation(tmp_path: Path) -> None:
    series = series_of(LIVES["none"], HOUR_MINUTES)
    said = judge.run_promtool(
        judge.promtool_document(series, HOUR_MINUTES, (), rule_files(), "none is no control"), tmp_path
    )
    assert said is not None
    assert GROW in said


@pytest.mark.slow
def test_without_the_look_at_ages_the_morning_would_be_an_alert(tmp_path: Path) -> None:
    """Why the rules ask for the oldest entry: by its size alone, a map that follows its load grows too."""
    rules = tmp_path / "maps.yml"
    text = (rule_files()[0]).read_text(encoding="utf-8")
    assert "unless leakbench:map_young:bool == 1" in text
    rules.write_text(text.replace("unless leakbench:map_young:bool == 1", ""), encoding="utf-8")
    minutes = 12 * HOUR_MINUTES
    series = series_of(LIVES["morning-rush"], minutes)
    said = judge.run_promtool(judge.promtool_document(series, minutes, (), [rules], "blind"), tmp_path)
    assert said is not None
    assert GROW in said


def test_stretched_rules_say_what_they_do() -> None:
    rules = (
        "for: 15m  # after 15m\nexpr: rate(x[2h] offset 30s) > x:min10m and predict_linear(x[1d], 4 * 3600)"
    )
    assert stretched(rules, 2) == (
        "for: 1800s  # after 1800s\n"
        "expr: rate(x[14400s] offset 60s) > x:min10m and predict_linear(x[172800s], 28800)"
    )
    assert stretched("for: 5m", 1 / 120) == "for: 2500ms"
    for factor in (0, -1, 1e-6, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="no duration that a rule can say"):
            stretched("for: 5m", factor)


def test_rules_are_written_where_prometheus_looks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--stretch", "36"]) == 0
    written = [tmp_path / "maps.yml", tmp_path / "process.yml"]
    assert capsys.readouterr().out.split() == [str(path) for path in written]
    done = subprocess.run(
        [judge.promtool(), "check", "rules", *map(str, written)], capture_output=True, check=False
    )
    assert done.returncode == 0
    assert write_rules(tmp_path) == written
    assert written[0].read_bytes() == rule_files()[0].read_bytes()
    with pytest.raises(SystemExit):
        main([str(tmp_path / "absent")])
    assert "No such file" in capsys.readouterr().err
