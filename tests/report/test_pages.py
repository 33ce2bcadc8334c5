"""The pages say what the tables say, take every text as text, and are the same bytes each time."""

from __future__ import annotations

import csv
import gzip
import html
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from leakbench import report
from leakbench.cli import main
from leakbench.compare import UnlikeError
from leakbench.errors import LeakbenchError
from leakbench.report import comparison
from leakbench.report.view import Figure

from tests.report.runs import ENVIRONMENT, declared, ledger, line, rss, small_run, write_run

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = (
    "<script>alert(1)</script>\"'&lt; \u202eevil\u202c {{ 7 * 7 }} | * [x](javascript:y) " + "x" * 10_000
)
UNCLOSED = {"meta", "link", "img", "input", "br", "td", "dt", "dd"}  # never, or not always


class _Figures(HTMLParser):
    """Collects (case, column, value) of every <data> on a page, by what it stands under."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self._open: list[str | None] = []
        self._columns: list[str] = []
        self._cell = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table":
            self._columns = []
        if tag == "tr":
            self._cell = -1
        if tag in ("td", "th"):
            self._cell += 1
            if given.get("scope") == "col":
                self._columns.append(given.get("data-name") or "")
        if tag not in UNCLOSED:
            self._open.append(given.get("data-case"))
        if tag == "data":
            case = next(each for each in reversed(self._open) if each)
            name = given.get("data-name") or self._columns[self._cell]
            self.found.append((case, name, given["value"] or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in UNCLOSED:
            self._open.pop()


def _pages(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("report/*.html"))}


def test_every_figure_on_every_page_is_the_csvs(tmp_path: Path) -> None:
    report.write(small_run(tmp_path))
    with (tmp_path / "report" / "cases.csv").open(newline="") as table:
        rows = {" ".join(row[n] for n in ("case", "scale", "seed")): row for row in csv.DictReader(table)}
    pages = _pages(tmp_path)
    found = {name: _Figures(page).found for name, page in pages.items()}
    for figures in found.values():
        for case, name, value in figures:
            assert float(value) == float(rows[case][name]), (case, name)
    assert len(found["cases.html"]) > 20
    assert len(found["scenario-map.html"]) > 30
    assert {("map:ttl 4096 0", "peak_own_bytes", "20971520")} <= {*found["cases.html"]}  # median 21 − 1 MiB


def test_json_gives_the_same_as_csv(tmp_path: Path) -> None:
    report.write(small_run(tmp_path))
    cases = json.loads(gzip.decompress((tmp_path / "report" / "cases.json.gz").read_bytes()))["cases"]
    with (tmp_path / "report" / "cases.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    for case, row in zip(cases, rows, strict=True):
        for name, value in case.items():
            said = row[name]
            assert (float(said) == value) if isinstance(value, float) else said == str(value)
    assert cases[1]["ops_per_second_min"] == 400.0
    assert "ops_per_second_min" not in cases[0], "a range that is one value is not said twice"


@pytest.mark.slow
def test_rendering_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    def written() -> dict[str, bytes]:
        report.write(small_run(tmp_path))
        return {
            str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.glob("report/**/*") if p.is_file()
        }

    assert written() == written()


def test_measurements_alone_make_a_report_and_what_is_missing_is_named(tmp_path: Path) -> None:
    folder = small_run(tmp_path)
    (folder / "environment.json").unlink()
    (folder / "cases.json").unlink()
    report.write(folder)
    front = _pages(folder)["index.html"]
    assert "environment.json is missing" in front
    assert "cases.json is missing" in front
    assert "map:broken" in front


def test_failures_and_missed_truths_are_said_first(tmp_path: Path) -> None:
    lines = [
        ledger("map:ttl", verdict="leak", rate=9.0),
        line("map:b", "rss", failed="exploded"),
    ]
    report.write(write_run(tmp_path, lines, [declared("map:ttl"), declared("map:b")]))
    front = _pages(tmp_path)["index.html"]
    assert front.index("exploded") < front.index('id="matrix"')
    assert front.index("measured leak, declared bounded") < front.index('id="matrix"')
    assert "1 not as declared; 1 failed" in html.unescape(front)


def test_bounded_and_steady_are_one_truth(tmp_path: Path) -> None:
    lines = [ledger("map:a", verdict="steady"), ledger("map:b", verdict="leak", rate=5.0)]
    report.write(write_run(tmp_path, lines, [declared("map:a"), declared("map:b")]))
    front = _pages(tmp_path)["index.html"]
    assert "1 not as declared" in front
    assert ">map:b</b></a>: measured leak, declared bounded" in front


def test_every_text_of_a_scenario_is_text(tmp_path: Path) -> None:
    case = f"{HOSTILE[:200]}:{HOSTILE[:100]}"
    entry = declared(
        case, title=HOSTILE, mechanism=f"a\n\n{HOSTILE}\n\n{HOSTILE}", summary=HOSTILE, source=HOSTILE
    )
    site = {"file": HOSTILE, "line": 1, "function": HOSTILE, "retained_bytes": 5, "stack": []}
    holder = {"path": HOSTILE, "type": HOSTILE, "entries": 3, "chain": [HOSTILE, HOSTILE]}
    lines = [
        rss(case), ledger(case, verdict="leak", rate=8.0, evidence=HOSTILE),
        line(case, "latency", failed=HOSTILE),
        line(case, "heap", site=site, capture=HOSTILE), line(case, "holder", holder=holder),
    ]  # fmt: skip
    report.write(write_run(tmp_path, lines, [entry]))
    for name, page in _pages(tmp_path).items():
        assert "<script>alert" not in page, name
        assert "{{ 7 * 7 }}" in page or name == "columns.html"
        assert "x" * 5_000 not in re.sub(r"<pre.*?</pre>", "", page, flags=re.DOTALL), name
    markdown = (tmp_path / "report" / "report.md").read_text()
    assert "<script>" not in markdown
    assert "](javascript" not in markdown
    assert not re.search(r"(?<!\\)\| \*", markdown)


def test_folders_of_the_machine_are_on_no_page_unless_asked(tmp_path: Path) -> None:
    site = {
        "file": "/home/ada/shop/service.py",
        "line": 1,
        "function": "put",
        "retained_bytes": 5,
        "stack": [],
    }
    lines = [
        rss("map:ttl"),
        line("map:ttl", "heap", site=site),
        line("map:b", "rss", failed="in /home/ada/x.py"),
    ]
    report.write(write_run(tmp_path, lines))
    written = [path.read_text() for path in tmp_path.glob("report/*") if path.suffix not in ("", ".gz")]
    written += [gzip.decompress(path.read_bytes()).decode() for path in tmp_path.glob("report/*.gz")]
    assert not any("/home/ada" in text or str(tmp_path) in text for text in written)
    report.write(tmp_path, redact=False)
    assert "/home/ada/shop/service.py" in (tmp_path / "report" / "measurements.csv").read_text()


def test_a_flamegraph_is_linked_and_one_whose_capture_is_gone_says_so(tmp_path: Path) -> None:
    lines = [
        line(f"map:{name}", "heap", capture=f"captures/{name}.bin") for name in ("drawn", "kept", "gone")
    ]
    write_run(tmp_path, lines)
    for folder, name in (("flamegraphs", "drawn.leaks.html"), ("captures", "kept.bin")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).touch()
    report.write(tmp_path)
    page = _pages(tmp_path)["scenario-map.html"]
    drawn, kept, gone = re.findall(r"<article.*?</article>", page, re.DOTALL)
    assert '<a href="../flamegraphs/drawn.leaks.html">leaks</a>' in drawn
    assert "not drawn yet</span>: <code>leakbench flamegraph map:kept</code> draws one" in kept
    assert "capture deleted</span>: <code>leakbench flamegraph map:gone</code> draws one" in gone


def test_source_that_cases_share_stands_once_without_the_declaration_that_indents_it(tmp_path: Path) -> None:
    one_line = "    @scenario.mitigation(name, **truth)\n"
    many_lines = "    @scenario.mitigation(\n        name,\n        summary=said(),\n    )\n"
    made = "    def make():\n        return {}\n"
    cases = [
        declared(f"map:{name}", source=source + made)
        for name, source in (("none", one_line), ("lru", one_line), ("ttl", many_lines))
    ]
    report.write(write_run(tmp_path, [rss(f"map:{name}") for name in ("none", "lru", "ttl")], cases))
    none, lru, ttl = re.findall(r"<article.*?</article>", _pages(tmp_path)["scenario-map.html"], re.DOTALL)
    for drawn in (none, ttl):
        (source,) = re.findall(r"<pre[^>]*>(.*?)</pre>", drawn, re.DOTALL)
        assert re.sub(r"<[^>]*>", "", source) == "def make():\n    return {}\n"
    assert 'Source: that of <a href="#none">none</a>, with other values.' in lru
    assert "<pre" not in lru


def test_the_dashed_steps_are_told_where_there_are_any(tmp_path: Path) -> None:
    """Of two sound ones either is better in one thing, or one of them in both."""
    steps = "dashed steps join"
    both = "Of the sound ones lru is both the fastest and the smallest."
    for ttl_mib, has_steps in ((19, True), (21, False)):
        lines = [rss("map:lru", peak_mib=20, speed=900.0), rss("map:ttl", peak_mib=ttl_mib, speed=500.0)]
        report.write(write_run(tmp_path, lines))
        page = _pages(tmp_path)["scenario-map.html"]
        assert [steps in page, 'class="front"' in page, both in page] == [has_steps, has_steps, not has_steps]


@pytest.mark.parametrize(
    ("text", "spread", "below"),
    [
        ("9.80 MiB", "9.67 to 9.98 MiB", "9.67–9.98"),
        ("1.00 MiB", "900 KiB to 1.10 MiB", "900 KiB to 1.10 MiB"),
        ("0.99 MiB", "900 to 1,000 KiB", "900–1,000 KiB"),
        ("−1.00 KiB", "−2.00 to 1.00 KiB", "−2.00 to 1.00 KiB"),
        ("12,400", "12,200 to 12,400", "12,200–12,400"),
        ("1", "", ""),
    ],
)
def test_a_range_below_its_figure_leaves_out_the_figures_unit(text: str, spread: str, below: str) -> None:
    assert Figure("name", 1.0, text, spread).bare_spread == below


def test_the_holder_is_drawn_from_root_to_container(tmp_path: Path) -> None:
    holder = {"path": "shop.SESSIONS", "type": "dict", "entries": 4_096, "chain": ["module shop", "SESSIONS"]}
    report.write(write_run(tmp_path, [line("map:none", "holder", holder=holder)]))
    page = _pages(tmp_path)["scenario-map.html"]
    assert "Held by <code>shop.SESSIONS</code>" in page
    assert "<li><span>module shop</span></li><li><span>SESSIONS</span></li>" in page
    assert '<span class="grows">dict, 4,096 entries</span>' in page


def test_each_statement_of_a_claim_is_marked_as_borne_out_or_not(tmp_path: Path) -> None:
    statements = [{"says": "a <grows>", "is_true": True}, {"says": "b grows", "is_true": False}]
    claim = {"section": "2.1", "says": "x", "measured": "y", "verdict": "in part", "statements": statements}
    write_run(tmp_path, [rss("map:none")])
    (tmp_path / "claims.json").write_text(json.dumps([claim]))
    report.write(tmp_path)
    page = _pages(tmp_path)["claims.html"]
    assert re.search(r"✓</span>a &lt;grows&gt;</li>", page)
    assert re.search(r'✗</span><span class="hidden">not so: </span>b grows</li>', page)


def test_claims_are_shown_with_their_chart(tmp_path: Path) -> None:
    chart = {"title": "Server <memory>", "x": "minutes", "y": "memory", "unit": "B", "series": [
        {"name": "the article", "points": [[5, 180e6], [10, 370e6], [15, 560e6]]},
        {"name": "<b>measured", "points": [[5, 42.6e6], [10, 42.8e6], [15, 42.8e6]]},
    ]}  # fmt: skip
    claim = {
        "section": "2.4",
        "says": "keys <pile> up",
        "measured": "flat",
        "verdict": "refuted",
        "chart": chart,
    }
    small_run(tmp_path)
    (tmp_path / "claims.json").write_text(json.dumps([claim]))
    report.write(tmp_path)
    front = _pages(tmp_path)["index.html"]
    assert '<span class="claim c-refuted">refuted</span>' in front
    assert "keys &lt;pile&gt; up" in front
    page = _pages(tmp_path)["claims.html"]
    assert "<title>Server &lt;memory&gt;</title>" in page
    assert "&lt;b&gt;measured: 40.6 MiB at 5, 40.8 MiB at 10, 40.8 MiB at 15</desc>" in page


def test_a_run_without_any_measurement_is_shown_as_such(tmp_path: Path) -> None:
    index = report.write(write_run(tmp_path, [], []))
    assert "Nothing was measured" in index.read_text()


def test_news_against_a_baseline_are_on_the_front_page(tmp_path: Path) -> None:
    before = write_run(tmp_path / "a", [ledger(f"map:{name}") for name in ("ttl", "old", "lru")])
    after = write_run(tmp_path / "b", [ledger("map:ttl", verdict="leak", rate=64.0)])
    front = html.unescape(report.write(after, baseline=before).read_text())
    assert "leak, was bounded" in front
    assert "leak_bytes_per_op 64 B/op, was 0 B/op: +64 B/op" in front
    assert "only in the baseline</b> 2: map:lru, map:old" in front


def test_a_comparison_is_a_page_and_markdown_and_refuses_unlike(tmp_path: Path) -> None:
    before = write_run(tmp_path / "a", [ledger("map:ttl")])
    after = write_run(tmp_path / "b", [ledger("map:ttl", verdict="leak", rate=64.0)])
    found = report.compare_runs(before, after)
    assert found.is_worse
    markdown = comparison.to_markdown(found)
    assert "| worse | map:ttl | leak_bytes_per_op | 0 B/op | 64 B/op |" in markdown
    assert "<h1>2 worse</h1>" in comparison.to_page(found)
    other: dict[str, Any] = ENVIRONMENT | {"machine": ENVIRONMENT["machine"] | {"arch": "aarch64"}}
    elsewhere = write_run(tmp_path / "c", [ledger("map:ttl")], environment=other)
    with pytest.raises(UnlikeError, match=r"arch \(x86_64 against aarch64\)"):
        report.compare_runs(before, elsewhere)
    assert "aarch64" in comparison.to_markdown(
        report.compare_runs(before, elsewhere, in_spite_of_unlike=True)
    )


def test_what_one_run_alone_has_is_told_in_a_line_and_not_in_rows(tmp_path: Path) -> None:
    before = write_run(tmp_path / "a", [ledger(f"map:old-{n}") for n in range(8)])
    found = report.compare_runs(before, write_run(tmp_path / "b", [ledger("map:new")]))
    names = ", ".join(f"map:old-{n}" for n in range(6))
    assert comparison.alone(found) == [f"only in A: 8 ({names} and 2 more)", "only in B: 1 (map:new)"]
    assert comparison.shown_rows(found) == []
    assert "Only in B: 1" in comparison.to_markdown(found)
    assert found.caveats == ()


def test_cases_of_another_seed_are_said_not_to_be_compared(tmp_path: Path) -> None:
    before = write_run(tmp_path / "a", [ledger("map:ttl"), ledger("map:old")])
    found = report.compare_runs(before, write_run(tmp_path / "b", [ledger("map:ttl") | {"seed": 3}]))
    assert found.caveats == (
        "not compared are 1 case that the runs have at another scale, seed or parameter: map:ttl",
    )


def test_a_change_that_both_figures_hide_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """47.56 and 47.64 both read 47.6; the difference of 0.0800 is 0.2 %."""
    runs = [
        write_run(tmp_path / name, [ledger("map:none", verdict="leak", rate=rate)])
        for name, rate in (("a", 47.64), ("b", 47.56))
    ]
    assert main(["compare", *map(str, runs)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 better, 1 unchanged",
        "better map:none",
        "  leak_bytes_per_op  47.6 B/op → 47.6 B/op  −0.08 B/op (−0.2 %)",
    ]


def test_repeats_that_differ_in_what_is_no_leak_are_one_verdict_as_declared(tmp_path: Path) -> None:
    verdicts = ("bounded", "steady", "bounded")
    lines = [ledger("map:a", verdict=verdict) | {"repeat": n} for n, verdict in enumerate(verdicts)]
    report.write(write_run(tmp_path, lines, [declared("map:a")]))
    front = html.unescape(_pages(tmp_path)["index.html"])
    assert "0 of 1 cases leak, each as declared" in front
    assert "steady in 1 of 3" in front
    assert "bounded | steady" not in front


def test_repeats_of_which_one_leaks_are_inconclusive_and_not_as_declared(tmp_path: Path) -> None:
    lines = [ledger("map:a", verdict=verdict) | {"repeat": n} for n, verdict in enumerate(("steady", "leak"))]
    report.write(write_run(tmp_path, lines, [declared("map:a")]))
    front = html.unescape(_pages(tmp_path)["index.html"])
    assert "measured inconclusive (steady in 1 of 2, leak in 1 of 2), declared bounded" in front


def test_a_report_that_cannot_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    index = report.write(small_run(tmp_path))
    before = index.read_bytes()
    (tmp_path / "measurements.jsonl").write_text('{"schema": 2}\n')
    with pytest.raises(LeakbenchError, match="schema 2"):
        report.write(tmp_path)
    assert index.read_bytes() == before
