"""Sessions in cachebox's caches: written in Rust, safe to share between threads, on a clock of their own."""

from leakbench.contract import mitigation
from leakbench.mitigations.expiring import ScriptedClock
from leakbench.mitigations.pacing import Pace, seconds_for
from leakbench.scenarios.session_map import TTL_STEPS, Keeping

_TTL_SECONDS = seconds_for(TTL_STEPS)
_LRU_SESSIONS = 1_024


@mitigation(
    "ttl-cachebox",
    mends=("session-map",),
    verdict="bounded",
    deterministic=False,
    requires=("cachebox",),
    summary=f"cachebox.TTLCache, {_TTL_SECONDS * 1_000:.0f} ms of real time, the script held to a pace",
    cost="a put removes what is due, nothing else does: an idle cache keeps what it has",
)
def ttl_cachebox(_clock: ScriptedClock) -> Keeping:
    import cachebox

    return Keeping(cachebox.TTLCache(0, _TTL_SECONDS), remove_at_logout=True, sweep=Pace())


@mitigation(
    "lru-cachebox",
    mends=("session-map",),
    verdict="bounded",
    requires=("cachebox",),
    summary=f"cachebox.LRUCache of {_LRU_SESSIONS:,} sessions",
    cost="the bound is below the live set at times: quiet users lose their session",
)
def lru_cachebox(_clock: ScriptedClock) -> Keeping:
    import cachebox

    # Room for twice its entries: the places of removed ones would make the table grow once, and late.
    return Keeping(cachebox.LRUCache(_LRU_SESSIONS, capacity=2 * _LRU_SESSIONS), remove_at_logout=True)
