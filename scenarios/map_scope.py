"""What a request remembers, and how far its map reaches (article, section 4.1).

Mechanism: a request puts what it has found into a map, waits, and takes it out again further down. Where
the map lives longer than the request, somebody must take the entry out once the request has ended, also
where it failed. A map that is the request's own needs nobody: it dies with it.

Who retains: whatever outlives the request. A module's dict, a class's, the cache behind a decorated
method, the default of a context variable; and a weak map whose values refer to their own keys.

Seen in the wild: flake8#1573 (a cache on a method), and every mutable default that was meant to be one's
own.

Each step starts one request, which runs in a context of its own, as asyncio's tasks do, and ends the one
that was started `OVERLAP` steps before: up to `OVERLAP` requests are under way at any time. One request in
`_FAILS_EVERY` raises instead of answering. An entry is lost when the request that stored it does not find
it again.
"""

import functools
import weakref
from contextlib import suppress
from contextvars import ContextVar, copy_context

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sized
    from contextvars import Context
    from typing import Any

    Handler = Callable[["Request"], "Generator[None, None, None]"]
    """Runs a request: stores, waits once (yields), finds again and answers."""

OVERLAP = 8
_FAILS_EVERY = 16

FOUND: "dict[int, bytes]" = {}
"""The module's map: a root that lives as long as the process."""
NOTES: "weakref.WeakKeyDictionary[Request, Any]" = weakref.WeakKeyDictionary()
CURRENT: "ContextVar[dict[int, bytes]]" = ContextVar("CURRENT")
SHARED: "ContextVar[dict[int, bytes]]" = ContextVar("SHARED", default={})  # noqa: B039  # the leak itself


class RequestError(Exception):
    """A request that fails after it has stored something."""


class Request:
    """What a handler is given; `load` brings what is worth remembering, `answer` takes it back."""

    __slots__ = ("__weakref__", "_payload_bytes", "found_again", "number")

    def __init__(self, number: int, payload_bytes: int) -> None:
        self.number = number
        self.found_again = False
        self._payload_bytes = payload_bytes

    def load(self) -> bytes:
        return self.number.to_bytes(self._payload_bytes, "big")

    def answer(self, remembered: "bytes | None") -> None:
        """Check what was remembered; raises RequestError for the requests that fail."""
        self.found_again = remembered is not None and int.from_bytes(remembered, "big") == self.number
        if self.number % _FAILS_EVERY == 0:
            raise RequestError(self.number)


class Scope:
    """A mitigation: how requests are handled, and what of theirs is still there (None for nothing)."""

    __slots__ = ("handle", "kept")

    def __init__(self, handle: "Handler", kept: "Sized | None" = None) -> None:
        self.handle = handle
        self.kept = kept


class MapScope:
    """The workload: requests that overlap, each under its own context."""

    def __init__(self, make: "Callable[[], Scope]", run: Run) -> None:
        self._scope = make()
        self._payload_bytes = run.params["payload_bytes"]
        self._running: list[tuple[Request, Context, Generator[None, None, None]] | None] = [None] * OVERLAP
        self._lost = self._live = 0

    def step(self, i: int) -> None:
        place = i % OVERLAP
        self._end(place)
        request = Request(i, self._payload_bytes)
        context, handling = copy_context(), self._scope.handle(request)
        context.run(next, handling)
        self._running[place] = (request, context, handling)
        self._live += 1

    def _end(self, place: int) -> None:
        running = self._running[place]
        if running is None:
            return
        request, context, handling = running
        with suppress(RequestError):  # told to the client, who is not played here
            context.run(next, handling, None)
        self._lost += not request.found_again
        self._running[place] = None
        self._live -= 1

    def counts(self) -> "dict[str, int | float]":
        """Live is one entry for each request under way; lost are those that did not find theirs again.

        A scope that keeps nothing of its own (`kept` is None) retains what its requests hold: the live ones.
        """
        kept = self._scope.kept
        return {
            "live_entries": self._live,
            "retained_entries": self._live if kept is None else len(kept),
            "lost_entries": self._lost,
        }


