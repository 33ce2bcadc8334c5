"""A parse tree for each call: parents and children refer to one another, and the collector frees them.

Mechanism: Beautiful Soup's nodes know their parent and their neighbours, so each tree is cyclic garbage once
it is dropped. Memory falls only when the collector runs.

Each step parses a document and reads one text out of it.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-soup-trees", title="beautifulsoup4: a parse tree is a cycle", quick_steps=8_192)


@SCENARIO.mitigation(
    "none", verdict="steady", packages=("beautifulsoup4==4.15.0",), requires=("bs4",),
    summary="beautifulsoup4 4.15.0: collected",
)  # fmt: skip
def parse() -> "Callable[[int], object]":
    from bs4 import BeautifulSoup

    return lambda i: BeautifulSoup(f"<ul><li>{i}</li><li>b</li></ul>", "html.parser").find("li").text
