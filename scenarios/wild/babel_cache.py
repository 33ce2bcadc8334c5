"""Babel keeps every date pattern that it has ever parsed.

Mechanism: ``parse_pattern`` looks its argument up in a module-level dict and adds what it does not find. A
pattern that carries a user's text, an id or a date is seen once each. 2.12.1 puts an lru_cache in its place.

Who retains: ``babel.dates._pattern_cache``. Reported as python-babel/babel#962, mended by #967.

Each step parses a pattern that was not seen before.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-babel-cache", title="babel: an unbounded dict of parsed date patterns")


@SCENARIO.mitigation(
    "upgrade", verdict="bounded", packages=("babel==2.12.1",), requires=("babel.dates",),
    summary="babel 2.12.1: functools.lru_cache",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("babel==2.11.0",), requires=("babel.dates",),
    holder="babel.dates._pattern_cache", summary="babel 2.11.0: a dict without a bound",
)  # fmt: skip
def parse_patterns() -> "Callable[[int], object]":
    from babel.dates import parse_pattern

    return lambda i: parse_pattern(f"yyyy-MM-dd 'n{i}'")
