"""Who holds it, drawn from records as the holder's child gives them."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from leakbench.report import holders


def _boxes(**found: Any) -> list[str]:
    return [html.unescape(each) for each in re.findall(r"<span[^>]*>([^<]*)", holders.draw(found))]


def test_the_container_comes_last_once_with_its_size() -> None:
    chain = ["module service", "global SESSIONS", "dict"]
    told = _boxes(path="service.SESSIONS", type="dict", entries=1, chain=chain)
    assert told == ["module service", "global SESSIONS", "dict, 1 entry"]


@pytest.mark.parametrize(
    ("kind", "link"),
    [("functools.lru_cache", "_lru_cache_wrapper"), ("weakref.WeakKeyDictionary", "WeakKeyDictionary")],
)
def test_a_type_is_named_as_it_is_imported(kind: str, link: str) -> None:
    told = _boxes(path="m.f", type=kind, entries=2_048, bound=4_096, chain=["module m", "global f", link])
    assert told == ["module m", "global f", f"{kind}, 2,048 entries, bound 4,096"]


def test_what_piles_up_in_no_container_is_what_grows_and_repeated_links_are_one() -> None:
    chain = ["module m", "m.head", "no growing container: 2 more Node a step", *["Node"] * 8]
    assert _boxes(path="m.head", type="Node", entries=7, chain=chain) == [
        "module m",
        "m.head",
        "Node ×8",
        "2 more Node a step",
    ]


def test_a_long_way_leaves_out_its_middle() -> None:
    told = _boxes(type="list", entries=5, chain=[f"link {n}" for n in range(20)])
    assert len(told) == 14
    assert told[5:8] == ["link 5", "… 8 more …", "link 14"]


def test_what_c_code_holds_is_said() -> None:
    assert (
        str(holders.name({"type": "native", "path": None})) == "C code, or what grows too rarely to be seen"
    )
    assert _boxes(type="native", path=None) == ["an unknown root", "native"]
