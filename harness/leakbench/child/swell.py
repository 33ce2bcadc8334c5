"""What grows by being replaced: a string or tuple that is added to, a dict that is copied on each write.

No container keeps its identity then, so the sizes are summed by who holds them.
"""

from __future__ import annotations

import gc
import sys

from leakbench.child.climb import is_proportional

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_REPLACED_IDS = frozenset(map(id, (str, bytes, tuple, frozenset, int, dict, list, set)))
_LEAST_BYTES = 256  # a value below that is not looked at: all the short strings of a program are


def held_entries(objects_cap: int) -> dict[tuple[int, int], int]:
    """Length of each large builtin value, by its holder's identity and its place among what that refers to.

    Lengths rather than bytes: a table that is copied grows in jumps. An int's length is its bytes.
    """
    objects = gc.get_objects()
    del objects[objects_cap:]
    referents = gc.get_referents(*objects)
    objects += [each for each in referents if type(each) is dict and not gc.is_tracked(each)]
    own = {id(objects), id(referents)}
    del referents
    get_referents, getsizeof, replaced_ids = gc.get_referents, sys.getsizeof, _REPLACED_IDS
    held = {}
    for each in objects:
        for position, child in enumerate(get_referents(each)):
            if id(type(child)) in replaced_ids and getsizeof(child) >= _LEAST_BYTES and id(child) not in own:
                held[id(each), position] = value_entries(child)
    return held


def find_swelling(
    step: Callable[[int], object], first_step: int, octave_steps: int, objects_cap: int
) -> dict[tuple[int, int], float]:
    """Entries a step of each value that grows in proportion, by holder and place; runs 4 × `octave_steps`."""
    readings: list[dict[tuple[int, int], int]] = []
    done = 0
    for steps in (octave_steps, 2 * octave_steps, 4 * octave_steps):
        for i in range(first_step + done, first_step + steps):
            step(i)
        done = steps
        gc.collect()
        readings.append(held_entries(objects_cap))
    first, middle, last = readings
    own = {id(readings)}
    return {
        key: (size - first[key]) / (3 * octave_steps)
        for key, size in last.items()
        if key in first
        and key in middle
        and key[0] not in own
        and is_proportional(first[key], middle[key], size)
    }


def is_replaced(value: object) -> bool:
    """Whether it is of a kind that is looked at here: what lies at a place later may be another thing."""
    return id(type(value)) in _REPLACED_IDS


def value_entries(value: Any) -> int:
    """Length of a builtin value; of an int its bytes."""
    return sys.getsizeof(value) if type(value) is int else len(value)


def value_at(holder: object, position: int) -> object:
    """The value at a place among what a holder refers to; None if it is gone."""
    referents = gc.get_referents(holder)
    return referents[position] if position < len(referents) else None
