"""Objects that pile up in no growing container: chains, and what C code keeps."""

from __future__ import annotations

import gc

from leakbench.child.census import builtin_length
from leakbench.child.naming import path_to, type_label
from leakbench.child.weigh import walk_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from leakbench.child.climb import Climb
    from leakbench.child.graph import Graph

_SAMPLE = 64
_LEAST_SHARE = 0.25  # of the growing types' new objects: below, they belong to a container found already
_HEADS_SHARE = 0.1  # of all: a chain of any length has one head, which says little
_COVERED_SHARE = 0.9  # of the sample that must hang on one object for it to be called the holder
_CHAIN_LINKS = 8
_CHAIN_TYPES = 3  # nodes of one type, one behind the other, that make a chain


class Strays:
    """New objects that no growing container explains."""

    __slots__ = ("bytes_per_step", "count", "links", "per_step", "sample", "shared")

    def __init__(self, of_type: list[object], steps: int, total_bytes: int, shared: set[int]) -> None:
        self.shared = shared  # ids of what is older than they are
        self.count = len(of_type)  # objects of one type, the commonest
        self.sample = of_type[:: max(1, self.count // _SAMPLE)][:_SAMPLE]
        self.links = _links_from(self.sample[-1], shared) if of_type else []  # types from one of them on
        self.per_step = self.count / steps
        self.bytes_per_step = total_bytes / steps  # of all, not of that type alone

    def record(self, graph: Graph) -> dict[str, Any] | None:
        """The last object on which nearly all of them hang, and the chain from there; None without strays."""
        if not self.sample:
            return None
        ways = [way for way in (graph.way_to(id(each)) for each in self.sample) if way]
        text, root, links = None, "unknown", self.links
        label = kind = self.links[0]
        length = None
        entries = self.count
        chain = ["C code (no root reaches them)"]
        holder_index = None
        if len(ways) >= _COVERED_SHARE * len(self.sample):
            holder_index = _holder_index(graph, ways, self.shared)
            chain = chain if holder_index is not None else ["several roots"]
        if holder_index is not None:
            holder = graph.nodes[holder_index]
            path = path_to(graph, id(holder))
            if path is not None:
                text, root, chain = path.text, path.root, path.chain
                kind, length = type_label(type(holder)), builtin_length(holder)
                entries = self.count if length is None else length
            longest = max(ways, key=len)
            onward = longest[longest.index(holder_index) + 1 :] if holder_index in longest else longest
            links = [type_label(type(graph.nodes[index])) for index in onward[:_CHAIN_LINKS]]
        return {
            "path": text,
            "type": kind,
            "entries": entries,
            "objects_per_step": self.per_step,
            "deep_bytes_per_entry": self.bytes_per_step / self.per_step,
            "turns_over": length is not None,
            "root": root,
            "chain": [*chain, f"no growing container: {self.per_step:.4g} more {label} a step", *links],
        }


def find_strays(climb: Climb, explained: set[int]) -> Strays:
    """New objects of growing types, without those in `explained` (reached from growing containers)."""
    rates = climb.growing_types()
    first = climb.censuses[0]
    steps = climb.steps_done - first.steps
    if not rates:
        return Strays([], steps, 0, first.ids)
    objects = gc.get_objects()
    del objects[climb.objects_cap :]
    fresh = [
        each
        for each in objects
        if id(type(each)) in rates and id(each) not in first.ids and id(each) not in explained
    ]
    del objects
    if len(fresh) < _LEAST_SHARE * sum(rates.values()) * steps:
        return Strays([], steps, 0, first.ids)
    of_type = _commonest(_heads(fresh)) or _commonest(fresh)
    total_bytes = walk_bytes(fresh, first.ids, {id(fresh), id(of_type)})
    return Strays(of_type, steps, total_bytes, first.ids)


def _heads(fresh: list[object]) -> list[object]:
    """The objects to which no other of them refers, if they are enough to stand for all."""
    referred = set(map(id, gc.get_referents(*fresh)))
    heads = [each for each in fresh if id(each) not in referred]
    return heads if len(heads) >= _HEADS_SHARE * len(fresh) else []


def _commonest(objects: list[object]) -> list[object]:
    """The objects of the type that most of them have."""
    by_type: dict[int, list[object]] = {}
    for each in objects:
        by_type.setdefault(id(type(each)), []).append(each)
    return max(by_type.values(), key=len, default=[])


def _holder_index(graph: Graph, ways: list[list[int]], shared: set[int]) -> int | None:
    """Index of the deepest old node that nearly all ways pass, or of the one new node right on it.

    None where they have nothing in common, not even the root that they begin at.

    A linked list's old node is the module that holds its head: the new head is what people look for.
    One that is added to at its tail has many old nodes: the first of the chain stands for them.
    """
    passed: dict[int, int] = {}
    for way in ways:
        for index in way:
            passed[index] = passed.get(index, 0) + 1
    enough = _COVERED_SHARE * len(ways)
    common = [index for index in max(ways, key=len) if passed[index] >= enough]
    if not common:
        return None
    holder = common[0]
    for index in common:
        holder = index
        if id(graph.nodes[index]) not in shared:
            break
    upward = [index for index in reversed(common) if index <= holder]
    # up to 3.10 every other link is an instance's dict
    link = next((index for index in upward if type(graph.nodes[index]) is not dict), holder)
    kind = type(graph.nodes[link])
    links = [index for index in upward if type(graph.nodes[index]) is kind]
    return links[-1] if kind is not dict and len(links) >= _CHAIN_TYPES else holder


def _links_from(start: object, shared: set[int]) -> list[str]:
    """Types on the way from one stray on, through objects that are new like itself."""
    links = [type_label(type(start))]
    seen = {id(start)}
    current = start
    while len(links) < _CHAIN_LINKS:
        onward = [
            each
            for each in gc.get_referents(current)
            if gc.is_tracked(each) and id(each) not in shared and id(each) not in seen
        ]
        if not onward:
            break
        current = onward[0]
        seen.add(id(current))
        links.append(type_label(type(current)))
    return links
