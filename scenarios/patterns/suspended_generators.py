"""Streams whose reader has left in the middle.

Mechanism: a response is streamed by a generator. The server registers it, sends what it yields and removes
it after the last chunk. A client that leaves half-way is not followed by a last chunk: the generator stays
suspended at its ``yield``, with its frame, its buffer and the cursor that its ``finally`` would close.

Who retains: the server's ``STREAMS``, from there the generators and their frames.

Seen in the wild: localstack#8582 (response generators not closed when the client was gone), connexion#1822
(one more running generator for each client that left).

Each step serves one client; every fourth leaves after the first of four chunks.
"""

import weakref

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping
    from typing import Any

    Stream = Iterator[bytes]

_CHUNKS = 4
_LEAVES_EVERY = 4

STREAMS: "dict[int, Stream]" = {}
"""Streams that are being sent: a root that lives as long as the process."""


class Serving:
    """A mitigation: where streams are registered, and what the server does when a client has left."""

    __slots__ = ("left", "streams")

    def __init__(self, streams: "MutableMapping[int, Any]", left: "Callable[[int], None]") -> None:
        self.streams = streams
        self.left = left


class SuspendedGenerators:
    """The workload: one stream a step; counts the cursors that are open."""

    def __init__(self, make: "Callable[[], Serving]", run: Run) -> None:
        self._serving = make()
        self._payload_bytes = run.params["payload_bytes"]
        self._open_cursors = self._lost = 0

    def _stream(self) -> "Stream":
        rows = bytes(self._payload_bytes)
        self._open_cursors += 1
        try:
            for chunk in range(_CHUNKS):
                yield rows[chunk:]
        finally:
            self._open_cursors -= 1

    def step(self, i: int) -> None:
        stream = self._stream()
        self._serving.streams[i] = stream
        if i % _LEAVES_EVERY == 0:
            next(stream)
            del stream  # with the connection goes the server's own reference
            self._serving.left(i)
            return
        self._lost += _CHUNKS - sum(1 for _ in stream)
        self._serving.streams.pop(i)

    def counts(self) -> "dict[str, int | float]":
        """Live is none between requests; lost are chunks that a client who stayed did not get."""
        return {"live_entries": 0, "retained_entries": self._open_cursors, "lost_entries": self._lost}


SCENARIO = Scenario(
    "suspended-generators",
    SuspendedGenerators,
    kind="pattern",
    title="Streams whose reader has left in the middle",
    params={"payload_bytes": Parameter(1_024, 4, 1 << 20, "bytes of buffer in a stream's frame")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="suspended_generators.STREAMS",
    summary="a stream is removed after its last chunk, and only then",
    cost="cursors and locks of abandoned streams stay open",
)
def none() -> Serving:
    return Serving(STREAMS, lambda _number: None)


@SCENARIO.mitigation(
    "close-on-disconnect",
    verdict="steady",
    summary="when the client has gone, the stream is removed and closed: its finally runs at once",
    cost="the server has to notice that a client has gone",
)
def close_on_disconnect() -> Serving:
    def left(number: int) -> None:
        STREAMS.pop(number).close()  # type: ignore[attr-defined]  # every stream here is a generator

    return Serving(STREAMS, left)


@SCENARIO.mitigation(
    "weak-registry",
    verdict="steady",
    summary="a WeakValueDictionary: a stream that nobody reads any more is closed as it dies",
    cost="when that is depends on who else holds it; a stream in a cycle waits for the collector",
)
def weak_registry() -> Serving:
    return Serving(weakref.WeakValueDictionary(), lambda _number: None)
