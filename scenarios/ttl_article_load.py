"""The article's own load on real servers, minute by minute (article, section 2.4).

Mechanism: as in ttl-server, and not scaled: 1,000 SETEX a second of 400 bytes with a TTL of 60 s, for a
quarter of an hour, in which 60,000 keys are live. The article gives 180, 370 and 560 MB after 5, 10 and 15
minutes and puts it down to lazy deletion. Servers as they come stay flat; with active expiry off its figures
come out.

Who retains: the server's main dictionary, in a process of its own.

Seen in the wild: the article; replicas, and servers whose CPU is too busy for the sample.

A step is a second, nearly all of it waiting: so all of these run at once, beside the other cases of the full
profile. The server's resident memory and its keys are read after each third: at 5, 10 and 15 minutes.
Resident are the server's `used_memory` and some 10 MB of its own. The ladder begins after two minutes, when
the live set is there.
"""

from array import array

from leakbench.contract import Run, Scenario
from leakbench.scenarios import ttl_server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 15 * 60
_WARM_UP_SECONDS = 2 * 60
_THIRDS = ("third", "two_thirds", "end")
_CASES = ("none", "lazy-reads", "active-expiry-1", "active-expiry-10", "redis", "redis-none")


class ArticleLoad:
    """The workload of ttl-server, and what its server holds after each third of the run."""

    def __init__(self, make: "Callable[[], ttl_server.Serving]", run: Run) -> None:
        self._load = ttl_server.TtlServer(make, run)
        steps = _WARM_UP_SECONDS + run.scale
        self._read_after = [steps * (n + 1) // len(_THIRDS) for n in range(len(_THIRDS))]
        self._resident_bytes = array("q", bytes(8 * len(_THIRDS)))  # what is noted later must not be growth
        self._keys = array("q", bytes(8 * len(_THIRDS)))

    def step(self, i: int) -> None:
        self._load.step(i)
        if i + 1 in self._read_after:
            third = self._read_after.index(i + 1)
            self._resident_bytes[third] = self._load.resident_bytes()
            self._keys[third] = self._load.keys()

    def outside_bytes(self) -> int:
        return self._load.outside_bytes()

    def counts(self) -> "dict[str, int | float]":
        seen = self._load.counts()
        for name, resident_bytes, keys in zip(_THIRDS, self._resident_bytes, self._keys, strict=True):
            seen[f"server_rss_{name}_bytes"] = resident_bytes
            seen[f"keys_{name}"] = keys
        return seen

    def close(self) -> None:
        self._load.close()


SCENARIO = Scenario(
    "ttl-article-load",
    ArticleLoad,
    title="A quarter of an hour of 1,000 keys a second that live for a minute",
    section="2.4",
    steps=dict.fromkeys(("quick", "full"), _SECONDS - _WARM_UP_SECONDS),
    warmup=_WARM_UP_SECONDS,
    params=ttl_server.parameters(step_ms=1_000, ttl_ms=60_000, writes=1_000),
    waits_seconds=1.0,
)
ttl_server.declare(SCENARIO, _CASES)
