"""Sections 2.1 to 2.3 of the article: what keeps a map's memory."""

from __future__ import annotations

from leakbench.claims.drawing import bars, bars_of, climbs
from leakbench.claims.judging import Claim, Statement
from leakbench.claims.statements import both, leaks, less, no_leak, none_of, values

_TABLES = {
    "dict": "churned-map:none",
    "set": "churned-map:none-set",
    "OrderedDict": "churned-map:none-ordereddict",
}


def _keeps_its_table(case: str, what: str) -> Statement:
    return Statement(
        f"{what} of one entry has {{0}} of the {{1}} that it once needed",
        values(case, "table_bytes", "peak_table_bytes"),
        lambda now, most: now > most / 2,
    )


_CHURNED = (
    Claim(
        "2.1",
        "A map's table outlives the entries.",
        tuple(
            _keeps_its_table(case, f"{'an' if what == 'OrderedDict' else 'a'} {what}")
            for what, case in _TABLES.items()
        ),
        bars_of(
            "A map's table, emptied to one entry",
            "table",
            "B",
            {"at its height": "peak_table_bytes", "emptied": "table_bytes"},
            {**_TABLES, "dict, rebuilt": "churned-map:rebuild"},
            x="map",
        ),
    ),
    Claim(
        "2.1",
        "A map grows by doubling, and its entries migrate step by step.",
        (
            Statement(
                "its table grows by a factor of {0}",
                values("churned-map:none", "growth_factor_max"),
                lambda factor: 1.8 < factor < 2.5,  # noqa: PLR2004  # twice, the header and 64 entries aside
            ),
            Statement(
                "no 64 insertions take much longer than others (at most {0}, {1} on average)",
                values("churned-map:none", "slowest_64_inserts_ns", "mean_64_inserts_ns"),
                lambda slowest, mean: slowest < 10 * mean,
            ),
        ),
        bars_of(
            "64 insertions into a growing map: entries that migrate step by step would make them alike",
            "64 insertions",
            "ns",
            {"the slowest": "slowest_64_inserts_ns", "on average": "mean_64_inserts_ns"},
            _TABLES,
            x="map",
        ),
    ),
)

_SESSIONS = (
    Claim(
        "2.2",
        "A static map that is filled at login and not cleared at logout leaks, held by its static root.",
        (
            leaks("session-map:none", "a static map that nobody clears"),
            Statement(
                "it holds {0} sessions, and {1} are live",
                values("session-map:none", "retained_entries", "live_entries"),
                lambda held, live: held > live,
            ),
            Statement(
                "a live heap's path to them begins at the static map ({0})",
                values("session-map:none", "holder"),
                lambda path: path.endswith("SESSIONS"),
            ),
        ),
        climbs(
            "Live heap while users log in and out",
            {
                name: f"session-map:{name}"
                for name in ("none", "explicit-remove", "weak-values", "ttl", "periodic-sweep", "ideal")
            },
        ),
    ),
    *(
        Claim(
            "2.2",
            f"{remedy} mends it.",
            (
                no_leak(f"session-map:{case}", what),
                less(
                    "retained_entries",
                    f"session-map:{case}",
                    "session-map:none",
                    "it keeps {0} sessions of {1}",
                ),
                none_of("lost_entries", f"session-map:{case}", "no live session is lost ({0} are)"),
                none_of("stale_answers", f"session-map:{case}", "no ended session is served ({0} times)"),
            ),
            bars_of(
                f"What is kept, and what it costs: {what}",
                "sessions",
                "entries",
                {"kept": "retained_entries", "lost while live": "lost_entries"},
                {name: f"session-map:{name}" for name in ("none", case, "ideal")},
            ),
        )
        for remedy, case, what in (
            ("A weak map", "weak-values", "a map with weak values"),
            ("A cache with expiry", "ttl", "a cache with a time to live"),
            ("Removal at logout", "explicit-remove", "removal at logout"),
            ("A periodic sweep", "periodic-sweep", "a periodic sweep"),
        )
    ),
)

_READERS = {
    what: f"concurrent-reads:{case}"
    for what, case in {
        "objects, all kept": "object-keep-all",
        "objects, a window kept": "object-keep-window",
        "objects, none kept": "object-keep-nothing",
        "full copies, all kept": "full-copy-keep-all",
        "weak references, all kept": "weakref-keep-all",
        "a WeakSet of objects": "object-keep-living",
    }.items()
}
_READERS_LEAK = bars(
    "What readers keep makes the map leak, or not",
    "leak rate",
    "B/op",
    "leak_bytes_per_op",
    _READERS,
    x="what get hands out",
)
_READS = (
    Claim(
        "2.3",
        "Returning a pointer depends on the caller; a cached pointer leaks.",
        (
            no_leak("concurrent-reads:object-keep-nothing", "an object that no reader keeps"),
            no_leak("concurrent-reads:object-keep-window", "a window of objects"),
            leaks("concurrent-reads:object-keep-all", "every object kept"),
        ),
        _READERS_LEAK,
    ),
    Claim(
        "2.3",
        "Returning a value is safe.",
        (
            no_leak("concurrent-reads:full-copy-keep-all", "a reader that keeps every copy"),
            none_of(
                "stale_answers",
                "concurrent-reads:full-copy-keep-all",
                "what is kept is never stale ({0} answers were)",
            ),
            less(
                "settled_rss_bytes",
                "concurrent-reads:full-copy-keep-all",
                "concurrent-reads:object-keep-all",
                "when the map is emptied, copies keep less resident than objects ({0} against {1})",
            ),
        ),
        bars(
            "Resident memory once the map is emptied",
            "resident memory",
            "B",
            "settled_rss_bytes",
            _READERS,
            x="what get hands out",
        ),
    ),
    Claim(
        "2.3",
        "Weak references mend it.",
        (
            Statement(
                "they leak far less than the objects ({0} against {1} a round)",
                both(
                    "leak_bytes_per_op",
                    "concurrent-reads:weakref-keep-all",
                    "concurrent-reads:object-keep-all",
                ),
                lambda references, objects: references < objects / 5,
            ),
            no_leak("concurrent-reads:weakref-keep-all", "a list of them"),
            no_leak("concurrent-reads:object-keep-living", "a WeakSet"),
        ),
        _READERS_LEAK,
    ),
)

TRAPS = (*_CHURNED, *_SESSIONS, *_READS)
