"""async-lru strings failed calls together: each keeps the one before, though its cache stays at 32.

Mechanism: a call that fails is stored as a task that holds its exception, that its traceback, and that the
frame which put the task in and, the cache being full, took an older one out: the frame keeps what it took.
So each exception keeps an older one, in a chain that no container shows. 2.0.5 drops a call that failed.

Who retains: the cache's 32 entries, and from them on exception, traceback, frame, future and so forth.
Reported as aio-libs/async-lru#595 and #647.

Each step awaits a cached coroutine that fails. asyncio's set of tasks is ordered by their addresses and its
table swings by some KiB, which is why the mended version may have to climb further to be told.
"""

import contextlib

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-async-lru-errors", title="async-lru: each failed call keeps the one before it")


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("async-lru==2.0.5",), requires=("async_lru", "asyncio"),
    summary="async-lru 2.0.5: failed calls are not kept", deterministic=False,
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("async-lru==2.0.4",), requires=("async_lru", "asyncio"),
    holder="fetch._LRUCacheWrapper__cache",
    summary="async-lru 2.0.4: a chain of exceptions behind a bounded cache",
)  # fmt: skip
def fail() -> "Callable[[int], object]":
    import asyncio

    from async_lru import alru_cache

    @alru_cache(maxsize=32)
    async def fetch(number: int) -> None:
        raise LookupError(number)

    async def attempt(number: int) -> None:
        with contextlib.suppress(LookupError):
            await fetch(number)

    loop = asyncio.new_event_loop()
    return lambda i: loop.run_until_complete(attempt(i))
