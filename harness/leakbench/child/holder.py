"""Who holds what grows: the containers whose size follows the steps, and the way to each from a root.

A pass of its own: it runs the step to a few rungs, counts every container at each, and looks for
sizes that double with the octave. Where no container grows but objects do (a linked list, a chain of
exceptions), it names the last thing that all of them hang on. What C code holds is in no census:
then there is no holder, or one with no path.
"""

from __future__ import annotations

import gc
import time
from math import inf

from leakbench.child.caches import readers
from leakbench.child.census import ATEXIT_ID, OBJECTS_CAP, entry_count, find_objects, size_of
from leakbench.child.climb import Climb
from leakbench.child.graph import root_groups, walk
from leakbench.child.naming import path_to, subclasses_of, type_label
from leakbench.child.owners import SHELLS, bound_hint, find_owner
from leakbench.child.records import gathered, make_record, shared_out
from leakbench.child.strays import find_strays
from leakbench.child.swell import find_swelling, is_replaced, value_at, value_entries
from leakbench.child.weigh import bytes_per_entry, newest_entries, walk_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from leakbench.child.caches import Bound
    from leakbench.child.graph import Graph
    from leakbench.child.records import Record

    Step = Callable[[int], object]

_MOST_CANDIDATES = 64  # the largest growth is looked at; a leak over more containers shows as one pattern
_ATEXIT_ENTRY_BYTES = 40  # one atexit_callback (3 or 4 pointers) and its slot; Modules/atexitmodule.c
_REGISTRIES = ("weakref.finalize._registry", "gc.callbacks", "sys.modules", "threading._active")


def search(
    step: Step,
    first_step: int = 0,
    rungs: Sequence[int] | None = None,
    roots: Mapping[str, object] | None = None,
    *,
    budget_seconds: float = 1.0,
    heap_bytes: Callable[[], int] | None = None,
    objects_cap: int = OBJECTS_CAP,
    growth_cap_bytes: float = inf,
) -> Record:
    """Run ``step(first_step)``, … and find what holds the growth; what the step raises is let through.

    `rungs`: three or more numbers of steps at which to count; by default chosen by the step's time and
    carried on until growth is clear, `budget_seconds` are spent or the heap has grown by `growth_cap_bytes`.
    `roots`: names of module dicts that go by another name than in sys.modules, such as a target that was
    loaded from a file. `heap_bytes`: reads the live heap; shares are then of its growth, else of what was
    found.

    Returns plain data: ``holders`` (largest share first), ``steps`` run, ``seconds``, ``capped`` (there
    were more than `objects_cap` objects, so something may have been missed).
    """
    started = time.perf_counter()
    climb = Climb(budget_seconds, heap_bytes, objects_cap, growth_cap_bytes)
    climb.to(step, first_step, rungs)
    pass_ = _Pass(climb, root_groups(step, roots))
    holders = pass_.containers_and_strays()
    steps = climb.steps_done
    if not holders and climb.heap_may_grow():
        octave_steps = climb.censuses[0].steps if rungs else climb.base_steps
        holders = pass_.swelling(step, first_step + steps, octave_steps)
        steps += 4 * octave_steps
    return {
        "holders": shared_out(gathered(holders), climb.heap_bytes_per_step()),
        "steps": steps,
        "seconds": time.perf_counter() - started,
        "capped": pass_.capped or climb.censuses[-1].capped,
    }


