"""`leakbench check --report`: one file that says what the answer says, and is asked for before measuring."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from leakbench import checking
from leakbench.errors import LeakbenchError
from leakbench.report import check_page
from leakbench.verdict import Verdict

KNOWN = Path(__file__).parent.parent / "subjects" / "known.py"
HOSTILE = "<script>alert(1)</script>\"' \u202eevil\u202c {{ 7 * 7 }}"
NONE = check_page.Flamegraph(reason="nothing leaks")


def _verdict(**known: Any) -> Verdict:
    """Give an answer that a person could have got: 100 B/op over five rungs."""
    steps = (0, 256, 512, 1024, 2048)
    answer = Verdict(
        target="service.py::put",
        verdict="leak",
        leak_bytes_per_op=100.0,
        interval=(99.0, 101.0),
        smallest_detectable_bytes_per_op=0.5,
        smallest_detectable_outside_bytes_per_op=64.0,
        ops=2048,
        seconds=0.25,
        noise_bytes=48,
        retained_heap_bytes=204_800,
        retained_rss_bytes=208_896,
        site=None,
        holder=None,
        holders=(),
        resources={"heap": 100.0},
        wanted_ops=None,
        ladder=tuple((n, 10_000 + 100 * n, 20_480 + 102 * n) for n in steps),
        evidence="each octave doubles",
        within_limit=True,
    )
    return answer._replace(**known)


def _holder(path: str, share: float, **known: Any) -> dict[str, Any]:
    """Give a holder as both the first and the others are told."""
    chain = ["module service", f"global {path}", "dict"]
    told = {"path": f"service.{path}", "type": "dict", "entries": 1_234, "bound": None, "chain": chain}
    return told | {"root": "module global", "share": share, "bytes_share": share} | known


def _text(page: str) -> str:
    """Give what a reader sees, more or less: no scripts, styles, tags or drawings."""
    body = re.sub(r"(?s)<(script|style|svg|iframe).*?</\1>", " ", page.partition("<body>")[2])
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def _page(verdict: Verdict, *, rate_per_second: float | None = None, **wish: Any) -> str:
    asked = checking.Wish(verdict.target, **wish)
    return check_page.render(verdict, asked, NONE, rate_per_second=rate_per_second)


def test_the_verdict_comes_first_then_the_rate_in_human_terms() -> None:
    """100 B/op at 1,000 op/s are 8,640,000,000 B a day, 8.05 GiB."""
    said = _text(_page(_verdict(), rate_per_second=1_000))
    places = [
        said.index(each) for each in ("leak: live memory", "100 B/op (between", "8.05 GiB a day", "Growth")
    ]
    assert places == sorted(places)


def test_rate_and_limit_are_what_the_calculator_begins_with() -> None:
    page = _page(_verdict(), rate_per_second=50, limit_bytes=512 << 20)
    assert 'name="rate" value="50"' in page
    assert 'name="limit" value="512"' in page


def test_live_heap_is_drawn_upon_the_band_of_resident_memory() -> None:
    """They may be one line: what is drawn later covers what was drawn before."""
    page = _page(_verdict())
    linear = page.partition('<div class="lin">')[2].partition("</svg>")[0]
    assert re.findall(r'<g class="series (v-\w+)">', linear) == ["v-beneath", "v-leak"]
    assert "time of the climb 250 ms" in _text(page)


def test_several_holders_are_drawn_with_their_shares() -> None:
    holders = (_holder("ROWS", 0.75), _holder("LOG", 0.2))
    page = _page(_verdict(holder=holders[0], holders=holders))
    said = _text(page)
    assert said.index("service.ROWS") < said.index("75 % of the growth") < said.index("service.LOG")
    assert "20 % of the growth" in said
    assert "module service global ROWS dict, 1,234 entries" in said
    assert page.count('<ol class="path"') == 2


def test_a_filling_cache_says_where_it_ends() -> None:
    holder = _holder("CACHE", 1.0, bound=10_000, ceiling_bytes=3 << 20)
    said = _text(_page(_verdict(verdict="filling", leak_bytes_per_op=0.0, holder=holder, holders=(holder,))))
    assert "dict, 1,234 entries, bound 10,000" in said
    assert "It will hold 3.00 MiB when full." in said
    assert "memory is" not in said  # nothing to calculate


def test_no_flamegraph_is_said_with_its_reason() -> None:
    steady = _verdict(verdict="steady", leak_bytes_per_op=0.0, resources={})
    assert "No flamegraph: nothing leaks." in _text(_page(steady))


def test_names_are_text_and_never_markup() -> None:
    site = {
        "file": HOSTILE,
        "line": 3,
        "function": HOSTILE,
        "stack": [[HOSTILE, HOSTILE, 3]],
        "retained_bytes": 9,
    }
    holder = _holder(HOSTILE, 1.0)
    page = _page(
        _verdict(target=HOSTILE, evidence=HOSTILE, site=site, holder=holder, holders=(holder,)),
    )
    assert "<script>alert" not in page
    assert _text(page).count("alert(1)") >= 7
    assert "{{ 7 * 7 }}" in page


def test_folders_of_the_machine_are_left_out() -> None:
    site = {
        "file": "/home/ann/app/service.py",
        "line": 3,
        "function": "put",
        "stack": [],
        "retained_bytes": 9,
    }
    page = _page(_verdict(target="/home/ann/app/service.py::put", site=site))
    assert "ann" not in re.findall(r"\w+", _text(page))
    assert "~/app/service.py:3" in _text(page)


@pytest.mark.slow
def test_a_real_leak_becomes_one_file_with_memrays_flamegraph_in_it(tmp_path: Path) -> None:
    output = tmp_path / "leak.html"
    verdict = check_page.examine_and_write(checking.Wish(f"{KNOWN}::entry_a_step"), output)
    assert verdict.verdict == "leak"
    assert list(tmp_path.iterdir()) == [output]
    page = output.read_text(encoding="utf-8")
    said = _text(page)
    assert "known.MAP" in said
    assert "in entry_a_step keeps most" in said
    (flames,) = re.findall(r'<iframe[^>]* srcdoc="([^"]*)"', page)
    inner = html.unescape(flames)
    assert "packed_data" in inner
    assert '"entry_a_step"' in inner
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=.(?:https?:|//|assets/)", inner)
    assert str(KNOWN.parent) not in page


@pytest.mark.slow
def test_the_source_around_the_site_is_shown(tmp_path: Path) -> None:
    code = "KEPT = []\n\n\ndef step(i):\n    KEPT.append(bytes(500))  # the very line\n"
    (tmp_path / "own.py").write_text(code)
    output = tmp_path / "page.html"
    check_page.examine_and_write(checking.Wish(f"{tmp_path / 'own.py'}::step"), output)
    here = re.search(r'<span class="row here">([^<]*)', output.read_text(encoding="utf-8"))
    assert here is not None
    assert here[1].split() == ["5", "KEPT.append(bytes(500))", "#", "the", "very", "line"]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("missing/page.html", "cannot be written: No such file or directory"),
        ("file.txt/page.html", "cannot be written: Not a directory"),
        (".", "is a folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, said: str
) -> None:
    def never(*_: object, **__: object) -> Verdict:
        pytest.fail("it was measured")

    monkeypatch.setattr(checking, "examine", never)
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(LeakbenchError, match=said):
        check_page.examine_and_write(checking.Wish("service.py::put"), tmp_path / output)


def test_what_was_there_stays_where_the_target_fails(tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    output.write_text("of yesterday")
    with pytest.raises(checking.UnusableTargetError):
        check_page.examine_and_write(checking.Wish("no_such_file.py::step"), output)
    assert output.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [output]
