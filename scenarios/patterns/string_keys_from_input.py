"""Counters under names that come from outside.

Mechanism: a table of counters is keyed by what the client sent, here the path of the request. Most paths
carry an id, so the table has an entry for each id that was ever asked for, and whoever can send requests
decides how large it gets.

Who retains: the module's ``HITS``: the paths as keys.

Seen in the wild: starlette-prometheus#7 and otari#264 (raw paths as label values), litellm#12159 (user and
key ids as labels).

Each step counts one request: three in four for an item never seen before, the fourth for one of four pages.
A request that no counter in the table has counted is lost. In the warm-up every page is counted more than
256 times, the interpreter's last shared integer: later counts are objects of their own, and the few bytes
of that one change would otherwise fall into the measurement.
"""

from collections import OrderedDict

from leakbench.contract import Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

_PAGES = ("/", "/login", "/search", "/help")
_PAGE_EVERY = 4
_LRU_ENTRIES = 256

HITS: "dict[str, int]" = {}
"""Requests by path: a root that lives as long as the process."""


class Counting:
    """A mitigation: the table, and `count`, which adds a request for a path to it."""

    __slots__ = ("count", "table")

    def __init__(self, count: "Callable[[str], None]", table: "MutableMapping[str, int]") -> None:
        self.count = count
        self.table = table


class StringKeysFromInput:
    """The workload: one request a step."""

    def __init__(self, make: "Callable[[], Counting]", run: Run) -> None:
        self._counting = make()
        self._requests = 0

    def step(self, i: int) -> None:
        path = _PAGES[i // _PAGE_EVERY % len(_PAGES)] if i % _PAGE_EVERY == 0 else f"/items/{i}"
        self._counting.count(path)
        self._requests += 1

    def counts(self) -> "dict[str, int | float]":
        """Live are the counters a dashboard shows: one a page, and one for all items."""
        table = self._counting.table
        return {
            "live_entries": len(_PAGES) + 1,
            "retained_entries": len(table),
            "lost_entries": self._requests - sum(table.values()),
        }


SCENARIO = Scenario(
    "string-keys-from-input",
    StringKeysFromInput,
    kind="pattern",
    title="Counters under names that come from outside",
    warmup=8_192,
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="string_keys_from_input.HITS",
    summary="the raw path is the key",
    cost="anyone who can send a request can fill the table",
)
def none() -> Counting:
    def count(path: str) -> None:
        HITS[path] = HITS.get(path, 0) + 1

    return Counting(count, HITS)


@SCENARIO.mitigation(
    "route-template",
    verdict="bounded",
    summary="the key is the route that matched, /items/{id}, not the path",
    cost="items are not told apart",
)
def route_template() -> Counting:
    def count(path: str) -> None:
        route = "/items/{id}" if path.startswith("/items/") else path
        HITS[route] = HITS.get(route, 0) + 1

    return Counting(count, HITS)


@SCENARIO.mitigation(
    "known-names",
    verdict="bounded",
    summary="names from a fixed list; everything else counts as 'other'",
    cost="a new page is 'other' until the list is extended",
)
def known_names() -> Counting:
    known = frozenset(_PAGES)

    def count(path: str) -> None:
        name = path if path in known else "other"
        HITS[name] = HITS.get(name, 0) + 1

    return Counting(count, HITS)


@SCENARIO.mitigation(
    "lru",
    verdict="bounded",
    summary=f"the {_LRU_ENTRIES} paths counted last; the others are forgotten",
    cost="what is evicted is lost, and starts again from nothing when it comes back",
)
def lru() -> Counting:
    table: OrderedDict[str, int] = OrderedDict()

    def count(path: str) -> None:
        table[path] = table.get(path, 0) + 1
        table.move_to_end(path)
        if len(table) > _LRU_ENTRIES:
            table.popitem(last=False)

    return Counting(count, table)
