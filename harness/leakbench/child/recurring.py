"""Keys that come again: a map that is filled under them alone ends to grow, however far off that is.

``CACHE[i % 1_000_000] = value`` looks like a leak for a million steps, and no line of it removes anything.
"""

import dis
import os

from leakbench.child.syntax import bindings, function_at, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Container
    from types import CodeType
    from typing import Any

_STORING = frozenset({"__setitem__", "add", "setdefault"})
_REMAINDERS = ("%", "&", "%=", "&=")
_LIBRARY = os.path.join(os.path.dirname(os.__file__), "")
_MOST_CALLS = 3  # through which a key is followed to where it is made


def stores_again(codes: "Collection[CodeType]", wanted: "Container[str]") -> "list[tuple[CodeType, int]]":
    """(code, line) of what puts entries into the containers, where all of it uses keys that come again."""
    stores = _stores(codes, wanted)
    if not all(again for *_, again in stores):
        return []
    return [(code, line) for code, line, _ in stores]


def may_store_again(codes: "Collection[CodeType]") -> bool:
    """Whether any of this code puts entries into anything under a key that comes again."""
    return any(again for *_, again in _stores(codes, None))


def _stores(
    codes: "Collection[CodeType]", wanted: "Container[str] | None"
) -> "list[tuple[CodeType, int, bool]]":
    """(code, line, whether its key comes again) of every store under a key that is made or given."""
    import ast

    codes = [code for code in codes if not code.co_filename.startswith((_LIBRARY, "<"))]
    storing = list(filter(_stores_by_key, codes))
    if not storing or not any(map(_takes_remainder, codes)):
        return []
    functions = {code: function_at(code) for code in codes}
    found = []
    for code in storing:
        function = functions[code]
        if function is None:
            continue
        nodes: list[Any] = list(ast.walk(function))
        for node in nodes:
            for container, key in _stored(node):
                if wanted is not None and name_of(container) not in wanted:
                    continue
                if not isinstance(key, ast.Constant):  # of one key there is one entry
                    found.append((code, node.lineno, _comes_again(key, function, functions.values())))
    return found


def _takes_remainder(code: "CodeType") -> bool:
    """Whether a function has a ``%`` or an ``&``; that of a text's formatting is one too."""
    return any(
        instruction.argrepr in _REMAINDERS
        if instruction.opname == "BINARY_OP"
        else instruction.opname in ("BINARY_MODULO", "BINARY_AND")
        for instruction in dis.get_instructions(code)
    )


def _stores_by_key(code: "CodeType") -> bool:
    return any(
        instruction.opname == "STORE_SUBSCR" or instruction.argval in _STORING
        for instruction in dis.get_instructions(code)
        if instruction.opname == "STORE_SUBSCR" or isinstance(instruction.argval, str)
    )


def _stored(node: "Any") -> "list[tuple[Any, Any]]":
    """(container, key) of what a node puts where."""
    import ast

    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in _STORING and node.args:
            return [(node.func.value, node.args[0])]
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [
        (target.value, target.slice)
        for target in targets
        if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice)
    ]


def _comes_again(key: "Any", function: "Any", functions: "Collection[Any]", calls: int = 0) -> bool:
    """Whether there are only so many values of a key: it is made of remainders and constants alone."""
    import ast

    free = _free(key)
    if not free:
        return not isinstance(key, ast.Constant)
    return all(
        isinstance(each, ast.Name) and _is_bound_again(each.id, function, functions, calls) for each in free
    )


def _free(key: "Any") -> "list[Any]":
    """The parts of an expression that may take any value."""
    import ast

    if isinstance(key, ast.BinOp) and isinstance(key.op, (ast.Mod, ast.BitAnd)):
        formats = isinstance(key.left, ast.JoinedStr) or (
            isinstance(key.left, ast.Constant) and isinstance(key.left.value, str)
        )
        return _free(key.right) if formats else []
    if isinstance(key, ast.Subscript) and not isinstance(key.slice, ast.Constant):
        return _free(key.slice)  # one of so many
    if isinstance(key, (ast.Name, ast.Attribute, ast.Subscript, ast.Lambda)):
        return [key]
    if isinstance(key, ast.Call):
        given = [*key.args, *(each.value for each in key.keywords)]
        return [part for each in given for part in _free(each)] if given else [key]
    return [part for child in ast.iter_child_nodes(key) for part in _free(child)]


def _is_bound_again(name: str, function: "Any", functions: "Collection[Any]", calls: int) -> bool:
    """Whether a function's local, or parameter, is only ever given values that come again."""
    import ast

    values = []
    for node in ast.walk(function):
        if isinstance(node, ast.AugAssign) and name_of(node.target) == name:
            return isinstance(node.op, (ast.Mod, ast.BitAnd))
        for target, value in bindings(node):
            if not any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(target)):
                continue
            if isinstance(target, ast.Subscript):
                continue  # it is stored into
            if not isinstance(target, ast.Name) or isinstance(
                node, (ast.For, ast.AsyncFor, ast.comprehension)
            ):
                return False
            values.append((value, function))
    if not values and calls < _MOST_CALLS:
        values = _given(name, function, functions)
    return bool(values) and all(_comes_again(value, where, functions, calls + 1) for value, where in values)


def _given(name: str, function: "Any", functions: "Collection[Any]") -> "list[tuple[Any, Any]]":
    """(value, caller) of what is given for a parameter, by position, wherever the function is called."""
    import ast

    names = [each.arg for each in function.args.args]
    if name not in names:
        return []
    position = names.index(name) - (names[0] in ("self", "cls"))
    return [
        (node.args[position], caller)
        for caller in functions
        if caller is not None
        for node in ast.walk(caller)
        if isinstance(node, ast.Call) and name_of(node.func) == function.name and len(node.args) > position
    ]
