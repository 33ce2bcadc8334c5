"""`leakbench.check` for scripts: the same answer as `leakbench check` gives, as a value."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from leakbench.checking import Launch, UnusableTargetError, Wish, examine, growth_cap_bytes
from leakbench.errors import LeakbenchError
from leakbench.units import parse_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakbench.verdict import Verdict

_CHILDS_ENTRY = "leakbench.child.main"
_WAY_OUT = "name it at the top of a module, or check it in a pytest test by the fixture leak_check"


class Options(TypedDict, total=False):
    """What may be said beside the step, to `check`, to the fixture and to the marker alike."""

    budget_seconds: float
    """Most time to climb; 5 by default."""
    steps: int | None
    """Climb exactly so far, whatever time it takes: for CI."""
    limit: int | str | None
    """Bytes, or "512MiB": a cache that fills beyond it is a leak."""
    only_verdict: bool
    """Leave out the site and the holder."""
    growth_cap: int | str | None
    """End the climb where memory has grown so far, and judge what was seen; None: 256 MiB."""
    memory_cap: int | str | None
    """Most resident memory of a child; half of what is available by default."""
    request: str | None
    """The request to send, where the step is a web application: "GET /path", or "GET /path 404"."""
    deadline_seconds: float
    """Most time for one step to return; 20 by default."""


def check(step: Callable[..., Any] | str, **options: Unpack[Options]) -> Verdict:
    """Check a step in fresh processes: "file.py::name", "package.module:name", or a callable they can import.

    Raises UnusableTargetError, TargetFailedError where the step itself fails, and BadSizeError. A script that
    checks a function of its own is imported by those processes: it calls this under
    ``if __name__ == "__main__"``.
    """
    if _CHILDS_ENTRY in sys.modules:
        raise LeakbenchError(
            "leakbench.check was called in a measured process, which imports the script to find the step:"
            ' put the call under `if __name__ == "__main__":`'
        )
    if isinstance(step, str):
        return examine(make_wish(step, Launch(), **options))
    if not callable(step):
        raise UnusableTargetError(f"leakbench.check takes a step to call; {step!r} is not callable")
    return examine(make_wish(address(step), Launch(job={"path": tuple(sys.path)}), **options))


def make_wish(target: str, launch: Launch, **options: Unpack[Options]) -> Wish:
    """Read the options. Raises LeakbenchError for one that is unknown or out of its range."""
    unknown = sorted(options.keys() - Options.__annotations__.keys())
    if unknown:
        raise LeakbenchError(f"no option {unknown[0]!r}; there are {', '.join(Options.__annotations__)}")
    budget_seconds, steps = options.get("budget_seconds", 5.0), options.get("steps")
    if budget_seconds <= 0:
        raise LeakbenchError(f"budget_seconds={budget_seconds:g} is out of its range: more than 0")
    deadline_seconds = options.get("deadline_seconds", 20.0)
    if deadline_seconds <= 0:
        raise LeakbenchError(f"deadline_seconds={deadline_seconds:g} is out of its range: more than 0")
    if steps is not None and steps < 1:
        raise LeakbenchError(f"steps={steps} is out of its range: 1 or more")
    return Wish(
        target,
        budget_seconds=budget_seconds,
        steps=steps,
        limit_bytes=_size_bytes(options.get("limit")),
        only_verdict=options.get("only_verdict", False),
        request=options.get("request"),
        growth_cap_bytes=growth_cap_bytes(_size_bytes(options.get("growth_cap"))),
        memory_cap_bytes=_size_bytes(options.get("memory_cap")),
        deadline_seconds=deadline_seconds,
        launch=launch,
    )


def _size_bytes(size: int | str | None) -> int | None:
    return parse_size(size) if isinstance(size, str) else size


def address(step: Callable[..., Any]) -> str:
    """The target by which another process finds this very callable. Raises UnusableTargetError.

    >>> from json import dumps
    >>> address(dumps)
    'json:dumps'
    """
    owner = getattr(step, "__self__", None)
    if owner is None or isinstance(owner, ModuleType):
        return _address(step, step)
    return f"{_address(owner, step)}.{step.__name__}"


def _address(wanted: object, step: object) -> str:
    """Where a module-level name, or a class's attribute, is this very object."""
    home = getattr(wanted, "__module__", None)
    qualified = getattr(wanted, "__qualname__", None)
    if home in sys.modules and qualified is not None and _resolve(sys.modules[home], qualified) is wanted:
        return _target(sys.modules[home], qualified)
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if value is wanted:
                return _target(module, name)
    raise UnusableTargetError(f"{_kind(step)} cannot be found by another process: {_WAY_OUT}")


def _resolve(module: ModuleType, qualified: str) -> object:
    found: object = module
    for part in qualified.split("."):
        found = getattr(found, part, None)
    return found


def _target(module: ModuleType, name: str) -> str:
    spec = getattr(module, "__spec__", None)
    if spec is not None:  # of a script that `python -m` runs, too
        return f"{spec.name}:{name}"
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).is_file():
        raise UnusableTargetError(f"{name} was defined at a prompt, which no other process sees: {_WAY_OUT}")
    return f"{file}::{name}"


def _kind(step: object) -> str:
    name = getattr(step, "__qualname__", None)
    if getattr(step, "__self__", None) is not None:
        return f"{name}, a method of an object that no module names,"
    if name is None:
        return f"an object of type {type(step).__name__} that no module names"
    if "<lambda>" in name:
        return "a lambda that no module names"
    return f"{name}, which lives inside a function," if "<locals>" in name else name
