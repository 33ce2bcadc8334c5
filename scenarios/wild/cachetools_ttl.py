"""A TTL cache of 4,096 entries that nothing expires from: it fills up, and stands still.

Mechanism: the entries would live for an hour, so it is the bound that ends the growth, not the clock.

Each step puts a session under a key of its own.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-cachetools-ttl", title="cachetools: a TTL cache that fills to its bound", warmup=6_144
)


@SCENARIO.mitigation(
    "none", verdict="bounded", packages=("cachetools==8.0.1",), requires=("cachetools",),
    summary="cachetools 8.0.1: TTLCache(maxsize=4096)",
)  # fmt: skip
def put() -> "Callable[[int], object]":
    import cachetools

    cache: cachetools.TTLCache[str, tuple[str, int]] = cachetools.TTLCache(maxsize=4_096, ttl=3_600)

    def step(i: int) -> None:
        cache[f"session-{i}"] = ("user", i)

    return step
