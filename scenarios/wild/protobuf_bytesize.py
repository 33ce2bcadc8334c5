"""protobuf leaks when the size of a part that is not set is asked for.

Mechanism: ``message.part.ByteSize()`` on an unset submessage makes a stub in upb, and the call kept a
reference of it. 4.24.3 releases it.

Who retains: nobody that Python could see. Reported as protocolbuffers/upb#1243; met in apache/beam#28246.

Each step asks an unset submessage for its size.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-protobuf-bytesize", title="protobuf: ByteSize() of an unset part leaks", quick_steps=32_768
)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("protobuf==4.24.3",), requires=("google.protobuf.type_pb2",),
    summary="protobuf 4.24.3: the stub is released",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("protobuf==4.24.2",), requires=("google.protobuf.type_pb2",),
    holder="native", summary="protobuf 4.24.2: a reference too many in upb",
)  # fmt: skip
def ask_for_sizes() -> "Callable[[int], object]":
    from google.protobuf.type_pb2 import Type

    message = Type()
    return lambda _i: message.source_context.ByteSize()
