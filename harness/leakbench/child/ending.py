"""Stores that end by themselves: under keys that come again, or only while there is room.

``CACHE[i % 1_000_000] = value`` and ``if len(BUFFER) < 1_000_000: BUFFER.append(value)`` look like a leak for
a million steps, and no line of them removes anything.
"""

import dis
import os

from leakbench.child.syntax import bindings, function_at, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Container
    from types import CodeType
    from typing import Any

_BY_KEY = frozenset({"__setitem__", "add", "setdefault"})
_AT_AN_END = frozenset({"append", "appendleft", "extend", "insert"})
_STORING = _BY_KEY | _AT_AN_END
_REMAINDERS = ("%", "&", "%=", "&=")
_LIBRARY = os.path.join(os.path.dirname(os.__file__), "")
_MOST_CALLS = 3  # through which a key is followed to where it is made


def ending_stores(codes: "Collection[CodeType]", wanted: "Container[str]") -> "list[tuple[CodeType, int]]":
    """(code, line) of what puts entries into the containers, where all of it ends by itself."""
    stores = _found(codes, wanted)
    if not all(ends for *_, ends in stores):
        return []
    return [(code, line) for code, line, _ in stores]


def may_end(codes: "Collection[CodeType]") -> bool:
    """Whether any of this code puts entries into anything in a way that ends by itself."""
    return any(ends for *_, ends in _found(codes, None))


def _found(
    codes: "Collection[CodeType]", wanted: "Container[str] | None"
) -> "list[tuple[CodeType, int, bool]]":
    """(code, line, whether it ends by itself) of every store but those under one key."""
    import ast

    codes = [code for code in codes if not code.co_filename.startswith((_LIBRARY, "<"))]
    by_key = [code for code in codes if _stores(code, _BY_KEY, "STORE_SUBSCR")]
    storing = by_key + [code for code in codes if code not in by_key and _stores(code, _AT_AN_END)]
    asks_length = any("len" in code.co_names for code in codes)
    if not storing or not (asks_length or (by_key and any(map(_takes_remainder, codes)))):
        return []
    functions = {code: function_at(code) for code in codes}
    found = []
    for code in storing:
        function = functions[code]
        if function is None:
            continue
        nodes: list[Any] = list(ast.walk(function))
        places = {child: node for node in nodes for child in ast.iter_child_nodes(node)}
        for node in nodes:
            for container, key in _stored(node):
                name = name_of(container)
                if (wanted is not None and name not in wanted) or isinstance(key, ast.Constant):
                    continue
                ends = (key is not None and _comes_again(key, function, functions.values())) or (
                    name is not None and _has_room(node, name, places)
                )
                found.append((code, node.lineno, ends))
    return found


def _takes_remainder(code: "CodeType") -> bool:
    """Whether a function has a ``%`` or an ``&``; that of a text's formatting is one too."""
    return any(
        instruction.argrepr in _REMAINDERS
        if instruction.opname == "BINARY_OP"
        else instruction.opname in ("BINARY_MODULO", "BINARY_AND")
        for instruction in dis.get_instructions(code)
    )


def _stores(code: "CodeType", methods: "Container[str]", *opnames: str) -> bool:
    """Whether a function has one of these instructions, or names one of these methods."""
    return any(name in methods for name in code.co_names) or any(
        instruction.opname in opnames for instruction in dis.get_instructions(code)
    )


def _stored(node: "Any") -> "list[tuple[Any, Any]]":
    """(container, key) of what a node puts where; the key is None where there is none."""
    import ast

    if isinstance(node, ast.Call):
        if not (isinstance(node.func, ast.Attribute) and node.func.attr in _STORING and node.args):
            return []
        return [(node.func.value, node.args[0] if node.func.attr in _BY_KEY else None)]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [
        (target.value, target.slice)
        for target in targets
        if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice)
    ]


def _has_room(node: "Any", name: str, places: "dict[Any, Any]") -> bool:
    """Whether a store is reached only while ``len(name)`` is less than something."""
    import ast

    while node in places:
        around = places[node]
        for body, is_less in (("body", True), ("orelse", False)):
            inside = getattr(around, body, None)
            if not isinstance(inside, list) or node not in inside:
                continue
            if isinstance(around, (ast.If, ast.While)) and _bounds(around.test, name, is_less=is_less):
                return True
            before = inside[: inside.index(node)]
            if any(_leaves(each) and _bounds(each.test, name, is_less=False) for each in before):
                return True
        node = around
    return False


def _leaves(node: "Any") -> bool:
    """Whether it is an ``if`` that ends what it stands in."""
    import ast

    return isinstance(node, ast.If) and isinstance(
        node.body[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break)
    )


def _bounds(test: "Any", name: str, *, is_less: bool) -> bool:
    """Whether a test holds only while ``len(name)`` is less than something; or, `is_less` off, fails so."""
    import ast

    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _bounds(test.operand, name, is_less=not is_less)
    if isinstance(test, ast.BoolOp):
        joined = ast.And if is_less else ast.Or
        return isinstance(test.op, joined) and any(
            _bounds(each, name, is_less=is_less) for each in test.values
        )
    if not isinstance(test, ast.Compare) or len(test.ops) > 1:
        return False
    less, more = (ast.Lt, ast.LtE, ast.NotEq), (ast.Gt, ast.GtE, ast.Eq)
    if _is_length(test.left, name):
        return isinstance(test.ops[0], less if is_less else more)
    if _is_length(test.comparators[0], name):
        return isinstance(test.ops[0], (ast.Gt, ast.GtE, ast.NotEq) if is_less else (ast.Lt, ast.LtE, ast.Eq))
    return False


def _is_length(part: "Any", name: str) -> bool:
    """Whether it is ``len(name)``, or that of an attribute of this name."""
    return name_of(getattr(part, "func", None)) == "len" and [name_of(each) for each in part.args] == [name]


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
