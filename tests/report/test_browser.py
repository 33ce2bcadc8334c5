"""The pages in a real browser, opened from disk: nothing asked of the network, nothing wrong, all usable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.report.conftest import PAGES

if TYPE_CHECKING:
    from pathlib import Path

    from selenium import webdriver

pytestmark = pytest.mark.slow


def _open(browser: webdriver.Chrome, page: Path, width: int = 1400, scheme: str = "light") -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(page.as_uri())


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_logs_no_error_and_asks_nothing_of_the_network(
    browser: webdriver.Chrome, folder: Path, page: str, width: int
) -> None:
    browser.get("about:blank")
    for kind in ("browser", "performance"):
        browser.get_log(kind)  # type: ignore[no-untyped-call]  # what was logged before is forgotten
    _open(browser, folder / page, width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    for frame in browser.find_elements(By.TAG_NAME, "iframe"):
        browser.execute_script("arguments[0].scrollIntoView()", frame)  # it loads when it is looked at
        browser.switch_to.frame(frame)
        WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".d3-flame-graph g"))
        browser.switch_to.default_content()
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert asked
    assert all(url.startswith((folder.as_uri(), "data:", "about:srcdoc")) for url in asked)


@pytest.mark.parametrize("page", PAGES)
def test_a_printed_page_fits_its_paper(browser: webdriver.Chrome, folder: Path, page: str) -> None:
    """A4 less its margins of 12 mm is 186 mm wide: 702 pixels."""
    size = {"width": 702, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.get((folder / page).as_uri())
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert wide <= 702


def _visible(browser: webdriver.Chrome, selector: str) -> list[str]:
    return [each.text for each in browser.find_elements(By.CSS_SELECTOR, selector) if each.is_displayed()]


def test_tiles_are_found_shown_by_verdict_and_sorted(browser: webdriver.Chrome, folder: Path) -> None:
    _open(browser, folder / "index.html")
    names = ".tile b"
    assert _visible(browser, names) == ["none", "ttl", "broken", "ideal"]
    find = browser.find_element(By.NAME, "find")
    find.send_keys("TTL")
    assert _visible(browser, names) == ["ttl"]
    find.send_keys(" or so")
    assert _visible(browser, "#nothing") == ["No case matches."]
    find.send_keys(Keys.CONTROL + "a")
    find.send_keys(Keys.BACKSPACE)
    browser.find_element(By.CSS_SELECTOR, "input[value=leak]").send_keys(Keys.SPACE)
    assert _visible(browser, names) == ["ttl", "broken", "ideal"]
    browser.find_element(By.CSS_SELECTOR, "option[value=name]").click()
    assert _visible(browser, names) == ["broken", "ideal", "ttl"]


def test_the_calculator_says_when_memory_is_full(browser: webdriver.Chrome, folder: Path) -> None:
    """512 B/op at 1,000 op/s fill 2 GiB in 2³¹ / 512,000 = 4,194 s = 1.17 h; at 10 op/s in 4.85 days."""
    _open(browser, folder / "index.html")
    assert _visible(browser, ".tile .full") == ["full in 1.17 h"]
    rate = browser.find_element(By.NAME, "rate")
    rate.send_keys(Keys.CONTROL + "a")
    rate.send_keys("10")
    assert _visible(browser, ".tile .full") == ["full in 4.85 days"]


def test_a_heading_sorts_by_keyboard_and_the_unmeasured_stay_last(
    browser: webdriver.Chrome, folder: Path
) -> None:
    _open(browser, folder / "scenario-map.html")
    heading = browser.find_element(By.CSS_SELECTOR, "th[data-name=peak_own_bytes] button")
    rows = "table.figures tbody th"
    heading.send_keys(Keys.ENTER)
    assert _visible(browser, rows) == ["ideal", "ttl", "none", "broken"]  # 18, 20, 29 MiB, none
    heading.send_keys(Keys.ENTER)
    assert _visible(browser, rows) == ["none", "ttl", "ideal", "broken"]
    sorted_by = browser.find_element(By.CSS_SELECTOR, "th[aria-sort=descending]")
    assert sorted_by.get_attribute("data-name") == "peak_own_bytes"


def test_axes_switch_between_linear_and_logarithmic(browser: webdriver.Chrome, folder: Path) -> None:
    _open(browser, folder / "scenario-map.html")
    lin, log = (browser.find_element(By.CSS_SELECTOR, f".toggled .{kind}") for kind in ("lin", "log"))
    assert (lin.is_displayed(), log.is_displayed()) == (True, False)
    browser.find_element(By.CSS_SELECTOR, "input[value=log]").click()
    assert (lin.is_displayed(), log.is_displayed()) == (False, True)


def test_the_differential_flamegraph_is_searched_and_walked_by_keyboard(
    browser: webdriver.Chrome, folder: Path
) -> None:
    _open(browser, folder / "diff.html")
    assert _visible(browser, ".frame") == ["all −200 B", "main −200 B", "cache +700 B", "put −900 B"]
    browser.find_element(By.NAME, "find").send_keys("b.py")
    assert _visible(browser, ".frame.match") == ["cache +700 B"]
    browser.find_element(By.CSS_SELECTOR, ".frame").send_keys(Keys.ARROW_DOWN)
    browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    (detail,) = _visible(browser, "#detail")
    assert detail == "put −900 B, 900 B before, 0 B after. a.py"
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert _visible(browser, ".frame") == ["all −200 B", "main −200 B", "put −900 B"]
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert _visible(browser, ".frame") == ["all −200 B", "main −200 B", "cache +700 B", "put −900 B"]


@pytest.mark.parametrize(
    ("chart", "name"),
    [
        ("scenario-map.html .toggled", "scenario-map-growth-live-heap-above-baseline.svg"),
        ("claims.html .claim-card", "claims-the-server-s-memory.svg"),
    ],
)
def test_a_saved_chart_is_a_picture_by_itself(
    browser: webdriver.Chrome, folder: Path, downloads: Path, chart: str, name: str
) -> None:
    """The file has its colours in it, so that it looks the same without the page's style sheet."""
    page, figure = chart.split()
    _open(browser, folder / page)
    colour = browser.find_element(By.CSS_SELECTOR, f"{figure} .line").value_of_css_property("stroke")
    assert colour.startswith("rgb(")
    browser.find_element(By.CSS_SELECTOR, f"{figure} .save").click()
    WebDriverWait(browser, 20).until(lambda _: (downloads / name).exists())
    drawing = ET.fromstring((downloads / name).read_text())  # noqa: S314  # our own
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    first = next(each for each in drawing.iter() if each.get("class") == "line")
    assert f"stroke: {colour}" in (first.get("style") or "")
    assert {"none", "the article"} & {each.text for each in drawing.iter() if each.tag.endswith("text")}
