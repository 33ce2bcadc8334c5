"""moka's cache (Rust) with the map's verbs.

Its wheel carries an allocator of its own, mimalloc: what its tables take is not in glibc's count of the heap,
only in the anonymous memory outside it.
"""

from leakbench.contract import mitigation
from leakbench.mitigations.expiring import ScriptedClock
from leakbench.mitigations.pacing import Pace, seconds_for
from leakbench.scenarios.session_map import TTL_STEPS, Keeping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

_TTL_SECONDS = seconds_for(TTL_STEPS)
_MOST_ENTRIES = 1 << 20
_ABSENT = object()


class MokaMap:
    """A moka_py.Moka of at most `maximum_entries`, each of which lives for `ttl_seconds` where it is given.

    Safe to share between threads. Whatever is due goes when the map is used; an idle one keeps what it has.
    """

    def __init__(self, maximum_entries: int, ttl_seconds: "float | None" = None) -> None:
        import moka_py

        self._cache: moka_py.Moka[Hashable, Any] = moka_py.Moka(maximum_entries, ttl_seconds)

    def __setitem__(self, key: "Hashable", value: "Any") -> None:
        self._cache.set(key, value)

    def get(self, key: "Hashable") -> "Any":
        """The value, or None where there is none or its time is over."""
        return self._cache.get(key)

    def pop(self, key: "Hashable", default: "Any" = None) -> "Any":
        return self._cache.remove(key, default)

    def __contains__(self, key: "Hashable") -> bool:
        return self._cache.get(key, _ABSENT) is not _ABSENT

    def __len__(self) -> int:
        """Entries kept once pending evictions are done."""
        self._cache.run_pending_tasks()
        return self._cache.count()


@mitigation(
    "moka",
    mends=("session-map",),
    verdict="bounded",
    deterministic=False,
    requires=("moka_py",),
    summary=f"moka_py.Moka, {_TTL_SECONDS * 1_000:.0f} ms of real time, the script held to a pace",
    cost="any operation removes what is due, an idle cache keeps it; memory that glibc does not see",
)
def moka_sessions(_clock: ScriptedClock) -> Keeping:
    return Keeping(MokaMap(_MOST_ENTRIES, _TTL_SECONDS), remove_at_logout=True, sweep=Pace())
