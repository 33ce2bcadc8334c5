"""A browser and a folder with every kind of page, for the tests that look at pages as people do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from leakbench import checking, report
from leakbench.report import check_page, comparison, differential
from selenium import webdriver

from tests.report.runs import NAMED_CLAIM, REFUTED_CLAIM, small_run

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = (
    "index.html",
    "scenario-map.html",
    "claims.html",
    "cases.html",
    "columns.html",
    "diff.html",
    "compare.html",
    "check.html",
)
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with every kind of page."""
    run = small_run(tmp_path_factory.mktemp("run"))
    (run / "claims.json").write_text(json.dumps([REFUTED_CLAIM, NAMED_CLAIM]))
    pages = report.write(run).parent
    a: dict[differential.Stack, int] = {(("main", "a.py"), ("put", "a.py")): 900, (("main", "a.py"),): 100}
    b: dict[differential.Stack, int] = {(("main", "a.py"), ("cache", "b.py")): 700, (("main", "a.py"),): 100}
    (pages / "diff.html").write_text(
        differential.render(differential.difference(a, b), "a", "b", redact=True)
    )
    (pages / "compare.html").write_text(comparison.to_page(report.compare_runs(run, run)))
    # A path without a blank, longer than a phone is wide, as a checkout deep in a work folder has.
    deep = tmp_path_factory.mktemp("a-folder-with-a-long-name") / "and_another_in_it_for_good_measure"
    deep.mkdir()
    subject = shutil.copy(Path(__file__).parent.parent / "subjects" / "known.py", deep)
    check_page.examine_and_write(checking.Wish(f"{subject}::entry_a_step"), pages / "check.html")
    return pages


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that the browser saves files in."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def browser(downloads: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in _FLAGS:
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()
