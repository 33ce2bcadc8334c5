"""The person's own source as a syntax tree: the function of a code object, what binds a name.

`ast` is imported where there is a line to look at: the child imports almost nothing before.
"""

import linecache
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any

_ASKS_WHAT_IT_IS = frozenset({"callable", "getattr", "hasattr", "isinstance", "issubclass", "type"})
_trees: "dict[str, Any]" = {}


def tree_of(file: str) -> "Any":
    """The syntax tree of a file, empty where there is none; None where it is no Python."""
    import ast

    if file not in _trees:
        try:
            _trees[file] = ast.parse("".join(linecache.getlines(file)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            _trees[file] = None
    return _trees[file]


_functions: "dict[str, dict[tuple[str, int], tuple[Any, str | None]]]" = {}


def function_at(code: "CodeType") -> "Any":
    """The syntax tree of a function, or None where its source is not to be had."""
    return _function_and_class(code)[0]


_nodes: "dict[CodeType, list[Any]]" = {}
_branches: "dict[str, list[Any]]" = {}


def nodes_of(code: "CodeType") -> "list[Any]":
    """All nodes of a function's tree; none where its source is not to be had."""
    import ast

    if code not in _nodes:
        function = function_at(code)
        _nodes[code] = [] if function is None else list(ast.walk(function))
    return _nodes[code]


def branches_of(file: str) -> "list[Any]":
    """All that a file decides by a test."""
    import ast

    if file not in _branches:
        tree = tree_of(file)
        nodes = ast.walk(tree) if tree is not None else ()
        _branches[file] = [node for node in nodes if isinstance(node, (ast.If, ast.While, ast.IfExp))]
    return _branches[file]


def class_of(code: "CodeType") -> "str | None":
    """The name of the class whose method it is, or None."""
    return _function_and_class(code)[1]


def _function_and_class(code: "CodeType") -> "tuple[Any, str | None]":
    import ast

    if code.co_filename not in _functions:
        found = _functions[code.co_filename] = {}
        tree = tree_of(code.co_filename)
        for outer in ast.walk(tree) if tree is not None else ():
            owner = outer.name if isinstance(outer, ast.ClassDef) else None
            for node in ast.iter_child_nodes(outer):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    for line in (node.lineno, *(each.lineno for each in node.decorator_list)):
                        found[node.name, line] = (node, owner)
    return _functions[code.co_filename].get((code.co_name, code.co_firstlineno), (None, None))


def conditions(node: "Any", around: "dict[Any, Any]") -> "Iterator[tuple[Any, bool]]":
    """(test, whether it holds) of what must be so where a node is reached; around: each node's parent."""
    import ast

    while node in around:
        outer = around[node]
        for field, holds in (("body", True), ("orelse", False)):
            inside = getattr(outer, field, None)
            if not isinstance(inside, list):
                if inside is node and isinstance(outer, ast.IfExp):
                    yield outer.test, holds
                continue
            if node not in inside:
                continue
            if isinstance(outer, (ast.If, ast.While)):
                yield outer.test, holds
            for before in inside[: inside.index(node)]:
                if _leaves(before):
                    yield before.test, False
        node = outer


def tests_before(function: "Any", line: int) -> "Iterator[Any]":
    """The tests of what may end a function, or a loop, before it comes to a line."""
    import ast

    for outer in ast.walk(function):
        for field in ("body", "orelse"):
            found = getattr(outer, field, None)
            inside: list[Any] = found if isinstance(found, list) else []
            for position, each in enumerate(inside):
                if each.lineno <= line <= (each.end_lineno or each.lineno):
                    yield from (before.test for before in inside[:position] if _leaves(before))


def _leaves(node: "Any") -> bool:
    """Whether it is an ``if`` that ends what it stands in."""
    import ast

    return isinstance(node, ast.If) and isinstance(
        node.body[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break)
    )


def counted_by(part: "Any") -> "Any":
    """What ``len(…)`` counts; None where an expression is none."""
    import ast

    is_length = isinstance(part, ast.Call) and name_of(part.func) == "len" and len(part.args) == 1
    return part.args[0] if is_length else None


def number_of(part: "Any", file: str) -> "int | None":
    """The whole number that an expression is, or that the file's module has by that name."""
    import ast

    value = part.value if isinstance(part, ast.Constant) else None
    if isinstance(part, ast.Name):
        modules = list(sys.modules.values())
        names = [getattr(each, "__dict__", {}) for each in modules]  # a lazy module may raise at a name
        value = next((each for each in names if each.get("__file__") == file), {}).get(part.id)
    return value if type(value) is int else None


def bindings(node: "Any") -> "list[tuple[Any, Any]]":
    """(target, value) of what binds names."""
    import ast

    if isinstance(node, ast.Assign):
        return [(target, node.value) for target in node.targets]
    if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        return [(node.target, node.iter)]
    if isinstance(node, ast.withitem) and node.optional_vars is not None:
        return [(node.optional_vars, node.context_expr)]
    if isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
        return [(node.target, node.value)]
    return []


def name_of(node: "Any") -> "str | None":
    """The last identifier of a name or an attribute; of anything else None."""
    name = getattr(node, "id", None) or getattr(node, "attr", None)
    return name if isinstance(name, str) else None


def tells_more_or_less(part: "Any") -> bool:
    """Whether a test, or a part of one, turns on how much there is or how late it is, by its form."""
    import ast

    if isinstance(part, ast.BinOp):
        return True
    if isinstance(part, ast.Call):
        return name_of(part.func) not in _ASKS_WHAT_IT_IS
    if not isinstance(part, ast.Compare):
        return any(tells_more_or_less(each) for each in ast.iter_child_nodes(part))
    words = any(
        isinstance(each, ast.JoinedStr)
        or (isinstance(each, ast.Constant) and not isinstance(each.value, (int, float)))
        for each in (part.left, *part.comparators)
    )
    return any(
        isinstance(each, (ast.Lt, ast.LtE, ast.Gt, ast.GtE))
        or (isinstance(each, (ast.Eq, ast.NotEq)) and not words)
        for each in part.ops
    )
