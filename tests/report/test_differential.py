"""The difference of two captures: what grew and what shrank, by stack."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import memray
import pytest
from leakbench.errors import LeakbenchError
from leakbench.report import differential, flamegraph, flamegraph_diff, flamegraphs, memray_pages

from tests.report.runs import line, write_run

if TYPE_CHECKING:
    from pathlib import Path

A: dict[differential.Stack, int] = {
    (("main", "a.py"), ("put", "a.py")): 100,
    (("main", "a.py"), ("log", "b.py")): 30,
}
B: dict[differential.Stack, int] = {
    (("main", "a.py"), ("put", "a.py")): 10,
    (("main", "a.py"), ("cache", "a.py")): 50,
}


def test_stacks_are_laid_over_each_other_and_summed() -> None:
    root = differential.difference(A, B)
    assert (root.a_bytes, root.b_bytes) == (130, 60)
    (main,) = root.children
    assert {n.function: (n.a_bytes, n.b_bytes) for n in main.children} == {
        "put": (100, 10), "log": (30, 0), "cache": (0, 50)}  # fmt: skip


def test_a_frame_is_as_wide_as_its_callees_together() -> None:
    """Main holds 130 and 60, its callees 100 + 30 + 50 = 180: growth and shrinkage side by side."""
    (main,) = differential.difference(A, B).children
    assert differential.width_bytes(main) == 180


def test_a_capture_against_itself_shows_no_change() -> None:
    root = differential.difference(A, A)
    assert root.a_bytes == root.b_bytes == 130


def test_data_end_no_script_element() -> None:
    stacks: dict[differential.Stack, int] = {(("</script><img onerror=x>", "a.py"),): 5}
    page = differential.render(differential.difference({}, stacks), "a", "<i>b", redact=True)
    assert "</script><img" not in page
    assert "<i>b" not in page
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert json.loads(data)["names"] == ["all\n", "</script><img onerror=x>\na.py"]


def _capture(path: Path, kept_bytes: int) -> Path:
    kept = []
    with memray.Tracker(path, trace_python_allocators=True):
        kept.append(bytearray(kept_bytes))
    del kept
    return path


@pytest.mark.slow
def test_the_page_of_two_captures_carries_their_bytes(tmp_path: Path) -> None:
    small, large = _capture(tmp_path / "s.bin", 100_000), _capture(tmp_path / "l.bin", 900_000)
    flamegraph_diff(small, large, tmp_path / "d.html")
    (data,) = re.findall(r'id="data">(.*?)</script>', (tmp_path / "d.html").read_text())
    _, before, after, *_ = json.loads(data)["tree"]
    assert 100_000 <= before < 110_000
    assert 900_000 <= after < 910_000


@pytest.mark.slow
def test_memrays_pages_share_their_libraries_and_name_no_folder(tmp_path: Path) -> None:
    """One page is 4.5 MB; two of ours together stay below 100 kB, the libraries lie once beside them."""
    capture = _capture(tmp_path / "c.bin", 100_000)
    for kind in ("leaks", "peak"):
        flamegraph(capture, tmp_path / "out" / f"{kind}.html", kind=kind)
    pages = [path.read_text() for path in (tmp_path / "out").glob("*.html")]
    assert sum(map(len, pages)) < 100_000
    for page in pages:
        assert str(tmp_path) not in page
        named = re.findall(r'(?:src|href)="(assets/[^"]+)"', page)
        assert named
        assert all((tmp_path / "out" / name).is_file() for name in named)
        assert not re.findall(r'<(?:script|link)[^>]+(?:src|href)="http', page)


def test_what_is_no_capture_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"not a capture")
    with pytest.raises(LeakbenchError, match=r"x\.bin cannot be read as a memray capture"):
        memray_pages.open_capture(tmp_path / "x.bin")


@pytest.mark.slow
def test_all_pages_of_a_run_are_drawn_once_and_deleted_captures_passed_over(tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    for name in ("none", "ttl"):
        _capture(tmp_path / "captures" / f"{name}.bin", 50_000)
    lines = [line(f"map:{name}", "heap", capture=f"captures/{name}.bin") for name in ("none", "ttl", "gone")]
    told: list[tuple[int, int]] = []
    run = write_run(tmp_path, lines)
    pages = flamegraphs(run, kinds=("leaks", "diff"), tell=lambda drawn, due: told.append((drawn, due)))
    assert [page.name for page in pages] == ["none.leaks.html", "ttl.leaks.html", "ttl.diff.html"]
    assert told == [(1, 3), (2, 3), (3, 3)]
    drawn = {page: page.stat().st_mtime_ns for page in pages}
    flamegraphs(tmp_path, kinds=("leaks", "diff"))
    assert {page: page.stat().st_mtime_ns for page in pages} == drawn
