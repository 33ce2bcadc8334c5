"""multidict's items leak the pair that each comparison makes.

Mechanism: taking a set away from ``headers.items()`` makes a tuple of each name and value to look it up with,
in C, and does not release it; ``{...} | headers.items()`` does the same. Whoever compares headers by their
items leaks a pair for each header. 6.9.1 releases it.

Who retains: nobody that Python could see. Mended by aio-libs/multidict#1413; which releases leak was found by
trying them one by one.

Each step takes one pair away from the items of a header map of two.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-multidict-items", title="multidict: comparing items leaks a pair", quick_steps=32_768
)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("multidict==6.9.1",), requires=("multidict",),
    summary="multidict 6.9.1: the pair is released",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("multidict==6.9.0",), requires=("multidict",), holder="native",
    summary="multidict 6.9.0: a reference too many in C",
)  # fmt: skip
def subtract() -> "Callable[[int], object]":
    from multidict import MultiDict

    headers = MultiDict([("Accept", "*/*"), ("Host", "example.com")])
    return lambda i: headers.items() - {("X-Trace", f"v{i}")}
