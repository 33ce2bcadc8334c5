"""cbor2 leaks its exceptions when a text inside nested maps is broken.

Mechanism: the C decoder wraps the first error in its own, and an error path keeps a reference of both; with
them stay traceback and frame. Bad input from outside makes a server grow. 6.0.0 is written in Rust.

Who retains: a reference count; no container holds them. Reported as agronholm/cbor2#257.

Each step decodes twelve bytes whose innermost text is no UTF-8 and too short.
"""

import contextlib

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-cbor2-bad-text", title="cbor2: broken input leaks the exceptions")


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("cbor2==6.0.0",), requires=("cbor2",),
    summary="cbor2 6.0.0: rewritten in Rust",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("cbor2==5.9.0",), requires=("cbor2",), holder="native",
    summary="cbor2 5.9.0: references too many on an error path in C",
)  # fmt: skip
def decode_broken_text() -> "Callable[[int], object]":
    import cbor2

    broken = bytes.fromhex("bf01a102a10364ffffffffff")

    def step(_i: int) -> None:
        with contextlib.suppress(cbor2.CBORDecodeError):
            cbor2.loads(broken)

    return step
