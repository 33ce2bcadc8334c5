"""The history repository, published by asv, in a browser without a network."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from typing import TYPE_CHECKING

import pytest
from leakbench.asv_history import read
from leakbench.history import TRUTH
from leakbench.judge_history import grade, judge
from leakbench.planted import LEAK, REPORTS, SESSIONS
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.asv.told import ENVIRONMENT, TOLD, run_asv, series, tell
from tests.commands import leakbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromedriver"), reason="needs Debian's chromium-driver"),
]
_DRAWN_SECONDS = 30


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history repository, told and published; of its last commit a run is kept, too."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "desk"
    tip = tell(folder)[-1]
    kept = folder / ".asv" / "runs" / tip / ENVIRONMENT / "noop"
    leakbench("run", "noop", "--probe", "heap", "--no-report", "--out", kept)
    done = run_asv(folder, home, "publish")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def browser(desk: Path) -> Iterator[tuple[webdriver.Chrome, str]]:
    """Chromium that reaches the published folder and resolves no other name."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(desk / ".asv" / "html"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--window-size=1400,1000",  # asv draws a graph once it is in sight
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver, f"http://127.0.0.1:{server.server_port}"
    driver.quit()
    server.shutdown()
    server.server_close()


def _drawn(driver: webdriver.Chrome, selector: str, count: int) -> None:
    """Wait until there are at least as many of it; selenium's TimeoutException where they never come."""
    wait = WebDriverWait(driver, _DRAWN_SECONDS)
    wait.until(lambda seen: len(seen.find_elements(By.CSS_SELECTOR, selector)) >= count)


def test_every_planted_change_is_named_and_nothing_else(desk: Path) -> None:
    truth = json.loads((desk / TRUTH).read_text(encoding="utf-8"))
    (main,) = [one for one in read(desk) if one.branch == "main"]
    graded = grade(judge(main.commits), truth)
    assert graded.missed == ()
    assert graded.false_alarms == ()


def test_asvs_own_regressions_show_each_branchs_last_one(desk: Path) -> None:
    truth = json.loads((desk / TRUTH).read_text(encoding="utf-8"))
    (main,) = [one for one in read(desk) if one.branch == "main"]
    hashes = {commit.hash: commit.subject for commit in main.commits}
    index = json.loads((desk / ".asv" / "html" / "index.json").read_text(encoding="utf-8"))
    document = json.loads((desk / ".asv" / "html" / "regressions.json").read_text(encoding="utf-8"))
    flagged: dict[str, set[str]] = {}
    for _, _, params, _, _, _, jumps in document["regressions"]:
        for _, revision, _, _ in jumps:
            subject = hashes[index["revision_to_hash"][str(revision)]]
            flagged.setdefault(params["branch"], set()).add(subject)
    worse = {row["subject"] for row in truth["commits"] if "worse" in str(row["brings"])}
    for branch, subject in truth["branches"].items():
        assert subject in flagged[branch]
    assert set().union(*flagged.values()) <= worse | set(truth["branches"].values())


def test_the_grid_shows_a_leak_of_one_case_beside_a_clean_one(desk: Path) -> None:
    graphs = desk / ".asv" / "html" / "graphs" / "summary"
    points = json.loads((graphs / "bench_service.Service.track_leak_bytes_per_op.json").read_text("utf-8"))
    told = [max(figures[REPORTS, LEAK], figures[SESSIONS, LEAK]) for figures in series()]
    assert [value for _, value in points] == told
    assert max(told) > 0


def test_the_grid_a_graph_the_regressions_and_our_page_draw(
    browser: tuple[webdriver.Chrome, str], desk: Path
) -> None:
    driver, home = browser
    driver.get(f"{home}/index.html")
    _drawn(driver, "#summarygrid-display canvas.flot-overlay", TOLD)
    driver.get(f"{home}/index.html#bench_service.Service.track_leak_bytes_per_op")
    _drawn(driver, "#main-graph canvas.flot-overlay", 1)
    driver.get(f"{home}/index.html#/regressions")
    truth = json.loads((desk / TRUTH).read_text(encoding="utf-8"))
    _drawn(driver, "#regressions-body tbody tr", len(truth["branches"]))
    driver.get(f"{home}/commits.html")
    _drawn(driver, "table.findings tbody tr", sum(len(row["brings"]) for row in truth["commits"]))
    driver.find_element(By.LINK_TEXT, "report").click()
    driver.find_element(By.CSS_SELECTOR, "a[href^='scenario-noop.html']").click()
    _drawn(driver, "a[href^='../flamegraphs/']", 1)
    log = driver.get_log("browser")  # type: ignore[no-untyped-call]  # selenium's own
    assert [entry for entry in log if "ERR_NAME_NOT_RESOLVED" in entry["message"]] == []
