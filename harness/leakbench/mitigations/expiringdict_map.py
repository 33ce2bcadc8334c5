"""Sessions in an ExpiringDict, which removes what has expired when that key is asked for, and only then."""

from leakbench.contract import mitigation
from leakbench.mitigations.expiring import ScriptedClock
from leakbench.scenarios.session_map import Keeping

_TTL_SECONDS = 0.05
"""Longer than the time in which a session is asked for, on a slow machine too, and a part of a short run."""
_MOST_ENTRIES = 1 << 30


@mitigation(
    "ttl-expiringdict",
    mends=("session-map",),
    verdict="leak",
    holder="expiringdict.ExpiringDict",
    deterministic=False,
    requires=("expiringdict",),
    summary=f"expiringdict.ExpiringDict, {_TTL_SECONDS * 1_000:.0f} ms of real time: what expired stays",
    cost="users who vanish stay for ever, for nobody asks for their sessions again",
)
def ttl_expiringdict(_clock: ScriptedClock) -> Keeping:
    from expiringdict import ExpiringDict

    return Keeping(ExpiringDict(_MOST_ENTRIES, _TTL_SECONDS), remove_at_logout=True)
