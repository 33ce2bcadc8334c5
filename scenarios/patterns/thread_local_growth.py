"""State of a request, left on a thread that never ends.

Mechanism: code that means "for this request" writes to a ``threading.local``. A pool's threads outlive
their requests by far, so what a request leaves behind is there for the thread's whole life; here each
request registers its own context under its number.

Who retains: the thread's own dict of the ``threading.local`` object, from there ``contexts``.

Seen in the wild: cherrypy#496 (requests left on thread-local objects).

The thread that runs the steps stands for a pool's worker: one request a step.
"""

import threading

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar


class Worker(threading.local):
    """What a worker thread has of its own; built anew in each thread that asks."""

    def __init__(self) -> None:
        self.contexts: dict[int, Context] = {}


WORKER = Worker()


class Context:
    """What a request wants to have at hand wherever it goes."""

    __slots__ = ("number", "payload")

    def __init__(self, number: int, payload_bytes: int) -> None:
        self.number = number
        self.payload = bytes(payload_bytes)


class ThreadLocalGrowth:
    """The workload: one request a step, which sets its context and asks for it further down."""

    def __init__(self, make: "Callable[[], Callable[[Context], Context | None]]", run: Run) -> None:
        self._serve = make()
        self._payload_bytes = run.params["payload_bytes"]
        self._lost = 0

    def step(self, i: int) -> None:
        context = Context(i, self._payload_bytes)
        self._lost += self._serve(context) is not context

    def counts(self) -> "dict[str, int | float]":
        """Live is none between requests; lost are contexts that were not found further down."""
        return {"live_entries": 0, "retained_entries": len(WORKER.contexts), "lost_entries": self._lost}


SCENARIO = Scenario(
    "thread-local-growth",
    ThreadLocalGrowth,
    kind="pattern",
    title="State of a request, left on a thread that never ends",
    params={"payload_bytes": Parameter(128, 0, 1 << 20, "bytes of payload that a context carries")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="thread_local_growth.WORKER.contexts",
    summary="each request leaves its context on the worker",
)
def none() -> "Callable[[Context], Context | None]":
    def serve(context: Context) -> "Context | None":
        WORKER.contexts[context.number] = context
        return WORKER.contexts.get(context.number)

    return serve


@SCENARIO.mitigation(
    "cleared-after-request",
    verdict="steady",
    summary="the outermost frame of a request clears the worker's state in a finally",
    cost="what one place forgets leaks again; a request inside a request clears too much",
)
def cleared_after_request() -> "Callable[[Context], Context | None]":
    def serve(context: Context) -> "Context | None":
        try:
            WORKER.contexts[context.number] = context
            return WORKER.contexts.get(context.number)
        finally:
            WORKER.contexts.clear()

    return serve


@SCENARIO.mitigation(
    "context-variable",
    verdict="steady",
    summary="a contextvars.ContextVar set in a Context of the request's own, which dies with it",
    cost="a Context copied for each request; threads started inside must be given it",
)
def context_variable() -> "Callable[[Context], Context | None]":
    from contextvars import ContextVar, copy_context

    current: ContextVar[Context | None] = ContextVar("current", default=None)

    def serve(context: Context) -> "Context | None":
        return copy_context().run(_set_and_get, current, context)

    return serve


def _set_and_get(current: "ContextVar[Context | None]", context: Context) -> "Context | None":
    current.set(context)
    return current.get()
