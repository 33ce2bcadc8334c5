"""Knowing other people's caches without importing their packages."""

from __future__ import annotations

from typing import Any, Final

# The class of each package that all its caches derive from.
_BASES: Final = {"cachetools": "Cache", "cachebox": "BaseCacheImpl"}


def base_in(package: str, thing: object) -> Any | None:
    """The package's base class where `thing` is one of its caches, else None."""
    for base in type(thing).__mro__:
        if base.__module__.partition(".")[0] == package and base.__name__ == _BASES[package]:
            return base
    return None
