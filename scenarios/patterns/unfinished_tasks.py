"""Tasks that wait for an answer which never comes.

Mechanism: requests over one connection are matched with their answers by number: a task puts a future under
the request's number and awaits it, the reader looks the number up and sets the result. Where an answer is
lost, nobody ever sets it. The table holds the future, the future's callback the task, the task its
coroutine, and that its frame with the request.

Who retains: the client's ``PENDING``.

Seen in the wild: pygls#608 (entries of requests that were never answered), vyked#90 (a table of pending
requests from which nothing was removed).

Each step sends two requests: one is answered at once, the other never. A caller waits 16 steps, then
leaves. The loop's clock is scripted: a step is a second. Not deterministic to the byte: asyncio keeps its
tasks in a set ordered by their addresses.
"""

import asyncio

from leakbench.contract import Parameter, Run, Scenario
from leakbench.mitigations.expiring import ScriptedClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Ask = Callable[[int, bytes], Coroutine[None, None, int | None]]

_PATIENCE_STEPS = 16

PENDING: "dict[int, asyncio.Future[int]]" = {}
"""Requests under way: a root that lives as long as the process."""


class Asking:
    """A mitigation: how a request is sent and awaited, and whether a caller who leaves cancels its task."""

    __slots__ = ("ask", "cancels")

    def __init__(self, ask: "Ask", *, cancels: bool = False) -> None:
        self.ask = ask
        self.cancels = cancels


class UnfinishedTasks:
    """The workload: two requests a step, on one event loop that turns twice a step."""

    def __init__(self, make: "Callable[[], Asking]", run: Run) -> None:
        self._clock = ScriptedClock()
        self._loop = asyncio.new_event_loop()
        self._loop.time = self._clock  # type: ignore[method-assign]  # time is scripted
        self._asking = make()
        self._payload_bytes = run.params["payload_bytes"]
        self._callers: list[asyncio.Task[int | None] | None] = [None] * _PATIENCE_STEPS
        self._waiting = self._lost = 0

    def step(self, i: int) -> None:
        self._clock.now = i
        self._leave(i)
        answered = self._send(2 * i)
        self._callers[i % _PATIENCE_STEPS] = self._send(2 * i + 1)
        self._loop.call_soon(self._answer, 2 * i)
        self._loop.run_forever()
        self._lost += not answered.done() or answered.result() != 2 * i

    def _send(self, number: int) -> "asyncio.Task[int | None]":
        self._waiting += 1
        return self._loop.create_task(self._asking.ask(number, bytes(self._payload_bytes)))

    def _leave(self, now: int) -> None:
        """The caller of `_PATIENCE_STEPS` ago leaves, without an answer."""
        task = self._callers[now % _PATIENCE_STEPS]
        if task is not None:
            self._waiting -= 1
            if self._asking.cancels:
                task.cancel()

    def _answer(self, number: int) -> None:
        """Runs on the loop, after the requests are under way and before it stops."""
        self._waiting -= 1
        PENDING.pop(number).set_result(number)
        self._loop.call_soon(self._loop.stop)

    def counts(self) -> "dict[str, int | float]":
        """Live are requests whose caller still waits; lost are answers that did not reach their caller."""
        return {"live_entries": self._waiting, "retained_entries": len(PENDING), "lost_entries": self._lost}

    def close(self) -> None:
        self._loop.close()


async def _ask(number: int, request: bytes) -> "int | None":
    future = PENDING[number] = asyncio.get_running_loop().create_future()
    answer = await future
    return answer if request else None


async def _ask_and_tidy(number: int, request: bytes) -> "int | None":
    try:
        return await _ask(number, request)
    finally:
        PENDING.pop(number, None)


SCENARIO = Scenario(
    "unfinished-tasks",
    UnfinishedTasks,
    kind="pattern",
    title="Tasks that wait for an answer which never comes",
    steps={"quick": 8_192, "full": 65_536},
    params={"payload_bytes": Parameter(256, 1, 1 << 20, "bytes of a request")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    deterministic=False,
    holder="unfinished_tasks.PENDING",
    summary="an entry is removed by its answer, and only by that",
    cost="callers wait for ever",
)
def none() -> Asking:
    return Asking(_ask)


@SCENARIO.mitigation(
    "timeout",
    verdict="bounded",
    deterministic=False,
    summary="asyncio.timeout around the wait, and the entry removed in a finally",
    cost="a timer a request, which stays in the loop's heap until its time even where the answer came",
)
def timeout() -> Asking:
    async def ask(number: int, request: bytes) -> "int | None":
        try:
            async with asyncio.timeout(_PATIENCE_STEPS):
                return await _ask_and_tidy(number, request)
        except TimeoutError:
            return None

    return Asking(ask)


@SCENARIO.mitigation(
    "cancel-with-caller",
    verdict="bounded",
    deterministic=False,
    summary="a caller that leaves cancels its task, and a finally removes the entry",
    cost="somebody has to hold every task until then",
)
def cancel_with_caller() -> Asking:
    return Asking(_ask_and_tidy, cancels=True)