SCENARIO = Scenario(
    "map-scope",
    MapScope,
    title="What a request remembers, and how far its map reaches",
    section="4.1",
    steps={"quick": 8_192, "full": 65_536},
    warmup=8_192,
    params={"payload_bytes": Parameter(256, 4, 1 << 20, "bytes that a request remembers")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="map_scope.FOUND",
    summary="a global dict: every request leaves its entry",
)
def none() -> Scope:
    def handle(request: Request) -> "Generator[None, None, None]":
        FOUND[request.number] = request.load()
        yield
        request.answer(FOUND.get(request.number))

    FOUND.clear()
    return Scope(handle, FOUND)


class Gateway:
    """Its dict stands in the class's body, so that all instances, and all requests, share it."""

    found: "dict[int, bytes]" = {}  # noqa: RUF012  # the leak itself

    def handle(self, request: Request) -> "Generator[None, None, None]":
        self.found[request.number] = request.load()
        yield
        request.answer(self.found.get(request.number))


@SCENARIO.mitigation(
    "class-attribute",
    verdict="leak",
    holder="map_scope.Gateway.found",
    summary="a dict in the class's body: it looks like the instance's and is everybody's",
)
def class_attribute() -> Scope:
    Gateway.found.clear()
    return Scope(lambda request: Gateway().handle(request), Gateway.found)


class View:
    """One instance a request, whose method remembers its answer."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @functools.cache  # noqa: B019  # the leak itself
    def load(self) -> bytes:
        return self.request.load()


class _CacheEntries:
    """The size of an lru_cache's table."""

    def __init__(self, function: "Any") -> None:
        self._function = function

    def __len__(self) -> int:
        return int(self._function.cache_info().currsize)


@SCENARIO.mitigation(
    "cache-on-method",
    verdict="leak",
    holder="map_scope.View.load.cache_info()",
    summary="functools.cache on a method: the class keeps every instance",
    cost="the cache never serves anyone but the instance that filled it",
)
def cache_on_method() -> Scope:
    def handle(request: Request) -> "Generator[None, None, None]":
        view = View(request)
        view.load()
        yield
        request.answer(view.load())

    View.load.cache_clear()
    return Scope(handle, _CacheEntries(View.load))


@SCENARIO.mitigation(
    "shared-default",
    verdict="leak",
    holder="map_scope.SHARED.get()",
    summary="a context variable whose default is a dict: every context gets the same one",
)
def shared_default() -> Scope:
    def handle(request: Request) -> "Generator[None, None, None]":
        SHARED.get()[request.number] = request.load()
        yield
        request.answer(SHARED.get().get(request.number))

    SHARED.get().clear()
    return Scope(handle, SHARED.get())


@SCENARIO.mitigation(
    "removed-on-success",
    verdict="leak",
    holder="map_scope.FOUND",
    summary="the request removes its entry at its end, which a request that fails does not reach",
    cost=f"leaks at one {_FAILS_EVERY}th of the rate, and so is found later",
)
def removed_on_success() -> Scope:
    def handle(request: Request) -> "Generator[None, None, None]":
        FOUND[request.number] = request.load()
        yield
        request.answer(FOUND.get(request.number))
        del FOUND[request.number]

    FOUND.clear()
    return Scope(handle, FOUND)


@SCENARIO.mitigation(
    "weak-keys-in-values",
    verdict="leak",
    holder="map_scope.NOTES",
    summary="weak keys whose values refer to their own key: no key ever dies",
    cost="the map looks right, and is as global as a dict",
)
def weak_keys_in_values() -> Scope:
    def handle(request: Request) -> "Generator[None, None, None]":
        NOTES[request] = (request, request.load())
        yield
        request.answer(NOTES[request][1])

    NOTES.clear()
    return Scope(handle, NOTES)


@SCENARIO.mitigation(
    "clear-at-end",
    verdict="steady",
    summary="whoever ends clears the global dict",
    cost="requests still under way lose their entries: no remedy where two overlap",
)
def clear_at_end() -> Scope:
    def handle(request: Request) -> "Generator[None, None, None]":
        FOUND[request.number] = request.load()
        try:
            yield
            request.answer(FOUND.get(request.number))
        finally:
            FOUND.clear()

    FOUND.clear()
    return Scope(handle, FOUND)


@SCENARIO.mitigation(
    "per-request",
    verdict="steady",
    summary="a dict that the request creates and nobody else knows",
    cost="nothing is shared between requests: each loads for itself",
)
def per_request() -> Scope:
    def handle(request: Request) -> "Generator[None, None, None]":
        found = {request.number: request.load()}
        yield
        request.answer(found.get(request.number))

    return Scope(handle)


class Remembered:
    """A context manager whose clean-up hook takes the request's entry out, however the request ends."""

    __slots__ = ("_found", "_number")

    def __init__(self, found: "dict[int, bytes]", number: int, value: bytes) -> None:
        self._found = found
        self._number = number
        found[number] = value

    def __enter__(self) -> None:
        """Nothing is left to do: the entry is there since the call."""

    def __exit__(self, *_: object) -> None:
        del self._found[self._number]


@SCENARIO.mitigation(
    "clean-up-hook",
    verdict="steady",
    summary="a context manager removes the entry, also where the request fails",
    cost="one place that stores without the `with` leaks again",
)
def clean_up_hook() -> Scope:
    def handle(request: Request) -> "Generator[None, None, None]":
        with Remembered(FOUND, request.number, request.load()):
            yield
            request.answer(FOUND.get(request.number))

    FOUND.clear()
    return Scope(handle, FOUND)


@SCENARIO.mitigation(
    "context-variable",
    verdict="steady",
    summary="a context variable set to a new dict in each request's context, with which it dies",
    cost="a thread started inside must be given the context; the default must not be mutable",
)
def context_variable() -> Scope:
    def handle(request: Request) -> "Generator[None, None, None]":
        CURRENT.set({request.number: request.load()})
        yield
        request.answer(CURRENT.get().get(request.number))

    return Scope(handle)


@SCENARIO.mitigation(
    "weak-keys",
    verdict="steady",
    summary="a global map with the request as its weak key: the entry dies with the request",
    cost="a request in a cycle keeps its entry until collected; a value must never refer to its key",
)
def weak_keys() -> Scope:
    def handle(request: Request) -> "Generator[None, None, None]":
        NOTES[request] = request.load()
        yield
        request.answer(NOTES.get(request))

    NOTES.clear()
    return Scope(handle, NOTES)


@SCENARIO.mitigation(
    "ideal",
    verdict="steady",
    summary="no map at all: a local variable, the bound",
    cost="every function in between must be given it",
)
def ideal() -> Scope:
    def handle(request: Request) -> "Generator[None, None, None]":
        remembered = request.load()
        yield
        request.answer(remembered)

    return Scope(handle)