class _Pass:
    """One look at the process after the climb."""

    def __init__(self, climb: Climb, groups: list[list[Any]]) -> None:
        self.climb = climb
        self.groups = groups
        self.shared = climb.censuses[0].ids  # objects older than the growth
        self.by_reader = readers()
        self.capped = False

    def _walk(self, targets: set[int]) -> Graph:
        graph = walk(self.groups, targets, self.climb.objects_cap)
        self.capped = self.capped or graph.capped
        return graph

    def containers_and_strays(self) -> list[Record]:
        """Records of the containers that grow, and of the objects that pile up elsewhere."""
        rates = self.climb.growing()
        first, last = self.climb.censuses[0], self.climb.censuses[-1]
        found = find_objects(set(rates), self.climb.objects_cap)
        shortlist = {}
        for identity in sorted(rates, key=rates.__getitem__, reverse=True):
            # an lru_cache reports its links; its dict, one entry each, stands for it
            if identity in found and type_label(type(found[identity])) != "functools.lru_cache":
                shortlist[identity] = found[identity]
            if len(shortlist) == _MOST_CANDIDATES:
                break
        seen: set[int] = set()
        for identity in set(found) - set(shortlist):  # what an lru_cache's links refer to, its dict does not
            walk_bytes(gc.get_referents(found[identity]), self.shared, seen)
        found.clear()
        for identity, container in shortlist.items():
            count = int(rates[identity] * (self.climb.steps_done - first.steps)) + 1
            walk_bytes(newest_entries(container, count, self.shared), self.shared, seen)
        strays = find_strays(self.climb, seen)
        targets = set(shortlist) | {id(each) for each in strays.sample}
        graph = self._walk(targets) if targets else None
        holders: list[Record] = []
        if graph is not None:
            holders = self._records(graph, shortlist, rates)
        stray = strays.record(graph) if graph is not None else None
        opaque = [each for each in holders if each["opaque"]]
        if opaque and stray is not None and stray["path"] is None:
            # what no root reaches is in the cache that hides its entries
            held_bytes = stray["objects_per_step"] * stray["deep_bytes_per_entry"]
            opaque[0]["deep_bytes_per_entry"] += held_bytes / opaque[0]["entries_per_step"]
        elif ATEXIT_ID in rates:
            holders.append(_atexit_record(last.sizes[ATEXIT_ID], rates[ATEXIT_ID], stray))
        elif stray is not None and stray["path"] not in [each["path"] for each in holders]:
            holders.append(make_record(**stray))
        return holders

    def _records(
        self, graph: Graph, containers: Mapping[int, object], rates: Mapping[int, float]
    ) -> list[Record]:
        """One record for each container, or for each cache that is made of several."""
        by_owner: dict[int, Record] = {}
        parts: dict[int, float] = {}  # of the owner's entries that the containers have: 2 for table and order
        for identity, container in containers.items():
            owner = find_owner(graph, container, self.by_reader)
            record = self._record(graph, container, owner, rates[identity])
            known = by_owner.setdefault(id(owner), record)
            if known is not record:
                known["deep_bytes_per_entry"] += record["deep_bytes_per_entry"]
                known["entries_per_step"] += record["entries_per_step"]
            part = max(entry_count(container), 1) / max(record["entries"], 1)
            parts[id(owner)] = parts.get(id(owner), 0.0) + (part if part < 1 else round(part))
        return [
            {**record, "entries_per_step": record["entries_per_step"] / parts[owner_id]}
            for owner_id, record in by_owner.items()
        ]

    def _record(self, graph: Graph, container: object, owner: object, rate: float) -> Record:
        """All that is to be said of one growing container, its share excepted."""
        reader = self.by_reader.get(id(type(owner)))
        bound: Bound | None = reader(owner) if reader is not None else None
        inner_entries = max(entry_count(container), 1)
        entries = bound.entries if bound is not None else inner_entries
        sizes_per_entry = max(1, round(size_of(container) / inner_entries))  # dict subclasses count twice
        part = inner_entries / max(entries, 1)  # of the owner's entries: less than 1 in a shard
        path = path_to(graph, id(owner))
        label = type_label(type(owner))
        text, root, chain = None, "unknown", []
        weak = label in SHELLS
        if path is None:
            text = subclasses_of(container)
            weak = text is not None
            chain = _referrers_up(container, self.shared)
        else:
            text, root, chain = path.text, path.root, path.chain
            if label == "functools.lru_cache":
                text, root = f"{text}.cache_info()", "lru_cache"
            elif text.startswith(_REGISTRIES):
                root = "registry"
        return make_record(
            path=text,
            type=label,
            entries=entries,
            entries_per_step=rate / sizes_per_entry,
            deep_bytes_per_entry=bytes_per_entry(container, owner, self.shared) * part,
            opaque=bound is not None and not gc.get_referents(container),
            bound=bound.maximum if bound is not None else None,
            bound_counts_entries=bound is not None and bound.counts_entries,
            bound_hint=bound_hint(graph, container) if bound is None else None,
            allow_listed=bound is not None and bound.maximum is not None,
            root=root,
            chain=chain,
            weak=weak,
        )

    def swelling(self, step: Step, first_step: int, octave_steps: int) -> list[Record]:
        """Records of values that grow by being replaced; runs the step on."""
        rates = find_swelling(step, first_step, octave_steps, self.climb.objects_cap)
        found = find_objects({identity for identity, _ in rates}, self.climb.objects_cap)
        graph = self._walk(set(found))
        holders = []
        for (identity, position), entries_per_step in rates.items():
            value = value_at(found.get(identity), position)
            path = path_to(graph, identity, (value,))
            if path is None or not is_replaced(value):
                continue
            entries = max(value_entries(value), 1)
            holders.append(
                make_record(
                    path=path.text,
                    type=type_label(type(value)),
                    entries=entries,
                    entries_per_step=entries_per_step,
                    deep_bytes_per_entry=bytes_per_entry(value, value, self.shared),
                    root=path.root,
                    chain=[*path.chain, "replaced by a larger one at each growth"],
                )
            )
        return holders


def _atexit_record(entries: int, rate: float, stray: Record | None) -> Record:
    """The registry of exit functions, and with it the unreachable objects that it alone can hold."""
    held_bytes = 0.0
    if stray is not None and stray["path"] is None:
        held_bytes = stray["objects_per_step"] * stray["deep_bytes_per_entry"] / rate
    return make_record(
        path="atexit callbacks",
        type="atexit registry",
        entries=entries,
        entries_per_step=rate,
        deep_bytes_per_entry=_ATEXIT_ENTRY_BYTES + held_bytes,
        root="registry",
        chain=["module atexit", "its registered functions, a C array"],
    )


def _referrers_up(container: object, shared: set[int], links: int = 8) -> list[str]:
    """Types of what refers to a container that no root reaches, the container last."""
    chain = [type_label(type(container))]
    seen = {id(container)}
    current = container
    for _ in range(links):
        referrers = gc.get_referrers(current)
        upper = [each for each in referrers if id(each) in shared and id(each) not in seen]
        del referrers
        if not upper:
            break
        current = upper[0]
        chain.append(type_label(type(current)))
        seen.add(id(current))
    return ["C code (no root reaches it)", *reversed(chain)]
