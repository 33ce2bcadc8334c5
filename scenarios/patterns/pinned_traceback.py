"""One exception object, raised again and again.

Mechanism: an exception is built once, at import, and raised wherever it fits. Every raise adds the frames
it passes to the ``__traceback__`` that the object already carries; nothing ever takes them off. Each entry
pins its frame, and with the frame all its local variables.

Who retains: ``NOT_FOUND.__traceback__``, a chain of traceback objects, from there the frames and their
locals.

Seen in the wild: cpython#90873 (found to be the caller's mistake), pyserial#437, ipython#8017 and
twisted#11874 (module-level exceptions in each).

Each step looks up a key that is not there; the lookup has a request's payload among its locals.
"""

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class NotFoundError(Exception):
    """The key is not there."""


NOT_FOUND = NotFoundError("no such key")
"""Built once to be raised often."""


class PinnedTraceback:
    """The workload: one failing lookup a step, handled by its caller."""

    def __init__(self, make: "Callable[[], Callable[[int, bytes], None]]", run: Run) -> None:
        self._look_up = make()
        self._payload_bytes = run.params["payload_bytes"]
        self._unexplained = 0

    def step(self, i: int) -> None:
        try:
            self._look_up(i, bytes(self._payload_bytes))
        except NotFoundError as error:
            self._unexplained += error.__traceback__ is None

    def counts(self) -> "dict[str, int | float]":
        """Entries are tracebacks, of which none is live once the error is handled.

        Lost are errors that reached their handler without a traceback to be logged.
        """
        kept, traceback = 0, NOT_FOUND.__traceback__
        while traceback is not None:
            kept, traceback = kept + 1, traceback.tb_next
        return {"live_entries": 0, "retained_entries": kept, "lost_entries": self._unexplained}


SCENARIO = Scenario(
    "pinned-traceback",
    PinnedTraceback,
    kind="pattern",
    title="One exception object, raised again and again",
    params={"payload_bytes": Parameter(64, 0, 1 << 20, "bytes of payload among the failing call's locals")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="pinned_traceback.NOT_FOUND.__traceback__",
    summary="raise of one shared object: its traceback grows at each raise",
    cost="a logged traceback grows longer every time",
)
def none() -> "Callable[[int, bytes], None]":
    def look_up(_key: int, _request: bytes) -> None:
        raise NOT_FOUND

    return look_up


@SCENARIO.mitigation(
    "fresh-exception",
    verdict="steady",
    summary="a new object at each raise: it dies, with its traceback, when it has been handled",
    cost="an object built for each failure",
)
def fresh_exception() -> "Callable[[int, bytes], None]":
    def look_up(key: int, _request: bytes) -> None:
        raise NotFoundError(key)

    return look_up


@SCENARIO.mitigation(
    "without-traceback",
    verdict="bounded",
    summary="raise of the shared object with_traceback(None): only the last raise is pinned",
    cost="the last failing call's locals stay until the next; two threads share one traceback",
)
def without_traceback() -> "Callable[[int, bytes], None]":
    def look_up(_key: int, _request: bytes) -> None:
        raise NOT_FOUND.with_traceback(None)

    return look_up
