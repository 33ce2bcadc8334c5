"""msgpack leaks what it has decoded so far when a hook raises.

Mechanism: the unpacker keeps unfinished containers on a stack of its own. Where ``object_hook`` raises, it
left without letting go of them: hostile input makes a server grow. 1.2.1 clears the stack.

Who retains: nobody that Python could see. From msgpack's changelog, 1.2.1 (GHSA-6v7p-g79w-8964).

Each step unpacks a map whose hook raises.
"""

import contextlib

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-msgpack-hook", title="msgpack: a hook that raises leaks what was decoded")


def refuse(_found: object) -> object:
    raise ValueError("not today")


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("msgpack==1.2.1",), requires=("msgpack",),
    summary="msgpack 1.2.1: the stack is cleared",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("msgpack==1.2.0",), requires=("msgpack",), holder="native",
    summary="msgpack 1.2.0: the decoder's stack keeps its references",
)  # fmt: skip
def unpack_and_refuse() -> "Callable[[int], object]":
    import msgpack

    packed = msgpack.packb({"k": ["v"]})

    def step(_i: int) -> None:
        with contextlib.suppress(ValueError):
            msgpack.unpackb(packed, object_hook=refuse)

    return step
