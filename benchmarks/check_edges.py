"""Where `leakbench check` stops being sure: rare and small leaks, far bounds, long sawtooths.

  python benchmarks/check_edges.py                       all sweeps, as a table
  python benchmarks/check_edges.py --chart edges.svg     and as a chart
  python benchmarks/check_edges.py rare                  one sweep: rare, sizes, bounds, periods

Every row is a step made for it, checked at the default budget. A wrong verdict is marked and makes the exit
status 1; `inconclusive`, and `filling` for a cache, are honest where the budget is too short.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from leakbench import checking
from leakbench.terminal import console, table, verdict_text

if TYPE_CHECKING:
    from leakbench.verdict import Verdict

STEPS = """
import collections, functools, random
RANDOM, SEEN = random.Random(1), set()
KEPT, MAP, ORDERED = [], {{}}, collections.OrderedDict()

def rare(i):
    if i % {n} == 0:
        KEPT.append(bytes({size}))

@functools.lru_cache(maxsize={n})
def declared(key):
    return None

def declared_bound(i):
    declared(i)

def written_bound(i):
    ORDERED[i] = None
    if len(ORDERED) > {n}:
        ORDERED.popitem(last=False)

def while_there_is_room(i):
    if len(MAP) < {n}:
        MAP[i] = None

def keys_in_turn(i):
    MAP[i % {n}] = None

def random_keys(i):
    SEEN.add(RANDOM.randrange({n}))

def sawtooth(i):
    if i % {n} == 0:
        MAP.clear()
    MAP[i] = None
"""


class Edge(NamedTuple):
    """One point of a sweep."""

    sweep: str
    step: str
    n: int  # every so many steps, so many entries
    size_bytes: int
    right: tuple[str, ...]  # verdicts that are not wrong


def edges() -> list[Edge]:
    leak = ("leak", "inconclusive")
    # What a cleared dict's keys leave behind in pages that newer ones share is `unreturned`, and no leak.
    no_leak = ("steady", "bounded", "filling", "unreturned", "inconclusive")
    powers = [10**power for power in range(7)]
    return [
        *[Edge("rare", "rare", n, 16, leak) for n in powers[:6]],
        *[Edge("rare", "rare", n, 16, leak) for n in (5, 6, 400, 600, 3_000, 30_000)],
        *[Edge("sizes", "rare", 1_000, size, leak) for size in (16, 256, 4_096, 65_536, 1 << 20)],
        *[Edge("bounds", "declared_bound", n, 0, no_leak) for n in powers[2:]],
        *[Edge("bounds", "written_bound", n, 0, no_leak) for n in powers[2:]],
        *[Edge("bounds", "while_there_is_room", n, 0, no_leak) for n in powers[2:]],
        *[Edge("bounds", "keys_in_turn", n, 0, no_leak) for n in powers[2:]],
        *[Edge("bounds", "random_keys", n, 0, no_leak) for n in powers[2:]],
        *[Edge("periods", "sawtooth", n, 0, no_leak) for n in powers[1:]],
    ]


def check(edge: Edge, folder: Path) -> Verdict:
    file = folder / f"{edge.step}_{edge.n}_{edge.size_bytes}.py"
    file.write_text(STEPS.format(n=edge.n, size=edge.size_bytes), encoding="utf-8")
    return checking.examine(checking.Wish(f"{file}::{edge.step}", only_verdict=True))


def draw(rows: list[tuple[Edge, Verdict]], target: Path) -> None:
    """A chart of verdicts over n, a line a kind of step."""
    import altair as alt

    values = [
        {
            "step": edge.step,
            "n": edge.n,
            "verdict": verdict.verdict,
            "wrong": verdict.verdict not in edge.right,
        }
        for edge, verdict in rows
    ]
    chart = (
        alt.Chart(alt.InlineData(values=values), width=640, height=120, title="Verdicts at the edges")
        .mark_point(filled=True, size=120)
        .encode(
            x=alt.X("n:Q", scale=alt.Scale(type="log"), title="every so many steps, or so many entries"),
            y=alt.Y("step:N", title=None),
            color=alt.Color("verdict:N"),
            shape=alt.Shape("wrong:N"),
        )
    )
    chart.save(str(target))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sweeps", nargs="*", help="rare, sizes, bounds or periods (default: all)")
    parser.add_argument("--chart", type=Path, metavar="FILE.svg", help="draw a chart as well")
    options = parser.parse_args()
    screen = console()
    rows = table("sweep", "step", "n", "size", "verdict", "steps", "seconds", "")
    done = []
    with tempfile.TemporaryDirectory() as folder:
        for edge in edges():
            if options.sweeps and edge.sweep not in options.sweeps:
                continue
            verdict = check(edge, Path(folder))
            done.append((edge, verdict))
            wrong = "" if verdict.verdict in edge.right else "WRONG"
            rows.add_row(
                edge.sweep,
                edge.step,
                f"{edge.n:,}",
                f"{edge.size_bytes:,}" if edge.size_bytes else "",
                verdict_text(verdict.verdict),
                f"{verdict.ops:,}",
                f"{verdict.seconds:.2f}",
                wrong,
            )
    screen.print(rows)
    if options.chart:
        draw(done, options.chart)
    return int(any(verdict.verdict not in edge.right for edge, verdict in done))


if __name__ == "__main__":
    sys.exit(main())
