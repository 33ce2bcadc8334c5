"""The report that is committed: whole, as declared, and silent about the folders of its machine."""

from __future__ import annotations

import csv
import re
from pathlib import Path

REFERENCE = Path(__file__).parents[2] / "results" / "reference"


def test_every_case_is_measured_and_most_of_its_repeats_say_what_is_declared() -> None:
    with (REFERENCE / "cases.csv").open(encoding="utf-8", newline="") as table:
        cases = list(csv.DictReader(table))
    assert len(cases) > 150
    assert {case["failures"] for case in cases} == {"0"}
    headline = (REFERENCE / "report.md").read_text(encoding="utf-8").splitlines()[0]
    assert headline.endswith("each as declared")


def test_its_pages_lead_nowhere_that_is_not_committed_and_name_no_folder() -> None:
    pages = sorted(REFERENCE.glob("*.html"))
    assert REFERENCE / "index.html" in pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/(?:root|home|tmp|Users)/", text)
        for target in re.findall(r'(?:href|src)="([^"#:]+)', text):
            assert (REFERENCE / target).exists(), f"{page.name} leads to {target}"
