"""msgspec's Raw.copy() copies into a buffer that nobody frees.

Mechanism: the C code that copies keeps a reference of the new buffer for itself. 0.19.0 gives it up.

Who retains: nobody that Python could see. Mended by msgspec #709.

Each step decodes a message with a part left raw, and copies that part.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-msgspec-raw-copy", title="msgspec: Raw.copy() leaks its buffer", quick_steps=32_768
)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("msgspec==0.19.0",), requires=("msgspec",),
    summary="msgspec 0.19.0: the copy owns its buffer once",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("msgspec==0.18.6",), requires=("msgspec",), holder="native",
    summary="msgspec 0.18.6: a reference too many in C",
)  # fmt: skip
def decode_and_copy() -> "Callable[[int], object]":
    import msgspec

    message = b'{"k": [1, 2, 3]}'
    return lambda _i: msgspec.json.decode(message, type=dict[str, msgspec.Raw])["k"].copy()
