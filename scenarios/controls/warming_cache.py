"""A bounded cache that fills, and then stops growing.

Mechanism: an ``lru_cache`` of 2,048 entries meets a new question at every step. It grows at a constant
rate until it is full; from then on each new answer evicts the oldest. A detector that looks too briefly
calls this a leak.

Who retains: the cache, its declared bound and no more.

Seen in the wild: cpython#148459, a bounded lru_cache that was filed as a memory leak.

The warm-up is short on purpose: the growth lies within the first rungs of the ladder, and at least two
octaves without growth follow, which are enough. A run that is shorter (`--scale 1024`) sees nothing but
growth, and calls it a leak: only `leakbench check` looks for a declared bound ahead.
"""

from functools import lru_cache

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import _lru_cache_wrapper

_ANSWER_BYTES = 128
_RECENT_STEPS = 16


class WarmingCache:
    """The workload: one question never asked before, and one asked a little while ago."""

    def __init__(self, make: "Callable[[int], _lru_cache_wrapper[bytes]]", run: Run) -> None:
        self._bound = run.params["bound_entries"]
        self._answer = make(self._bound)
        self._asked = 0

    def step(self, i: int) -> None:
        self._answer(i)
        self._answer(max(0, i - _RECENT_STEPS))
        self._asked += 1

    def counts(self) -> "dict[str, int | float]":
        """Live are the answers that the cache was told to keep: the latest, up to its bound."""
        seen = self._answer.cache_info()
        return {
            "live_entries": min(self._asked, self._bound),
            "retained_entries": seen.currsize,
            "hit_ratio": seen.hits / (seen.hits + seen.misses) if self._asked else 1.0,
        }


SCENARIO = Scenario(
    "warming-cache",
    WarmingCache,
    kind="control",
    title="A bounded cache that is still filling when the measurement begins",
    warmup=256,
    params={"bound_entries": Parameter(2_048, 32, 1 << 20, "entries that the cache may hold")},
)


@SCENARIO.mitigation("none", verdict="bounded", summary="an lru_cache with a bound: it fills and stops")
def none(bound_entries: int) -> "_lru_cache_wrapper[bytes]":
    @lru_cache(maxsize=bound_entries)
    def answer(question: int) -> bytes:
        return question.to_bytes(_ANSWER_BYTES, "big")

    return answer
