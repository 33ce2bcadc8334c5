"""The Grafana dashboard fits its model, and asks for nothing that the monitor does not tell."""

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import leakbench.monitor
import pytest
from leakbench.monitor import MonitorError
from leakbench.monitor.prometheus import MAP_FIELDS, PROCESS_FIELDS
from leakbench.monitor.rehearsal.judge import promtool
from leakbench.monitor.rules import rule_files

HERE = Path(__file__).parent
PACKAGE = Path(leakbench.monitor.__file__).parent
METRICS = {field.metric for field in (*MAP_FIELDS, *PROCESS_FIELDS)}
NAMED = re.compile(r"\bleakbench_[a-z_]+")


@pytest.fixture(scope="module")
def dashboard() -> Any:
    return json.loads((PACKAGE / "dashboard.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads((HERE / "grafana-classic.schema.json").read_text(encoding="utf-8"))


def test_it_fits_grafanas_classic_model(dashboard: Any, schema: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(dashboard)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda panel: panel.update(tittle=panel.pop("title")),
        lambda panel: panel["gridPos"].update(w=25),
        lambda panel: panel["targets"][0].pop("expr"),
        lambda panel: panel["fieldConfig"]["defaults"].update(unit="parsecs"),
    ],
    ids=["misspelt field", "too wide", "target without a query", "unknown unit"],
)
def test_a_broken_panel_is_found(dashboard: Any, schema: Any, spoil: Any) -> None:
    broken = json.loads(json.dumps(dashboard))
    spoil(next(panel for panel in broken["panels"] if panel["type"] == "timeseries"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(broken)


def test_panels_have_ids_of_their_own_and_do_not_lie_on_each_other(dashboard: Any) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


def test_every_metric_is_shown_and_every_metric_shown_exists(dashboard: Any) -> None:
    exprs = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    shown = set(NAMED.findall(" ".join(exprs)))
    assert shown <= METRICS
    assert METRICS - shown == {"leakbench_map_sample_failures_total", "leakbench_process_gc_pauses_total"}


def test_the_rules_ask_for_nothing_that_is_not_told() -> None:
    for file in rule_files():
        named = set(NAMED.findall(file.read_text(encoding="utf-8")))
        assert named
        assert named <= METRICS


def test_promtool_reads_every_query_of_the_dashboard(dashboard: Any, tmp_path: Path) -> None:
    try:
        tool = promtool()
    except MonitorError as error:
        pytest.skip(str(error))
    exprs = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    rules = [
        {"record": f"query:{number}", "expr": expr.replace("$__rate_interval", "1m")}
        for number, expr in enumerate(exprs)
    ]
    file = tmp_path / "queries.json"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run([tool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
