"""The session map of the article (section 2.2), leaking and mended, on a MonitoredMap."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import NamedTuple

from leakbench.monitor.mapping import MonitoredMap

PAYLOAD_BYTES = 256
MITIGATIONS = ("none", "remove-and-expire")


class Session(NamedTuple):
    """One login; the payload gives it the weight of the article's."""

    user: str
    payload: bytes


class Sessions:
    """Who is logged in. With `none` a session is never removed; else at logout, or when it has expired."""

    def __init__(self, mitigation: str, life_seconds: float) -> None:
        if mitigation not in MITIGATIONS:
            raise ValueError(f"no mitigation {mitigation!r} here: {' or '.join(MITIGATIONS)}")
        self._mended = mitigation != "none"
        self._life_seconds = life_seconds
        self._map: MonitoredMap[int, Session] = MonitoredMap(name="sessions")
        self._expiry: deque[tuple[float, int]] = deque()  # in the order of time, as all live equally long
        self._lock = threading.Lock()
        self._serial = 0

    def login(self, user: str) -> int:
        with self._lock:
            self._serial += 1
            number = self._serial
            self._map[number] = Session(user, bytes(PAYLOAD_BYTES))
            if self._mended:
                self._expiry.append((time.monotonic() + self._life_seconds, number))
                self._expire()
        return number

    def user(self, number: int) -> str | None:
        session: Session | None = self._map.get(number)
        return None if session is None else session.user

    def logout(self, number: int) -> None:
        if self._mended:
            self._map.pop(number, None)

    def _expire(self) -> None:
        now = time.monotonic()
        while self._expiry and self._expiry[0][0] <= now:
            self._map.pop(self._expiry.popleft()[1], None)
