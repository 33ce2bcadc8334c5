"""Objects that pile up in no growing container: what is said of them where no one object holds them all."""

from __future__ import annotations

from leakbench.child.graph import Graph
from leakbench.child.strays import Strays


class Stray:
    """What piles up."""


def graph_of(*families: list[Stray]) -> Graph:
    """A walk's outcome in which each family hangs on a root of its own."""
    graph = Graph()
    for family in families:
        root_index = len(graph.nodes)
        graph.nodes.append(family)
        graph.parents.append(-1)
        for each in family:
            graph.index_by_id[id(each)] = len(graph.nodes)
            graph.nodes.append(each)
            graph.parents.append(root_index)
    return graph


def test_objects_on_several_roots_have_no_one_holder() -> None:
    families = [Stray() for _ in range(32)], [Stray() for _ in range(32)]
    strays = Strays([*families[0], *families[1]], steps=64, total_bytes=6_400, shared=set())
    said = strays.record(graph_of(*families))
    assert said is not None
    assert said["path"] is None
    assert said["chain"][0] == "several roots"
    assert said["deep_bytes_per_entry"] == 100
