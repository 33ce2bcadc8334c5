"""Known leaks: tests that may leak until a day, each with its reason. Pure."""

from __future__ import annotations

import re
from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from leakbench.errors import LeakbenchError

if TYPE_CHECKING:
    from collections.abc import Iterable

_ENTRY = re.compile(r"(?P<tests>\S.*?)\s+until\s+(?P<until>\S+?):\s+(?P<reason>\S.*)", re.DOTALL)
_FORM = "write 'tests/test_pool.py::test_* until 2027-06-30: why it leaks'"


class KnownLeak(NamedTuple):
    """An entry: tests by a pattern of node ids, and the last day (UTC) on which they may leak."""

    tests: str
    until: date
    reason: str

    def covers(self, node_id: str) -> bool:
        """Whether the pattern fits: * and ? are wild, the brackets of a parametrised test are themselves."""
        return fnmatchcase(node_id, self.tests.replace("[", "[[]"))

    def has_expired(self, today: date) -> bool:
        return today > self.until


def parse(entries: Iterable[str]) -> tuple[KnownLeak, ...]:
    """Read `NODEID-PATTERN until YYYY-MM-DD: REASON`, a line each. Raises LeakbenchError."""
    return tuple(_parse(entry.strip()) for entry in entries if entry.strip())


def _parse(entry: str) -> KnownLeak:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise LeakbenchError(f"{entry!r} is no known leak: {_FORM}")
    try:
        until = date.fromisoformat(found["until"])
    except ValueError:
        raise LeakbenchError(f"{found['until']!r} in {entry!r} is no date: {_FORM}") from None
    return KnownLeak(found["tests"], until, found["reason"])


def find(known: Iterable[KnownLeak], node_id: str) -> KnownLeak | None:
    """The entry that excuses a test longest, if there is one."""
    return max((leak for leak in known if leak.covers(node_id)), key=lambda leak: leak.until, default=None)
