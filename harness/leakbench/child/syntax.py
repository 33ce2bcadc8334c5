"""The person's own source as a syntax tree: the function of a code object, what binds a name.

`ast` is imported where there is a line to look at: the child imports almost nothing before.
"""

import linecache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

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


_functions: "dict[str, dict[tuple[str, int], Any]]" = {}


def function_at(code: "CodeType") -> "Any":
    """The syntax tree of a function, or None where its source is not to be had."""
    import ast

    if code.co_filename not in _functions:
        found = _functions[code.co_filename] = {}
        tree = tree_of(code.co_filename)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for line in (node.lineno, *(each.lineno for each in node.decorator_list)):
                    found[node.name, line] = node
    return _functions[code.co_filename].get((code.co_name, code.co_firstlineno))


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
