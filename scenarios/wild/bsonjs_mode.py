"""bsonjs leaks its reader when the mode that it is given does not exist.

Mechanism: ``dumps`` opens a reader over the document, then looks at the mode, and returns with a ValueError
without closing what it has opened. 0.6.0 closes it.

Who retains: nobody that Python could see. Reported as mongodb-labs/python-bsonjs#62, mended by #64.

Each step asks for a mode that does not exist.
"""

import contextlib

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-bsonjs-mode", title="bsonjs: a refused mode leaks the reader", quick_steps=32_768)
EMPTY_DOCUMENT = b"\x05\x00\x00\x00\x00"
NO_SUCH_MODE = 42


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("python-bsonjs==0.6.0",), requires=("bsonjs",),
    summary="python-bsonjs 0.6.0: the reader is closed",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("python-bsonjs==0.5.0",), requires=("bsonjs",), holder="native",
    summary="python-bsonjs 0.5.0: returned before the reader was closed",
)  # fmt: skip
def dump_in_no_mode() -> "Callable[[int], object]":
    import bsonjs

    def step(_i: int) -> None:
        with contextlib.suppress(ValueError):
            bsonjs.dumps(EMPTY_DOCUMENT, NO_SUCH_MODE)

    return step
