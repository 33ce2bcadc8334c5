"""Limiters of writes: how often, not how much. Whatever they admit still has to go somewhere some day.

Each has one verb, ``admit(client)``; those that limit all clients together do not look at it. None is safe
to share between threads.
"""

from collections import OrderedDict, deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, Protocol

    class Limiter(Protocol):
        """Lets a write through or refuses it."""

        def admit(self, client: Hashable) -> bool: ...

        def __len__(self) -> int:
            """Clients of which it keeps a record."""


class NoLimit:
    """Admits everything."""

    def admit(self, _client: "Hashable") -> bool:
        return True

    def __len__(self) -> int:
        return 0


class TokenBucket:
    """A write costs a token; `rate` of them come in a unit of `clock`, and at most `burst` are saved up."""

    __slots__ = ("_burst", "_clock", "_last", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int, clock: "Callable[[], float]") -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._last = clock()

    def admit(self, _client: "Hashable") -> bool:
        now = self._clock()
        self._tokens = min(float(self._burst), self._tokens + (now - self._last) * self._rate)
        self._last = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def __len__(self) -> int:
        return 0


class SlidingWindow:
    """At most `most` writes in any `window` of `clock`; it remembers when each of them was."""

    __slots__ = ("_admitted", "_clock", "_most", "_window")

    def __init__(self, most: int, window: float, clock: "Callable[[], float]") -> None:
        self._most = most
        self._window = window
        self._clock = clock
        self._admitted: deque[float] = deque()

    def admit(self, _client: "Hashable") -> bool:
        now = self._clock()
        admitted = self._admitted
        while admitted and admitted[0] <= now - self._window:
            admitted.popleft()
        if len(admitted) >= self._most:
            return False
        admitted.append(now)
        return True

    def __len__(self) -> int:
        return 0


class PerClient:
    """A limiter for each client, made by `make` when the client first writes.

    With ``idle=None`` it keeps a record of every client that ever wrote: a leak of its own, wherever clients
    choose their names. With `idle`, in units of `clock`, a record goes once it was not used for so long.
    Choose it so that a forgotten client has the rights of a new one: the time in which an empty bucket fills,
    or the window.
    """

    def __init__(
        self, make: "Callable[[], Limiter]", clock: "Callable[[], float]", idle: "float | None" = None
    ) -> None:
        self._make = make
        self._clock = clock
        self._idle = idle
        self._records: OrderedDict[Any, tuple[Limiter, float]] = OrderedDict()  # least recently used first

    def admit(self, client: "Hashable") -> bool:
        now = self._clock()
        record = self._records.get(client)
        limiter = self._make() if record is None else record[0]
        self._records[client] = (limiter, now)
        self._records.move_to_end(client)
        if self._idle is not None:
            self._forget(now - self._idle)
        return limiter.admit(client)

    def _forget(self, last_used: float) -> None:
        """Drop the records that were not used since; the one just used stays in any case."""
        while len(self._records) > 1:
            client, (_, used) = next(iter(self._records.items()))
            if used > last_used:
                return
            del self._records[client]

    def __len__(self) -> int:
        return len(self._records)
