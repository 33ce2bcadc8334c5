"""regex compiles each pattern once and keeps some hundreds: a cache with a bound, which looks like a leak.

Mechanism: compiled patterns are cached, and the cache is cut back when it is full. It grows over the first
hundreds of patterns and stands still after some thousands.

Each step searches by a pattern of its own.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-regex-cache", title="regex: a bounded cache of patterns", quick_steps=8_192, warmup=2_048
)


@SCENARIO.mitigation(
    "none", verdict="bounded", packages=("regex==2026.11.15",), requires=("regex",),
    summary="regex 2026.11.15: the cache is cut back when it is full",
)  # fmt: skip
def search() -> "Callable[[int], object]":
    import regex

    return lambda i: regex.search(rf"item-{i}\b", "no item-7 here")
