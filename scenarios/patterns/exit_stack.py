"""An ExitStack of the application, into which requests put their clean-up.

Mechanism: ``ExitStack.enter_context`` is handy where a ``with`` does not fit. Called on a stack that is
closed when the process ends, it appends a clean-up that is not run before then; each keeps the resource it
is to clean up.

Who retains: the stack's ``STACK._exit_callbacks``, from there the bound exits and their resources.

Seen in the wild, in the same shape with ``atexit.register`` as the stack: dd-trace-py#2409 (tracers),
devlib#676 (connections).

Each step opens a resource, reads from it and is done with it. A resource still open at the end of its
request counts as retained.
"""

from contextlib import ExitStack

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

STACK = ExitStack()
"""The application's stack: closed when the process ends."""


class Resource:
    """Something to be closed; counts those that are open."""

    __slots__ = ("payload",)
    open_now = 0

    def __init__(self, payload_bytes: int) -> None:
        self.payload = bytes(payload_bytes)
        Resource.open_now += 1

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_error: object) -> None:
        Resource.open_now -= 1


class ExitStackGrowth:
    """The workload: one request a step, which opens a resource."""

    def __init__(self, make: "Callable[[], Callable[[int], int]]", run: Run) -> None:
        self._serve = make()
        self._payload_bytes = run.params["payload_bytes"]

    def step(self, i: int) -> None:
        self._serve(self._payload_bytes)

    def counts(self) -> "dict[str, int | float]":
        """Live is none between requests."""
        return {"live_entries": 0, "retained_entries": Resource.open_now}

    def close(self) -> None:
        STACK.close()


SCENARIO = Scenario(
    "exit-stack",
    ExitStackGrowth,
    kind="pattern",
    title="An ExitStack of the application, into which requests put their clean-up",
    params={"payload_bytes": Parameter(64, 0, 1 << 20, "bytes of payload that a resource carries")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="exit_stack.STACK._exit_callbacks",
    summary="each request enters its resource into the application's stack",
    cost="resources stay open until the process ends",
)
def none() -> "Callable[[int], int]":
    def serve(payload_bytes: int) -> int:
        return len(STACK.enter_context(Resource(payload_bytes)).payload)

    return serve


@SCENARIO.mitigation(
    "stack-per-request",
    verdict="steady",
    summary="a stack of the request's own, in a with block",
    cost="a stack built for each request",
)
def stack_per_request() -> "Callable[[int], int]":
    def serve(payload_bytes: int) -> int:
        with ExitStack() as stack:
            return len(stack.enter_context(Resource(payload_bytes)).payload)

    return serve


@SCENARIO.mitigation(
    "pop-all",
    verdict="steady",
    summary="the application's stack is emptied with pop_all() at the end of each request",
    cost="requests that overlap close each other's resources",
)
def pop_all() -> "Callable[[int], int]":
    def serve(payload_bytes: int) -> int:
        try:
            return len(STACK.enter_context(Resource(payload_bytes)).payload)
        finally:
            STACK.pop_all().close()

    return serve
