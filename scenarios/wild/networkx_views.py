"""A graph's views refer to the graph, which caches them: a cycle each, which the collector frees.

Mechanism: ``g.nodes``, ``g.edges`` and ``g.adj`` are cached on the graph and hold it in turn. Memory falls
only when the collector runs.

Each step makes a path of five nodes and looks at its views.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-networkx-views", title="networkx: a graph and its cached views are a cycle")


@SCENARIO.mitigation(
    "none", verdict="steady", packages=("networkx==3.6.1",), requires=("networkx",),
    summary="networkx 3.6.1: collected",
)  # fmt: skip
def look_at_views() -> "Callable[[int], object]":
    import networkx as nx

    def step(_i: int) -> object:
        graph = nx.path_graph(5)
        return graph.nodes, graph.edges, graph.adj

    return step
