"""What may be wrapped, and whether it can be counted without a lock."""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import Any

from leakbench.monitor.errors import MonitorError


def counts_without_lock(wrapped: object) -> bool:
    """Whether each change of it is one call into C under the GIL: subclasses may do anything."""
    has_gil: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
    return has_gil and (wrapped is None or type(wrapped) in (dict, OrderedDict))


def checked_mapping(wrapped: Any) -> Any:
    duties = (
        "__getitem__",
        "__setitem__",
        "__delitem__",
        "__iter__",
        "__len__",
        "__contains__",
        "setdefault",
    )
    lacking = [duty for duty in duties if not hasattr(type(wrapped), duty)]
    if lacking:
        raise MonitorError(
            f"{type(wrapped).__name__!r} is no mutable mapping (it lacks {', '.join(lacking)}): MonitoredMap "
            f"wraps maps; lru_cache functions and deques are watched by monitored(thing, name=…)"
        )
    return wrapped
