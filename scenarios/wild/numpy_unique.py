"""numpy.unique leaks a buffer for each array of floats.

Mechanism: 2.4 finds unique floats by a hash table in C, whose buffer was not freed. Steps of less than a page
hide in what the allocator had taken already: resident memory stays flat over 65,000 calls. 2.4.2 frees it.

Who retains: nobody that Python could see. Reported as numpy/numpy#30706.

Each step asks for the unique values of three floats.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-numpy-unique", title="numpy: unique() of floats leaks its buffer", quick_steps=32_768
)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("numpy==2.4.2",), requires=("numpy",),
    summary="numpy 2.4.2: the buffer is freed",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("numpy==2.4.1",), requires=("numpy",), holder="native",
    summary="numpy 2.4.1: a C buffer a call",
)  # fmt: skip
def find_unique() -> "Callable[[int], object]":
    import numpy as np

    values = np.array([3.0, 1.0, 3.0])
    return lambda _i: np.unique(values)
