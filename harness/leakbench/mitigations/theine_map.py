"""theine's W-TinyLFU cache with the map's verbs.

theine gives memory back for two reasons: the bound in entries, at once, and the time to live, by a
maintenance task that wakes once a second on a thread that the import starts and nothing ends.
"""

from leakbench.contract import mitigation
from leakbench.mitigations.expiring import ScriptedClock
from leakbench.scenarios.session_map import Keeping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import timedelta
    from typing import Any

_SESSIONS = 1_450


class TheineMap:
    """A theine.Cache of at most `maximum_entries`, each of which lives for `ttl` where it is given.

    Safe to share between threads. Drop it through `close` alone: the maintenance task holds the cache, and
    one that is merely dropped is never collected.
    """

    def __init__(self, maximum_entries: int, ttl: "timedelta | None" = None) -> None:
        import theine

        self._cache: theine.Cache[Hashable, Any] = theine.Cache(maximum_entries)
        self._ttl = ttl

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        self._cache.set(key, value, self._ttl)

    def get(self, key: "Hashable") -> "Any":
        """The value, or None where there is none or its time is over."""
        return self._cache.get(key)[0]

    def pop(self, key: "Hashable", default: "Any" = None) -> "Any":
        value, found = self._cache.get(key)
        self._cache.delete(key)
        return value if found else default

    def __contains__(self, key: "Hashable") -> bool:
        return self._cache.get(key)[1]

    def __len__(self) -> int:
        """Entries kept, due or not."""
        return len(self._cache)

    def close(self) -> None:
        """Empty the cache and tell its maintenance to end, which it does within a second."""
        self._cache.clear()
        self._cache.close()


@mitigation(
    "theine",
    mends=("session-map",),
    verdict="bounded",
    deterministic=False,
    requires=("theine",),
    summary=f"theine.Cache (W-TinyLFU) of {_SESSIONS:,} sessions",
    cost="admits by frequency: a new login may be turned away; a thread that outlives every cache",
)
def theine_sessions(_clock: ScriptedClock) -> Keeping:
    sessions = TheineMap(_SESSIONS)
    return Keeping(sessions, remove_at_logout=True, close=sessions.close)
