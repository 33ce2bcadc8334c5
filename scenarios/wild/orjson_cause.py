"""orjson leaks the exception that it chains.

Mechanism: where ``default`` raises, orjson raises its own error with the first as ``__cause__``, and takes a
reference too many of it. With the exception stay its traceback and the frames in it, with all their locals.
In 3.8.12 to 3.9.0; 3.9.1 gives the reference back.

Who retains: a reference count; no container holds them, and the collector cannot free them. From orjson's
changelog, 3.9.1.

Each step serializes an object whose ``default`` raises.
"""

import contextlib

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-orjson-cause", title="orjson: the chained exception leaks with its frames")


class Odd:
    """Nothing that JSON knows."""


def refuse(_value: object) -> object:
    raise ValueError("cannot encode")


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("orjson==3.9.1",), requires=("orjson",),
    summary="orjson 3.9.1: the cause is released",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("orjson==3.9.0",), requires=("orjson",), holder="native",
    summary="orjson 3.9.0: a reference too many in Rust",
)  # fmt: skip
def fail_to_serialize() -> "Callable[[int], object]":
    import orjson

    def step(i: int) -> None:
        with contextlib.suppress(TypeError):
            orjson.dumps({"n": i, "v": Odd()}, default=refuse)

    return step
