"""Closures made per request, used as keys of a cache that was meant for functions.

Mechanism: a helper remembers, for each callback it is handed, what it found out about it. Handlers define
their callback inside the request, so each request hands over a new function object. The cache keeps it as
a key, the function keeps its cells, and the cells keep what it captured: the request. All closures of one
``def`` share their code object, which would have served as well for a key.

Who retains: the module's ``CHECKED``, from there the functions, their ``__closure__`` and the requests.

Seen in the wild: beartype#673 (a check memoised per function met closures that were redefined at every
call).

Each step serves a request with a callback defined inside the handler and drops both.
"""

import weakref

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Callback = Callable[[int], int]
    Check = Callable[[Callback], int]

CHECKED: "dict[Any, int]" = {}
"""What was found out, by callback or by its code: a root that lives as long as the process."""


class Request:
    """What a handler has at hand, and its callback with it."""

    __slots__ = ("number", "payload")

    def __init__(self, number: int, payload_bytes: int) -> None:
        self.number = number
        self.payload = bytes(payload_bytes)


class Checking:
    """A mitigation: `check` says how many arguments a callback takes, `entries` what it remembers for it.

    `hoisted` says that handlers pass one function made once, with the request as an argument.
    """

    __slots__ = ("check", "entries", "hoisted")

    def __init__(self, check: "Check", entries: "Any", *, hoisted: bool = False) -> None:
        self.check = check
        self.entries = entries
        self.hoisted = hoisted


class ClosureCapture:
    """The workload: one request a step."""

    def __init__(self, make: "Callable[[], Checking]", run: Run) -> None:
        self._checking = make()
        self._payload_bytes = run.params["payload_bytes"]
        self._done = 0

    def step(self, i: int) -> None:
        request = Request(i, self._payload_bytes)
        self._done += (self._handle_hoisted if self._checking.hoisted else self._handle)(request)

    def _handle(self, request: Request) -> int:
        def callback(amount: int) -> int:
            return request.number + amount

        return self._checking.check(callback) and callback(1)

    def _handle_hoisted(self, request: Request) -> int:
        return self._checking.check(_add_to_number) and _add_to_number(1, request)

    def counts(self) -> "dict[str, int | float]":
        """Live is none: a callback is of no use once its request is served."""
        return {"live_entries": 0, "retained_entries": len(self._checking.entries)}


def _add_to_number(amount: int, request: "Request | None" = None) -> int:
    return amount if request is None else request.number + amount


def _argument_count(callback: "Callback") -> int:
    return callback.__code__.co_argcount


def _check_by_function(callback: "Callback") -> int:
    count = CHECKED.get(callback)
    if count is None:
        count = CHECKED[callback] = _argument_count(callback)
    return count


SCENARIO = Scenario(
    "closure-capture",
    ClosureCapture,
    kind="pattern",
    title="Closures made per request, used as keys of a cache",
    params={"payload_bytes": Parameter(256, 0, 1 << 20, "bytes of payload that a captured request carries")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="closure_capture.CHECKED",
    summary="the cache's keys are the closures, each with its request",
    cost="the cache never hits: every closure is new",
)
def none() -> Checking:
    return Checking(_check_by_function, CHECKED)


@SCENARIO.mitigation(
    "keyed-by-code",
    verdict="bounded",
    summary="keyed by callback.__code__, which all closures of one def share",
    cost="closures that differ in defaults or annotations are not told apart",
)
def keyed_by_code() -> Checking:
    def check(callback: "Callback") -> int:
        code = callback.__code__
        count = CHECKED.get(code)
        if count is None:
            count = CHECKED[code] = _argument_count(callback)
        return count

    return Checking(check, CHECKED)


@SCENARIO.mitigation(
    "weak-keys",
    verdict="steady",
    summary="a WeakKeyDictionary: a closure's entry goes with the closure",
    cost="a weak reference a call, and still no hits",
)
def weak_keys() -> Checking:
    entries: weakref.WeakKeyDictionary[Callback, int] = weakref.WeakKeyDictionary()

    def check(callback: "Callback") -> int:
        count = entries.get(callback)
        if count is None:
            count = entries[callback] = _argument_count(callback)
        return count

    return Checking(check, entries)


@SCENARIO.mitigation(
    "hoisted",
    verdict="bounded",
    summary="one function at module level, the request passed as an argument: nothing is captured",
    cost="every caller has to be changed",
)
def hoisted() -> Checking:
    return Checking(_check_by_function, CHECKED, hoisted=True)
