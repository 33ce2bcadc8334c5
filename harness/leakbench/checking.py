"""A verdict on anyone's step: what may be asked, and how its children start.

This module imports little: the first child is started before the judge is loaded, and starts meanwhile.
What happens then is in `examination`.
"""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.errors import LeakbenchError
from leakbench.launch import ahead, exact_heap_environ, inherited_environ
from leakbench.spawn import Crew, Limits, Order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakbench.launch import Process
    from leakbench.spawn import Child, Ending
    from leakbench.verdict import Verdict

_SIDE_FACTOR = 4
_SIDE_SECONDS = 30.0
GROWTH_CAP_BYTES = 256 << 20


class UnusableTargetError(LeakbenchError):
    """The target does not exist, does not import, or cannot be called as a step."""


class TargetFailedError(LeakbenchError):
    """The target itself failed: raised, crashed, ran out of memory or time. `seen` says how far it came."""

    def __init__(self, message: str, ending: Ending, seen: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.ending = ending
        self.seen = seen


class Launch(NamedTuple):
    """How a child comes to its target: by the target's name, unless a program of its own gets it there."""

    arguments: tuple[str, ...] | None = None  # the interpreter's
    job: Mapping[str, Any] = {}  # what the child is told beside the target
    folder: str | None = None  # to start in; None: the current one


class Wish(NamedTuple):
    """What to check, and how far to go."""

    target: str
    budget_seconds: float = 5.0
    steps: int | None = None
    limit_bytes: int | None = None  # `filling` is no leak where the ceiling stays below it
    only_verdict: bool = False
    python: str = sys.executable
    request: str | None = None
    deadline_seconds: float = 20.0  # for one step to return; a longer one is taken to hang
    growth_cap_bytes: int = GROWTH_CAP_BYTES  # the climb ends where memory has grown so far
    memory_cap_bytes: int | None = None  # None: half of what is available
    launch: Launch = Launch()


def examine(wish: Wish, *, keep_capture: str | None = None) -> Verdict:
    """Check the target; `keep_capture` names a file to leave memray's capture in.

    Raises UnusableTargetError and TargetFailedError.
    """
    crew = Crew()
    try:
        climber = start(crew, wish, exact_heap_environ(), started=ahead.take())
        from leakbench.examination import Examination

        return Examination(crew, wish, climber, keep_capture).verdict()
    finally:
        crew.kill()


def start(
    crew: Crew,
    wish: Wish,
    environ: Mapping[str, str],
    on_record: Callable[[Child, dict[str, Any]], None] | None = None,
    deadline_seconds: float = math.inf,
    *,
    started: Process | None = None,
) -> Child:
    """Start a child that loads the target and then waits for orders; or give them to one that is up."""
    order = Order(
        job={"probe": "check", "target": wish.target, "request": wish.request, **wish.launch.job},
        environ={**inherited_environ(), **environ},
        python=wish.python,
        flags=(),
        arguments=wish.launch.arguments,
        folder=wish.launch.folder,
        limits=Limits(deadline_seconds, wish.memory_cap_bytes or available_bytes() // 2),
    )
    try:
        return crew.start(order, on_record, started)
    except OSError as error:
        raise UnusableTargetError(f"{wish.python} cannot be started: {error.strerror}") from error


def growth_cap_bytes(wished: int | None) -> int:
    """The growth cap that is wished for, or the usual one. Raises LeakbenchError for one below a byte."""
    if wished is None:
        return GROWTH_CAP_BYTES
    if wished < 1:
        raise LeakbenchError(f"a growth cap of {wished} is out of its range: 1 byte or more")
    return wished


def side_seconds(wish: Wish) -> float:
    """How long a child may take whose failure costs no more than a holder's or a site's name."""
    return _SIDE_SECONDS + _SIDE_FACTOR * wish.budget_seconds


def available_bytes() -> int:
    """Memory that is free or can be made free, by /proc/meminfo; all of the machine's where there is none."""
    try:
        with open("/proc/meminfo", encoding="ascii") as meminfo:  # noqa: PTH123  # pathlib takes 9 ms to import
            for line in meminfo:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return machine_bytes()


def machine_bytes() -> int:
    """All the memory of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
