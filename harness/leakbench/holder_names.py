"""Whether a holder that was found is the one that a scenario's author knows."""

from __future__ import annotations

import re

NATIVE = "native"
"""What a scenario declares where no Python object holds what leaks: C code, or a count that is too high."""


def is_known(found_path: str | None, known: str) -> bool:
    """Whether a holder's path is the known one, or ends in it; native ones have no path.

    A variable of a closure goes by its name alone: ``make.<locals> cell 'jar'._cookies`` is ``jar._cookies``.
    """
    if known == NATIVE or found_path is None:
        return known == NATIVE and found_path is None
    named = re.sub(r"<locals> cell '(\w+)'", r"\1", found_path)
    return named == known or named.endswith("." + known)
