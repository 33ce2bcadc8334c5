"""Section 4 of the article: how to use a map so that it does not leak."""

from __future__ import annotations

from leakbench.claims.drawing import Chart, Series, bars, bars_of
from leakbench.claims.judging import Claim, Statement
from leakbench.claims.statements import both, leaks, less, no_leak, none_of, values

_SCOPES = {
    "module global": "map-scope:none",
    "class attribute": "map-scope:class-attribute",
    "per request": "map-scope:per-request",
    "clean-up hook": "map-scope:clean-up-hook",
    "context variable": "map-scope:context-variable",
    "weak keys": "map-scope:weak-keys",
    "weak keys in their values": "map-scope:weak-keys-in-values",
}
_SCOPES_LEAK = bars(
    "A map's scope decides whether it leaks", "leak rate", "B/op", "leak_bytes_per_op", _SCOPES, x="scope"
)
_SCOPE = (
    Claim(
        "4.1",
        "A global mutable map leaks; scoped instances and clean-up hooks do not.",
        (
            leaks("map-scope:none", "a global dict"),
            leaks("map-scope:class-attribute", "a dict in a class's body"),
            no_leak("map-scope:per-request", "a dict of the request's own"),
            no_leak("map-scope:clean-up-hook", "a context manager's clean-up"),
            no_leak("map-scope:context-variable", "a context variable"),
        ),
        _SCOPES_LEAK,
    ),
    Claim(
        "4.1",
        "Weak keys mend it.",
        (
            no_leak("map-scope:weak-keys", "a map with weak keys"),
            no_leak("map-scope:weak-keys-in-values", "one whose values refer to their keys"),
        ),
        _SCOPES_LEAK,
    ),
)

_STORES = ("lock", "rw-lock", "shards", "copy-on-write", "persistent-map")
_THREADS = (1, 2, 4, 8)


def _faster(store: str, cell: str, what: str, *, slower: bool = False) -> Statement:
    word = "less" if slower else "more"
    return Statement(
        f"{what} do {word} than a lock ({{0}} against {{1}} a second)",
        both(cell, f"shared-map:{store}", "shared-map:lock"),
        (lambda its, locks: its < locks) if slower else (lambda its, locks: its > locks),
    )


def _throughput(title: str, traffic: str) -> Chart:
    return Chart(
        title,
        "threads",
        "operations a second",
        "op/s",
        tuple(
            Series(
                store,
                tuple((n, (f"shared-map:{store}", f"{traffic}_{n}_threads_per_second")) for n in _THREADS),
            )
            for store in _STORES
        ),
    )


_SHARED = (
    Claim(
        "4.2",
        "A concurrent map is better than a map and a lock where reads dominate or keys keep growing.",
        tuple(
            _faster(store, f"{traffic}_4_threads_per_second", f"{what} under {words}")
            for traffic, words in (("read_mostly", "reads"), ("growing_keys", "growing keys"))
            for store, what in (("shards", "shards"), ("persistent-map", "persistent maps"))
        ),
        _throughput("99 reads and a write, by threads", "read_mostly"),
    ),
    Claim(
        "4.2",
        "It is worse where writes dominate.",
        tuple(
            _faster(store, "write_heavy_4_threads_per_second", what, slower=True)
            for store, what in (
                ("shards", "shards"),
                ("persistent-map", "persistent maps"),
                ("copy-on-write", "copies on write"),
            )
        ),
        _throughput("9 writes and a read, by threads", "write_heavy"),
    ),
)

