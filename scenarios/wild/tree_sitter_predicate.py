"""tree-sitter's bindings leak what a query's own predicate is shown.

Mechanism: a query with a predicate in Python calls it with a dict of captures, made anew for each match, in C
that does not release the dict: with it stay the lists and nodes in it. Open in tree-sitter 0.26.1; the lists'
own extra reference is py-tree-sitter#467.

Who retains: nobody that Python could see. The collector knows the dicts, and no root leads to them.

Each step runs a query with one predicate over a document with two matches. All its probes run on malloc: on
CPython's own allocator, freeing a cursor that was made before memray traces aborts the process.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PACKAGES = ("tree-sitter==0.26.1", "tree-sitter-json==0.24.8")
ENVIRON = {"PYTHONMALLOC": "malloc"}
SCENARIO = published(
    "wild-tree-sitter-predicate", title="tree-sitter: captures shown to a predicate stay", quick_steps=8_192
)


def accept(_name: str, _arguments: object, _pattern: int, _captures: object) -> bool:
    return True


def numbers(condition: str) -> "tuple[Any, Any]":
    """A query for the numbers in a document, under a condition, and the root of that document."""
    import tree_sitter_json
    from tree_sitter import Language, Parser, Query

    language = Language(tree_sitter_json.language())
    tree = Parser(language).parse(b'{"k": [1, 2]}')
    return Query(language, f"((number) @n {condition})"), tree.root_node


@SCENARIO.mitigation(
    "none", verdict="leak", packages=PACKAGES, requires=("tree_sitter", "tree_sitter_json"), holder="native",
    summary="tree-sitter 0.26.1: a predicate in Python", environ=ENVIRON,
)  # fmt: skip
def ask_predicate() -> "Callable[[int], object]":
    from tree_sitter import QueryCursor

    query, root = numbers("(#accepted? @n)")
    return lambda _i: QueryCursor(query).captures(root, accept)


@SCENARIO.mitigation(
    "workaround", verdict="steady", packages=PACKAGES, requires=("tree_sitter", "tree_sitter_json"),
    summary="captures are sifted after the query", cost="the query no longer says all", environ=ENVIRON,
)  # fmt: skip
def sift_captures() -> "Callable[[int], object]":
    from tree_sitter import QueryCursor

    query, root = numbers("")

    def step(_i: int) -> list[object]:
        found = QueryCursor(query).captures(root)
        return [node for node in found["n"] if accept("accepted?", node, 0, found)]

    return step
