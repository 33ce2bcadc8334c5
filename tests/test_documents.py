"""What the documents show runs as they show it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.commands import leakbench, rows

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_scenario_that_contributors_begin_with_is_judged_as_it_declares(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    (tmp_path / "answers.py").write_text(example)
    where = ("--scenarios", tmp_path / "answers.py", "--out", tmp_path / "run", "--no-report")
    done = leakbench("run", "answers", *where, "--probe", "ledger")
    assert done.returncode == 0, done.stderr
    # Two are measured at a time, and either may end first.
    assert {row["case"]: row["values"]["verdict"] for row in rows(tmp_path / "run")} == {
        "answers:none": "leak",
        "answers:lru": "steady",
    }
