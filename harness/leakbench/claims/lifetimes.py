"""Sections 2.4 and 2.5 of the article: when entries end, and when a map does."""

from __future__ import annotations

from leakbench.claims.drawing import Chart, Quoted, Series, bars, bars_of
from leakbench.claims.judging import Claim, Statement
from leakbench.claims.statements import leaks, less, none_of, values

_MINUTES = (5, 10, 15)
_MINUTE_RSS = ("server_rss_third_bytes", "server_rss_two_thirds_bytes", "server_rss_end_bytes")
_ARTICLE_BYTES = (180e6, 370e6, 560e6)
_NEAR = 0.25
"""So far a figure may lie from the article's and still be called its own: other servers, other allocators."""

_TRACKERS = {
    name: f"lifetime-tracking:{name}"
    for name in ("del-method", "weakref-callback", "finalize", "reference-queue", "polling")
}


def _near_the_article(case: str, what: str) -> Statement:
    return Statement(
        f"{what} holds {{0}}, {{1}} and {{2}} resident",
        values(f"ttl-article-load:{case}", *_MINUTE_RSS),
        lambda *measured_bytes: all(
            abs(measured / article - 1) < _NEAR
            for measured, article in zip(measured_bytes, _ARTICLE_BYTES, strict=True)
        ),
    )


_SERVERS = {
    "expiry off": "none",
    "expiry off, a fifth read again": "lazy-reads",
    "as it comes": "active-expiry-1",
    "effort 10": "active-expiry-10",
}
_EXPIRY = (
    Claim(
        "2.4",
        "Keys with a time to live pile up, for a server removes expired ones only when they are asked for.",
        (
            leaks("ttl-server:active-expiry-1", "Valkey as it comes"),
            leaks("ttl-server:redis", "Redis as it comes"),
            leaks("ttl-server:none", "Valkey, its active expiry switched off"),
            leaks("ttl-server:redis-none", "Redis, its active expiry switched off"),
            leaks("ttl-pileup:on-access", "a map that removes an expired entry when it is asked for"),
        ),
        bars_of(
            "Keys in a real server once all that is left to do is to expire",
            "keys",
            "entries",
            {"in the server": "retained_entries", "live": "live_entries"},
            {what: f"ttl-server:{case}" for what, case in _SERVERS.items()}
            | {"Redis, expiry off": "ttl-server:redis-none", "Redis as it comes": "ttl-server:redis"},
            x="server",
        ),
    ),
    Claim(
        "2.4",
        "1,000 SETEX a second with a TTL of 60 s take 180, 370 and 560 MB after 5, 10 and 15 minutes.",
        (
            _near_the_article("active-expiry-1", "Valkey as it comes"),
            _near_the_article("redis", "Redis as it comes"),
            _near_the_article("none", "Valkey with active expiry off"),
            _near_the_article("redis-none", "Redis with active expiry off"),
        ),
        Chart(
            "The article's load: 1,000 keys a second that live for a minute",
            "minutes",
            "server's resident memory",
            "B",
            (
                Quoted("the article", tuple(zip(_MINUTES, _ARTICLE_BYTES, strict=True))),
                *(
                    Series(
                        what,
                        tuple(
                            (minute, (f"ttl-article-load:{case}", name))
                            for minute, name in zip(_MINUTES, _MINUTE_RSS, strict=True)
                        ),
                    )
                    for what, case in {
                        **{f"Valkey, {what}": case for what, case in _SERVERS.items()},
                        "Redis, expiry off": "redis-none",
                        "Redis, as it comes": "redis",
                    }.items()
                ),
            ),
        ),
    ),
)

_FINALIZERS = (
    Claim(
        "2.5",
        "A finalizer tells when a map is collected.",
        tuple(
            none_of("lost_entries", f"lifetime-tracking:{case}", f"{case} noticed every death ({{0}} missed)")
            for case in ("del-method", "finalize")
        ),
        bars(
            "Deaths of maps that went unnoticed", "missed", "entries", "lost_entries", _TRACKERS, x="tracker"
        ),
    ),
    Claim(
        "2.5",
        "A finalizer's timing is uncertain.",
        (
            Statement(
                "a cycle's death was noticed up to {0} steps late",
                values("lifetime-tracking:finalize", "cycle_delay_steps"),
                lambda steps: steps > 0,
            ),
            Statement(
                "a plain death was noticed up to {0} steps late",
                values("lifetime-tracking:finalize", "plain_delay_steps"),
                lambda steps: steps > 0,
            ),
        ),
        bars_of(
            "How late a map's death is noticed, at the latest",
            "delay",
            "steps",
            {"a plain death": "plain_delay_steps", "a cycle's": "cycle_delay_steps"},
            _TRACKERS,
            x="tracker",
        ),
    ),
    Claim(
        "2.5",
        "References with a queue are better than a finalizer.",
        (
            none_of("lost_entries", "lifetime-tracking:reference-queue", "none missed ({0})"),
            *(
                less(name, "lifetime-tracking:reference-queue", "lifetime-tracking:finalize", says)
                for name, says in (
                    ("record_bytes", "a record takes {0} against finalize's {1}"),
                    ("register_ns", "to register takes {0} against {1}"),
                    (
                        "noticed_in_foreign_thread",
                        "nothing of ours runs in a foreign thread ({0}; finalize {1})",
                    ),
                )
            ),
        ),
        bars("What it takes to have a map tracked", "a record", "B", "record_bytes", _TRACKERS, x="tracker"),
    ),
)

LIFETIMES = (*_EXPIRY, *_FINALIZERS)
