"""The page of real leaks says what was found beside what is known, and nothing that was not measured."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest
from leakbench import report
from leakbench.report import wild

from tests.report import test_accessibility
from tests.report.runs import declared, ledger, line, rss, small_run, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from selenium import webdriver

KNOWN = "babel.dates._pattern_cache"


def real(case: str, verdict: str, package: str, holder: str | None = None) -> dict[str, Any]:
    """Give an entry of cases.json as a real leak has it."""
    truth = {"verdict": verdict, "leaks": verdict == "leak", "holder": holder, "deterministic": True}
    return declared(case, kind="wild", title=f"About {package}", truth=truth, packages=[package])


def found(case: str, path: str | None) -> dict[str, Any]:
    holder = {"path": path, "type": "dict", "entries": 9} if path else {"path": None, "type": "exception"}
    return line(case, "holder", holder=holder, other_holders=[])


def real_run(folder: Path) -> Path:
    """Write a run of a pair, a native leak that no release mends, and a look-alike.

    10 MiB at each baseline: RSS rises by 20 MiB in the first two leaks, 0.5 MiB where babel is mended, not at
    all in the workaround, and by 5 MiB in the look-alike. So it is wrong once in five.
    """
    lines = [
        rss("wild-babel:none", peak_mib=30),
        ledger("wild-babel:none", verdict="leak", rate=310.0),
        found("wild-babel:none", f"<frame>.{KNOWN}"),
        rss("wild-babel:upgrade", peak_rss_bytes=21 << 19),
        ledger("wild-babel:upgrade"),
        rss("wild-numpy:none", peak_mib=30),
        ledger("wild-numpy:none", verdict="leak", rate=176.0),
        found("wild-numpy:none", "service.CACHE"),
        rss("wild-numpy:workaround", peak_mib=10),
        ledger("wild-numpy:workaround"),
        rss("wild-jinja:none", peak_mib=15),
        ledger("wild-jinja:none"),
    ]
    cases = [
        real("wild-babel:none", "leak", "babel==2.11.0", KNOWN),
        real("wild-babel:upgrade", "bounded", "babel==2.12.1"),
        real("wild-numpy:none", "leak", "numpy==2.4.1", "native"),
        real("wild-numpy:workaround", "steady", "numpy==2.4.1"),
        real("wild-jinja:none", "bounded", "jinja2==3.1.6"),
    ]
    return write_run(folder, lines, cases)


@pytest.fixture
def page(tmp_path: Path) -> str:
    """The page's text, without tags."""
    text = (report.write(real_run(tmp_path / "run")).parent / wild.PAGE).read_text(encoding="utf-8")
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_a_run_without_real_leaks_has_no_page_of_them(tmp_path: Path) -> None:
    index = report.write(small_run(tmp_path / "run"))
    assert not (index.parent / wild.PAGE).exists()
    assert wild.PAGE not in index.read_text(encoding="utf-8")


def test_the_front_page_and_each_real_leaks_own_page_lead_to_it(tmp_path: Path) -> None:
    index = report.write(real_run(tmp_path / "run"))
    for name in ("index.html", "scenario-wild-babel.html"):
        assert f'href="{wild.PAGE}"' in (index.parent / name).read_text(encoding="utf-8")


def test_a_pair_says_both_versions_the_rate_and_the_days(page: str) -> None:
    assert "babel 2.11.0" in page
    assert "2.12.1" in page
    assert "310 B/op" in page
    # 2**31 B / (310 B × 100/s) = 69,273 s = 19 h 14 min 33 s
    assert "full in 19 h 14 min" in page


def test_what_no_release_mends_says_so(page: str) -> None:
    assert "no release; a way to mend it" in page


def test_the_holder_is_held_against_the_known_one_and_the_known_is_named_where_they_differ(page: str) -> None:
    assert f"✓ as known: <frame>.{KNOWN}" in page
    assert "✗ not as known: service.CACHE known: C code" in page


def test_how_often_each_was_right_is_counted(page: str) -> None:
    assert "verdict 5 of 5 as known" in page
    assert "Python holder 1 of 1 as known" in page
    assert "native 0 of 1 said so" in page
    assert "resident memory alone 4 of 5 right" in page


def test_resident_memory_is_wrong_where_it_rises_without_a_leak(page: str) -> None:
    _, _, alike = page.partition("look like leaks")
    assert "jinja2 3.1.6" in alike
    assert "✗ wrong: leak +5.00 MiB" in alike


def test_what_was_not_measured_is_said_and_not_made_up(tmp_path: Path) -> None:
    lines = [ledger("wild-babel:none", verdict="leak", rate=310.0)]
    run = write_run(tmp_path / "run", lines, [real("wild-babel:none", "leak", "babel==2.11.0", KNOWN)])
    text = (report.write(run).parent / wild.PAGE).read_text(encoding="utf-8")
    assert "not looked for" in text
    assert "not asked" in text
    assert "resident memory alone <b>" not in text


def test_a_holder_probe_that_failed_has_not_found_that_no_python_object_holds(tmp_path: Path) -> None:
    lines = [
        ledger("wild-numpy:none", verdict="leak", rate=176.0),
        line("wild-numpy:none", "holder", failed="killed"),
    ]
    run = write_run(tmp_path / "run", lines, [real("wild-numpy:none", "leak", "numpy==2.4.1", "native")])
    text = (report.write(run).parent / wild.PAGE).read_text(encoding="utf-8")
    assert "not looked for" in text
    assert "native <b>" not in text


@pytest.mark.slow
def test_the_page_has_no_serious_finding_and_does_not_scroll_sideways(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    index = report.write(real_run(tmp_path / "run"))
    test_accessibility.test_a_page_has_no_serious_finding(browser, index.parent, wild.PAGE)