_CACHES = {
    "the article's": "weak-cache:none",
    "its sweeper alone": "weak-cache:pinned-by-sweeper",
    "mended": "weak-cache:sweep-finds-nothing",
    "right": "weak-cache:right",
    "WeakValueDictionary": "weak-cache:weak-value-dictionary",
}
_CACHES_KEPT = bars_of(
    "Caches that their owners have dropped",
    "caches",
    "caches",
    {"dropped": "caches_dropped", "still there": "caches_kept"},
    _CACHES,
    x="cache",
)
_WEAK = (
    Claim(
        "4.3",
        "A cache on weak references with a periodic sweep does not leak.",
        (
            no_leak("weak-cache:none", "the article's cache"),
            Statement(
                "a dropped one is collected ({0} of {1} are kept by their sweepers)",
                values("weak-cache:none", "caches_kept", "caches_dropped"),
                lambda kept, _dropped: kept == 0,
            ),
            none_of("threads_left", "weak-cache:none", "it leaves no thread behind ({0} are left)"),
            no_leak("weak-cache:sweep-finds-nothing", "it with its defects mended"),
            no_leak("weak-cache:right", "one whose sweeper refers to it weakly"),
        ),
        _CACHES_KEPT,
    ),
    Claim(
        "4.3",
        "Its periodic sweep removes the entries whose values have died.",
        (
            Statement(
                "the sweep finds any ({0} removed of {1} looked at)",
                values("weak-cache:sweep-finds-nothing", "entries_swept", "entries_scanned"),
                lambda swept, _scanned: swept > 0,
            ),
            Statement(
                "its thread lives on ({0} of {1} ended in an exception beside a put)",
                values("weak-cache:unlocked-put", "sweepers_died", "sweepers_raced"),
                lambda died, _raced: died == 0,
            ),
        ),
        bars_of(
            "What the sweep looks at, and what it finds",
            "entries",
            "entries",
            {"looked at": "entries_scanned", "removed": "entries_swept"},
            _CACHES,
            x="cache",
        ),
    ),
    Claim(
        "4.3",
        "It can be put in place of a map.",
        (
            none_of("puts_refused", "weak-cache:values-refused", "it takes any value ({0} were refused)"),
            none_of(
                "lost_entries",
                "weak-cache:unchecked-callback",
                "an entry stays while its value lives ({0} were lost)",
            ),
            none_of(
                "deadlocks",
                "weak-cache:lock-in-callback",
                "no thread waits for itself for ever ({0} would have)",
            ),
        ),
        bars_of(
            "What each of its defects costs",
            "cases of it",
            "times",
            {"puts refused": "puts_refused", "entries lost": "lost_entries", "deadlocks": "deadlocks"},
            {
                "none": "weak-cache:none",
                "values refused": "weak-cache:values-refused",
                "unchecked callback": "weak-cache:unchecked-callback",
                "lock in callback": "weak-cache:lock-in-callback",
                "right": "weak-cache:right",
            },
            x="cache",
        ),
    ),
)

_HIT_RATIOS = bars(
    "Requests for popular keys that were answered",
    "hit ratio",
    "1",
    "hit_ratio",
    {
        "FIFO": "write-burst:fifo",
        "the article's LRU": "write-burst:article-lru",
        "LRU": "write-burst:lru",
        "LFU": "write-burst:lfu",
        "SIEVE": "write-burst:sieve",
        "W-TinyLFU": "write-burst:w-tinylfu",
        "best static set": "write-burst:ideal",
    },
    x="eviction",
)
_GUARDS = {
    name: f"write-burst:{name}"
    for name in (
        "none",
        "token-bucket",
        "sliding-window",
        "lru",
        "token-bucket-article-lru",
        "per-client-lru",
    )
}
_BURSTS = (
    Claim(
        "4.4",
        "A token bucket in front of the map holds its growth back.",
        (
            less(
                "leak_bytes_per_op",
                "write-burst:token-bucket",
                "write-burst:none",
                "it grows more slowly ({0} a step against {1})",
            ),
            no_leak("write-burst:token-bucket", "a token bucket alone"),
            Statement(
                "a bucket for each client does not leak itself ({0}, {1} records)",
                values("write-burst:per-client-lru", "verdict", "limiter_records"),
                lambda verdict, _records: verdict in ("bounded", "steady"),
            ),
        ),
        bars(
            "How fast a map or its guard grows", "leak rate", "B/op", "leak_bytes_per_op", _GUARDS, x="guard"
        ),
    ),
    Claim(
        "4.4",
        "Eviction behind it bounds the map.",
        tuple(
            no_leak(f"write-burst:{case}", what)
            for case, what in (("fifo", "a FIFO"), ("article-lru", "the article's LRU"), ("lru", "an LRU"))
        ),
        bars("Entries at the end", "entries", "entries", "retained_entries", _GUARDS, x="guard"),
    ),
    Claim(
        "4.4",
        "An ordered map that drops its first entry is an LRU.",
        (
            Statement(
                "it answers as many requests as an LRU does ({0} against {1}; the best static set {2})",
                (
                    *both("hit_ratio", "write-burst:article-lru", "write-burst:lru"),
                    ("write-burst:ideal", "hit_ratio"),
                ),
                lambda article, lru, _best: article >= lru,
            ),
            Statement(
                "it answers others than a FIFO does ({0} against {1})",
                both("hit_ratio", "write-burst:article-lru", "write-burst:fifo"),
                lambda article, fifo: article != fifo,
            ),
        ),
        _HIT_RATIOS,
    ),
    Claim(
        "4.4",
        "The two together: a write is refused by the limiter, or stored, and then evicted in its turn.",
        (
            no_leak("write-burst:token-bucket-article-lru", "a token bucket before the article's LRU"),
            Statement(
                "of {0} writes {1} were refused, and {2} stored and evicted since",
                values("write-burst:token-bucket-article-lru", "writes", "writes_refused", "entries_evicted"),
                lambda _writes, refused, evicted: min(refused, evicted) > 0,
            ),
        ),
        bars_of(
            "What became of the writes",
            "writes",
            "writes",
            {
                "asked for": "writes",
                "refused": "writes_refused",
                "of these, to the flood": "writes_refused_to_crawler",
            },
            _GUARDS,
            x="guard",
        ),
    ),
)

REMEDIES = (*_SCOPE, *_SHARED, *_WEAK, *_BURSTS)
