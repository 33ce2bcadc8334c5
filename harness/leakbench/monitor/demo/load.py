"""People who log in, look around, and mostly log out again."""

from __future__ import annotations

import http.client
import random
import threading
from collections import deque
from typing import Final

_VANISH: Final = 0.2  # of those who log in, so many never log out
_LOGGED_IN: Final = 100  # before the first of them leaves
_REQUEST_TIMEOUT_SECONDS: Final = 10


class Load:
    """Three requests every `pause_seconds` to a service, until stop(). `failure` says why it ended early."""

    def __init__(self, port: int, *, pause_seconds: float, seed: int = 1) -> None:
        self.failure: Exception | None = None
        self._port = port
        self._pause_seconds = pause_seconds
        self._random = random.Random(seed)  # noqa: S311 - the same people each time
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        service = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_REQUEST_TIMEOUT_SECONDS)
        inside: deque[str] = deque()
        try:
            while not self._stopping.wait(self._pause_seconds):
                inside.append(_ask(service, f"/login/u{self._random.randrange(1_000)}"))
                _ask(service, f"/user/{self._random.choice(inside)}")
                if len(inside) > _LOGGED_IN:
                    leaving = inside.popleft()
                    if self._random.random() >= _VANISH:
                        _ask(service, f"/logout/{leaving}")
        except (OSError, http.client.HTTPException) as error:
            self.failure = error
        finally:
            service.close()


def _ask(service: http.client.HTTPConnection, path: str) -> str:
    service.request("GET", path)
    return service.getresponse().read().decode()
