"""axe-core finds nothing serious on any page, on a laptop and a phone, in light and dark.

memray's own page, which the page of a check has in a frame, is memray's to answer for.
"""

from __future__ import annotations

from importlib import resources
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.report.conftest import PAGES

if TYPE_CHECKING:
    from pathlib import Path

    from selenium import webdriver

pytestmark = pytest.mark.slow

_RUN = """
const done = arguments[0];
axe.run(document, { resultTypes: ["violations"], iframes: false }).then((found) =>
  done(found.violations.map((each) => `${each.impact} ${each.id}: ${each.nodes[0].html}`)));
"""


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_serious_finding(browser: webdriver.Chrome, folder: Path, page: str) -> None:
    """Loaded once, and looked at four times: loading takes longer than looking."""
    browser.get((folder / page).as_uri())
    browser.execute_script(
        resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    )
    found = []
    for width, scheme in product((400, 1400), ("light", "dark")):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        assert browser.execute_script("return innerWidth") == width
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        found += [f"{width} {scheme} {each}" for each in browser.execute_async_script(_RUN)]
    assert [each for each in found if each.split()[2] in ("serious", "critical")] == []


def test_the_checker_sees_a_fault(browser: webdriver.Chrome, tmp_path: Path) -> None:
    """Grey on grey, an image and a field without names: proof that a clean page is a finding."""
    (tmp_path / "bad.html").write_text('<p style="color:#aaa;background:#bbb">grey</p><img src="x"><input>')
    browser.get((tmp_path / "bad.html").as_uri())
    browser.execute_script(
        resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    )
    found = browser.execute_async_script(_RUN)
    assert {each.split()[1] for each in found} >= {"color-contrast:", "image-alt:", "label:"}
