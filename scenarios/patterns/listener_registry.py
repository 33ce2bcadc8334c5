"""Listeners that nobody unsubscribes.

Mechanism: a view subscribes a bound method to a bus that lives as long as the process. The bound method
holds its view. When the view is closed and dropped, the bus still holds the method, the method the view,
and the view its payload; each event is still delivered to it.

Who retains: the bus's list ``BUS``, from there the bound methods and, through ``__self__``, the views.

Seen in the wild: pyepics#10 (callbacks kept every PV), pyhf#1035 (bound methods kept every tensor viewer;
mended with weakref.WeakMethod), electrum#10427 (callbacks kept every wallet).

Each step opens a view; it stays open for 64 steps. Every 4,096 steps an event is published. An event that
reaches a closed view is a stale answer; one that misses an open view is lost.
"""

import weakref

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Bus(Protocol):
        """Takes listeners and delivers events to them."""

        def subscribe(self, listener: "Callable[[], None]") -> None: ...
        def closed(self, listener: "Callable[[], None]") -> None:
            """Hear that the listener's view is closed; what is done about it is the mitigation's."""

        def publish(self) -> None: ...
        def __len__(self) -> int: ...


_OPEN_VIEWS = 64
_PUBLISH_EVERY_STEPS = 4_096

BUS: "list[Any]" = []
"""The bus's listeners: a root that lives as long as the process."""


class View:
    """Something with a life of its own that wants to hear of events while it lasts."""

    __slots__ = ("__weakref__", "heard", "is_open", "payload")
    heard_when_closed = 0  # events that reached any view after its end

    def __init__(self, payload_bytes: int) -> None:
        self.is_open = True
        self.heard = 0
        self.payload = bytes(payload_bytes)

    def on_event(self) -> None:
        self.heard += 1
        View.heard_when_closed += not self.is_open


class ListenerRegistry:
    """The workload: views that open, subscribe, and are closed 64 steps later."""

    def __init__(self, make: "Callable[[], Bus]", run: Run) -> None:
        self._bus = make()
        self._payload_bytes = run.params["payload_bytes"]
        self._open: list[View | None] = [None] * _OPEN_VIEWS
        self._lost = self._live = 0

    def step(self, i: int) -> None:
        place = i % _OPEN_VIEWS
        self._close(place)
        view = View(self._payload_bytes)
        self._bus.subscribe(view.on_event)
        self._open[place] = view
        self._live += 1
        if i % _PUBLISH_EVERY_STEPS == 0:
            self._publish()

    def _close(self, place: int) -> None:
        view = self._open[place]
        if view is not None:
            view.is_open = False
            self._bus.closed(view.on_event)
            self._open[place] = None
            self._live -= 1

    def _publish(self) -> None:
        for view in self._open:
            if view is not None:
                view.heard = 0
        self._bus.publish()
        self._lost += sum(view.heard == 0 for view in self._open if view is not None)

    def counts(self) -> "dict[str, int | float]":
        return {
            "live_entries": self._live,
            "retained_entries": len(self._bus),
            "lost_entries": self._lost,
            "stale_answers": View.heard_when_closed,
        }


class StrongBus:
    """Listeners in a list, as most buses keep them."""

    def __init__(self, *, unsubscribes: bool) -> None:
        self._unsubscribes = unsubscribes

    def subscribe(self, listener: "Callable[[], None]") -> None:
        BUS.append(listener)

    def closed(self, listener: "Callable[[], None]") -> None:
        if self._unsubscribes:
            BUS.remove(listener)

    def publish(self) -> None:
        for listener in BUS:
            listener()

    def __len__(self) -> int:
        return len(BUS)


class WeakBus:
    """Listeners held weakly: a closed view takes its subscription with it."""

    def __init__(self) -> None:
        self._references: set[weakref.WeakMethod[Callable[[], None]]] = set()

    def subscribe(self, listener: "Callable[[], None]") -> None:
        self._references.add(weakref.WeakMethod(listener, self._references.discard))

    def closed(self, listener: "Callable[[], None]") -> None:
        """Do nothing: the view's death says it."""

    def publish(self) -> None:
        for reference in list(self._references):
            listener = reference()
            if listener is not None:
                listener()

    def __len__(self) -> int:
        return len(self._references)


SCENARIO = Scenario(
    "listener-registry",
    ListenerRegistry,
    kind="pattern",
    title="Listeners that nobody unsubscribes",
    params={"payload_bytes": Parameter(256, 0, 1 << 20, "bytes of payload that a view carries")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="listener_registry.BUS",
    summary="views subscribe and are dropped without a word",
    cost="every event is delivered to every view that ever was",
)
def none() -> StrongBus:
    return StrongBus(unsubscribes=False)


@SCENARIO.mitigation(
    "unsubscribe",
    verdict="bounded",
    summary="closing a view takes its listener off the bus",
    cost="a search through the list at each close, and one forgotten close leaks again",
)
def unsubscribe() -> StrongBus:
    return StrongBus(unsubscribes=True)


@SCENARIO.mitigation(
    "weak-listeners",
    verdict="bounded",
    summary="the bus holds weakref.WeakMethod; a view that dies is off it at once",
    cost="a lambda, which nobody else holds, is dropped at once; a view in a cycle hears until collected",
)
def weak_listeners() -> WeakBus:
    return WeakBus()
