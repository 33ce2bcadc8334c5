"""Hand simulated series to `promtool test rules` and learn which alerts fired.

A week of looks a minute apart keeps promtool busy for 15 s. Looks at every fifth minute take 2 s and are no
less strict, if every `for` is five minutes shorter (see `sparser`).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import groupby
from typing import TYPE_CHECKING

from leakbench.monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from leakbench.monitor.rehearsal.world import Series


_MINUTES = re.compile(r"(?<![\w.])(\d+)m\b")
_FOR = re.compile(r"\bfor: (\d+)m\b")


def promtool() -> str:
    """Path of promtool; raises MonitorError where there is none."""
    found = shutil.which("promtool")
    if found is None:
        raise MonitorError("promtool is not on PATH: on Debian, apt-get install prometheus")
    return found


def sparser(rules: str, step_minutes: int) -> str:
    """The rule file for a judge that looks at every `step_minutes`-th minute alone.

    It fires whenever the rules as they are, looked at each minute, would: with ``for: 15m`` these need 16
    minutes in a row, three of which are multiples of five, ten minutes apart. It may fire when they would
    not. Raises ValueError where a duration is no multiple of the step, because what was recorded so long
    ago would not be found.
    """
    odd = [found[0] for found in _MINUTES.finditer(rules) if int(found[1]) % step_minutes]
    if odd:
        raise ValueError(f"{', '.join(odd)}: not a multiple of {step_minutes} minutes")
    return _FOR.sub(lambda found: f"for: {int(found[1]) - step_minutes}m", rules)


def promtool_document(
    series: Series,
    minutes: int,
    alerts: Iterable[str],
    rule_files: Iterable[Path],
    name: str,
    *,
    step_minutes: int = 1,
) -> str:
    """A promtool test (JSON, which is YAML): exactly `alerts` fired at some time within `minutes`.

    The rules are looked at every `step_minutes`; series hold a value a minute in any case.
    """
    ever = f'max by (alertname) (max_over_time(ALERTS{{alertstate="firing"}}[{minutes}m]))'
    return json.dumps(
        {
            "rule_files": [str(path) for path in rule_files],
            "evaluation_interval": f"{step_minutes}m",
            "tests": [
                {
                    "interval": "1m",
                    "name": name,
                    "input_series": [
                        {"series": key, "values": in_promtools_notation(values)}
                        for key, values in sorted(series.items())
                    ],
                    "promql_expr_test": [
                        {
                            "expr": ever,
                            "eval_time": f"{minutes}m",
                            "exp_samples": [
                                {"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(alerts)
                            ],
                        }
                    ],
                }
            ],
        }
    )


def in_promtools_notation(values: list[float | None]) -> str:
    """`1 2 2 2` as `1 2x2`: a value, or a value and how often it comes again; `_` for none."""
    words = []
    for value, run in groupby(values):
        again = sum(1 for _ in run) - 1
        if value is None:
            words.append(f"_x{again + 1}")
        else:
            words.append(f"{value:.12g}" + (f"+0x{again}" if again else ""))
    return " ".join(words)


def run_promtool(document: str, folder: Path) -> str | None:
    """None where promtool agrees, else what it says."""
    file = folder / "rehearsal.json"
    file.write_text(document, encoding="utf-8")
    done = subprocess.run(
        [promtool(), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else re.sub(r"(?m)^\s+", "  ", done.stdout + done.stderr)
