"""Whether a holder that was found is the one that a scenario's author knows."""

from __future__ import annotations

import re

NATIVE = "native"
"""What a scenario declares where no Python object holds what leaks: C code, or a count that is too high."""

UNNAMED = {
    NATIVE: "C code, or what grows too rarely to be seen",
    "cycles": "nobody: gc.disable() leaves cycles uncollected",
}
"""What is said of a holder without a path, by its type."""


def is_known(found_path: str | None, known: str) -> bool:
    """Whether a holder's path is the known one, or ends in it; native ones have no path.

    A variable of a closure goes by its name alone: ``make.<locals> cell 'jar'._cookies`` is ``jar._cookies``.
    """
    if known == NATIVE or found_path is None:
        return known == NATIVE and found_path is None
    named = re.sub(r"<locals> cell '(\w+)'", r"\1", found_path)
    return named == known or named.endswith("." + known)
