"""What a container's newest entries weigh, without what they share with older objects."""

from __future__ import annotations

import gc

from leakbench.child.census import MODULE, entry_count, shallow_bytes, type_mro, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

SAMPLE_ENTRIES = 64
_WALK_CAP = 200_000
_WEIGHTLESS_IDS = frozenset(map(id, (MODULE, type(None), bool)))


def newest_entries(container: Any, count: int, shared: set[int]) -> list[object]:
    """The entries added last: keys and values, elements, referents.

    A set keeps no order: of its members those that are not in `shared`.
    """
    mro = type_mro(type(container))
    try:
        for base in mro:
            if base is dict:
                pairs = list(dict.items(container))
                return [each for pair in pairs[-count:] for each in pair]
            if base is list:
                return list(list.__getitem__(container, slice(-count, None)))
            if base is set:
                members = set.__iter__(container)
                return [each for each in members if id(each) not in shared][-count:]
            if base is bytearray:
                return []
    except RuntimeError:  # another thread changed its size meanwhile
        return []
    return gc.get_referents(container)[-count:]


def walk_bytes(starts: Iterable[object], shared: set[int], seen: set[int]) -> int:
    """Bytes of everything reached from `starts` that is not in `shared`; adds what it met to `seen`.

    What is old and untracked (a constant string) is counted once: with a sample of entries, next to nothing.
    """
    total_bytes = 0
    pending = [each for each in starts if id(each) not in shared and id(each) not in seen]
    most = len(seen) + _WALK_CAP
    while pending and len(seen) < most:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if id(type(each)) in _WEIGHTLESS_IDS:
            continue
        total_bytes += shallow_bytes(each)
        for child in gc.get_referents(each):
            if id(child) not in shared and id(child) not in seen:
                pending.append(child)  # noqa: PERF401  # `seen` changes as the walk goes on
    return total_bytes


def bytes_per_entry(container: object, owner: object, shared: set[int]) -> float:
    """Mean bytes of one of the newest entries, its share of the container's own table included.

    `owner` is the cache around the container, or the container again.
    """
    entries = max(entry_count(container), 1)
    table_bytes = shallow_bytes(container) / entries
    links = _lru_links(owner, container, entries)
    if links is not None:
        table_bytes += _LRU_LINK_BYTES
        everything, per_entry = links, len(links) // entries
    else:
        everything = newest_entries(container, entries, shared)
        per_entry = 2 if any(base is dict for base in type_mro(type(container))) else 1
    sample = everything[-per_entry * SAMPLE_ENTRIES :]
    if not sample:
        return table_bytes
    # Entries may be linked to each other: a walk from some must not count the others.
    seen = {id(container), id(owner), *map(id, everything[: -len(sample)])}
    return table_bytes + walk_bytes(sample, shared, seen) / (len(sample) / per_entry)


_LRU_LINK_BYTES = 56  # functools._lru_list_elem.__basicsize__ on 64-bit builds; Modules/_functoolsmodule.c


def _lru_links(owner: object, container: object, entries: int) -> list[object] | None:
    """Keys and results of a bounded lru_cache, oldest first; its dict does not refer to them.

    The wrapper reports its links, oldest first, right before its dict; None for anything else.
    """
    if owner is container or type_name(type(owner)) != "_lru_cache_wrapper":
        return None
    referents = gc.get_referents(owner)
    end = next((index for index, each in enumerate(referents) if each is container), 0)
    references_per_link = end // max(entries, 1)
    if not references_per_link:
        return None
    links = referents[max(0, end - references_per_link * entries) : end]
    return [each for each in links if type_name(type(each)) != "type" or type_name(each) != "_lru_list_elem"]
