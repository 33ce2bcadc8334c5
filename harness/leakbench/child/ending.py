"""Stores that end by themselves: under keys that come again, or only while there is room.

``CACHE[i % 1_000_000] = value`` and ``if len(BUFFER) < 1_000_000: BUFFER.append(value)`` look like a leak for
a million steps, and no line of them removes anything; ``LOG = LOG[-1_000_000:]`` runs at each step, and
removes nothing before. The source tells; what it does not tell is taken to go on for ever: a key is one of so
many only if all that it is made of is known to be.
"""

import dis
import os
import time
from math import inf

from leakbench.child.syntax import bindings, class_of, conditions, function_at, name_of, number_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from types import CodeType
    from typing import Any

    Store = tuple[CodeType, int, float]

_LIBRARY = os.path.join(os.path.dirname(os.__file__), "")
_INSTALLED = ("site-packages", "dist-packages")
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
_BY_KEY = frozenset({"__setitem__", "add", "setdefault"})
_AT_AN_END = frozenset({"append", "appendleft", "heappush"})
_DRAWS = frozenset({"choice", "randint", "randrange"})
_REMOVES_ONE = frozenset({"discard", "pop", "remove"})
_TRIMS = frozenset({  # by slices, and by comprehensions
    "BINARY_SLICE", "BUILD_SLICE", "DELETE_SUBSCR", "LIST_APPEND", "MAP_ADD", "SET_ADD", "STORE_SLICE",
})  # fmt: skip
_BUILTINS = (bytes, dict, int, list, set, str, tuple)
_LOOKS = frozenset({
    "__contains__", "__getitem__", "__len__", "clear", "copy", "count", "discard", "get", "index", "items",
    "keys", "move_to_end", "pop", "popitem", "popleft", "remove", "reverse", "sort", "values",
})  # fmt: skip
_LOOKING = frozenset({
    "all", "any", "bool", "dict", "enumerate", "frozenset", "heappop", "heappushpop", "heapreplace", "id",
    "isinstance", "iter", "len", "list", "max", "min", "next", "print", "repr", "set", "sorted", "str", "sum",
    "tuple",
})  # fmt: skip
_REMAINDERS = frozenset({"%", "&", "%=", "&="})  # of 3.11 and later; the instructions' own names before
_REMAINDER_OPNAMES = frozenset({"BINARY_MODULO", "BINARY_AND", "INPLACE_MODULO", "INPLACE_AND"})
_PURE = frozenset({"abs", "float", "hash", "int", "max", "min", "repr", "str", "tuple"})
_MOST_NAMES = 6  # through which a key is followed to where it is made
_MOST_VALUES = 1 << 32  # no run gets there


class _OutOfTimeError(Exception):
    """There is more code than can be read in time."""


def ending_stores(
    codes: "Iterable[CodeType]", wanted: "Collection[str]", deadline: float, lists: "Collection[str]" = ()
) -> "list[Store]":
    """(code, line, most entries there can be) of what puts entries into these containers.

    lists: which of them are lists, that take no new entry under a number.

    Nothing unless each container is stored into, by stores that end alone, and used in no way whose outcome
    is unknown; nor where the source cannot be read by the deadline, on the clock of `time.perf_counter`.
    """
    own = list(filter(_is_own, codes))
    if not _may_have_one(own):
        return []
    try:
        source = _Source(own, deadline)
        found = source.stores(wanted, lists)
    except (_OutOfTimeError, RecursionError):
        return []
    return found if found and source.stored >= set(wanted) else []


def all_ending_stores(codes: "Iterable[CodeType]", deadline: float) -> "list[Store]":
    """The same of all that is stored into, where nobody knows what grows; those of a known number alone."""
    own = list(filter(_is_own, codes))
    try:
        return list(_Source(own, deadline).ending()) if _may_have_one(own) else []
    except (_OutOfTimeError, RecursionError):
        return []


def may_end(codes: "Iterable[CodeType]", deadline: float) -> bool:
    """Whether any of this code stores in a way that ends by itself, or there is no time to tell."""
    own = list(filter(_is_own, codes))
    try:
        return _may_have_one(own) and any(_Source(own, deadline).ending(known=False))
    except (_OutOfTimeError, RecursionError):
        return True


def _is_own(code: "CodeType") -> bool:
    """Whether it is none of the standard library's, which stores into nobody's containers by name."""
    file = code.co_filename
    if file.startswith("<"):
        return False
    return not file.startswith(_LIBRARY) or any(each in file for each in _INSTALLED)


def _may_have_one(codes: "Collection[CodeType]") -> bool:
    """Whether the code has what every such store has; the source costs more.

    That is a length, a slice, a comprehension, a removal, or a remainder or a draw beside a store by key.
    """
    names = {name for code in codes for name in code.co_names}
    if "len" in names or not _REMOVES_ONE.isdisjoint(names):
        return True
    by_key, remainders = not _BY_KEY.isdisjoint(names), not _DRAWS.isdisjoint(names)
    for code in codes:
        for instruction in dis.get_instructions(code):
            if instruction.opname in _TRIMS:
                return True
            by_key = by_key or instruction.opname == "STORE_SUBSCR"
            remainders = remainders or (
                instruction.argrepr in _REMAINDERS
                if instruction.opname == "BINARY_OP"
                else instruction.opname in _REMAINDER_OPNAMES
            )
    return remainders and by_key


class _Function:
    """A function that has run: its syntax tree, each node walked once."""

    __slots__ = ("around", "bound", "code", "nodes", "shared", "tree")

    def __init__(self, code: "CodeType", tree: "Any") -> None:
        import ast

        self.code = code
        self.tree = tree
        self.nodes: list[Any] = list(ast.walk(tree))
        self.around = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self.bound: dict[str, list[Any]] = {}  # what each name is bound to; None: to what nobody knows
        self.shared: set[str] = set()  # bound here, and others' too
        for node in self.nodes:
            self._note(node)

    def _note(self, node: "Any") -> None:
        import ast

        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            values = self.bound.setdefault(node.id, [])
            binds = self.around[node]
            if isinstance(binds, ast.AugAssign):
                values.append(binds)
            elif isinstance(binds, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
                values += [value for target, value in bindings(binds) if target is node]
            else:
                values.append(None)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            self.shared.update(node.names)
            for name in node.names:
                self.bound.setdefault(name, []).append(None)

    def is_local(self, node: "Any") -> bool:
        """Whether a name stands for what is gone with the call."""
        name = getattr(node, "id", None)
        return (name in self.bound or name in self.parameters()) and name not in self.shared

    def parameters(self) -> "list[str]":
        arguments = self.tree.args
        return [each.arg for each in (*arguments.posonlyargs, *arguments.args)]

    def given_first(self) -> int:
        """How many of them are given by no call: a method's object is not."""
        return class_of(self.code) is not None and not any(
            name_of(each) == "staticmethod" for each in self.tree.decorator_list
        )

    def other_parameters(self) -> "set[str]":
        arguments = self.tree.args
        starred = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
        return {each.arg for each in (*arguments.kwonlyargs, *starred)}


class _Source:
    """The person's functions that have run, and what of them stores into what."""

    def __init__(self, codes: "Iterable[CodeType]", deadline: float) -> None:
        self.deadline = deadline
        self.stored: set[str] = set()
        self.sourceless: list[CodeType] = []
        self.functions: list[_Function] = []
        for code in codes:
            if code.co_name in _COMPREHENSIONS:  # part of the function that it stands in
                continue
            self._hurry()
            tree = function_at(code)
            if tree is None:
                self.sourceless.append(code)
            else:
                self.functions.append(_Function(code, tree))
        self._calls: dict[str, list[tuple[Any, _Function]]] | None = None

    def _hurry(self) -> None:
        if time.perf_counter() > self.deadline:
            raise _OutOfTimeError

    def stores(self, wanted: "Collection[str]", lists: "Collection[str]") -> "list[Store]":
        """Every store into these containers; none at all where one of them need not end."""
        if any(name in wanted for code in self.sourceless for name in (*code.co_names, *code.co_freevars)):
            return []
        trims = [each for each in self._trims() if each[0] in wanted]
        found = [(function.code, node.lineno, most) for _, function, node, most in trims]
        self.stored.update(name for name, *_ in trims)
        inside = {part for *_, node, _most in trims for part in _walk(node)}
        for function in self.functions:
            self._hurry()
            for node in function.nodes:
                name = name_of(node)
                if name is None or name not in wanted or node in inside:
                    continue
                use = _use(node, function, is_list=name in lists)
                if use is None:
                    continue
                most = self._most_entries(node, use, function)
                if most is None and use.is_store:
                    most = min((most for trimmed, *_, most in trims if trimmed == name), default=None)
                if most is None:
                    return []
                if most > 1:
                    found.append((function.code, node.lineno, most))
                    self.stored.add(name)
        return found

    def ending(self, *, known: bool = True) -> "Iterator[Store]":
        """Every lasting store that ends by itself, whatever else is stored there; those of a known number."""
        for _, function, node, most in self._trims():
            if not known or most != inf:
                yield function.code, node.lineno, most
        for function in self.functions:
            self._hurry()
            for node in function.nodes:
                is_lasting = name_of(node) is not None and not function.is_local(node)
                use = _use(node, function) if is_lasting else None
                most_entries = self._most_entries(node, use, function) if use is not None else None
                if most_entries is not None and most_entries > 1 and not (known and most_entries == inf):
                    yield function.code, node.lineno, most_entries

    def _trims(self) -> "Iterator[tuple[str, _Function, Any, float]]":
        """(container, function, statement, most entries it leaves) of what keeps a container's newest."""
        for function in self.functions:
            self._hurry()
            for node in function.nodes:
                for name, most in _trimmed(node, function):
                    yield name, function, node, most

    def _most_entries(self, node: "Any", use: "_Use", function: _Function) -> "float | None":
        """How many entries a use of a container can make of it; None where there is no telling."""
        if not use.is_store:
            return None
        most = self._values(use.key, function) if use.key is not None else None
        room = _room(node, str(name_of(node)), function)
        known = [each for each in (most, room) if each is not None]
        return min(known) if known else None

    def _values(self, part: "Any", function: _Function, *through: "Any") -> "float | None":
        """How many values an expression can have: inf where there is no figure, None where no bound.

        through: the names that led to it.
        """
        import ast

        if isinstance(part, ast.Constant):
            return 1
        if isinstance(part, ast.Name):
            return self._values_of_name(part.id, function, *through)
        if isinstance(part, ast.BinOp) and isinstance(part.op, (ast.Mod, ast.BitAnd)):
            if not _is_text(part.left):
                return _modulus(part.op, part.left, part.right, function)
        elif isinstance(part, ast.Subscript):  # one of so many, but for a slice or the newest
            values = self._values(part.slice, function, *through)
            return values if values is not None and values > 1 else None
        elif isinstance(part, ast.Call) and name_of(part.func) not in _PURE:
            return self._values_of_call(part, function, *through)
        parts = _made_of(part)
        product = 1.0
        for each in parts or ():
            values = self._values(each, function, *through)
            if values is None:
                return None
            product *= values
        return product if parts else None

    def _values_of_call(self, call: "Any", function: _Function, *through: "Any") -> "float | None":
        """The same of a number that is drawn, or of what another of the functions returns."""
        import ast

        name = str(name_of(call.func))
        if name in _DRAWS:
            most = _number(call.args[-1], function) if call.args and name != "choice" else inf
            return most if most is None or most == inf else most + 1
        called = [each for each in self.functions if each.tree.name == name]
        if len(called) != 1 or (called[0], "return") in through or len(through) >= _MOST_NAMES:
            return None
        if isinstance(call.func, ast.Attribute) and any(hasattr(kind, name) for kind in _BUILTINS):
            return None
        total = 0.0
        for node in called[0].nodes:
            if isinstance(node, (ast.Yield, ast.YieldFrom, ast.Await)):
                return None
            if isinstance(node, ast.Return):
                values = self._values(node.value, called[0], *through, (called[0], "return"))
                if values is None:
                    return None
                total += values
        return total or None

    def _values_of_name(self, name: str, function: _Function, *through: "Any") -> "float | None":
        """The same of a local, by what it is bound to, or of a parameter, by what it is given."""
        import ast

        self._hurry()
        bound = function.bound.get(name, [])
        if (function, name) in through or len(through) == _MOST_NAMES or name in function.other_parameters():
            return None
        given: list[tuple[Any, _Function]] | None = [(value, function) for value in bound]
        if name in function.parameters():
            if not bound:
                given = self._given(name, function)
            elif not all(isinstance(value, ast.AugAssign) for value in bound):
                return None
        total = 0.0
        for value, where in given or ():
            if isinstance(value, ast.AugAssign):
                values = _modulus(value.op, value.target, value.value, where)
            else:
                values = None if value is None else self._values(value, where, *through, (function, name))
            if values is None:
                return None
            total += values
        return total or None

    def _given(self, name: str, function: _Function) -> "list[tuple[Any, _Function]] | None":
        """(value, caller) of what is given for a parameter wherever the function is called by its name.

        None where a call does not tell.
        """
        import ast

        if self._calls is None:
            self._calls = {}
            for caller in self.functions:
                for node in caller.nodes:
                    if isinstance(node, ast.Call):
                        self._calls.setdefault(str(name_of(node.func)), []).append((node, caller))
        names = function.parameters()
        position = names.index(name) - function.given_first()
        given = []
        for call, caller in self._calls.get(function.tree.name, ()):
            named = [each.value for each in call.keywords if each.arg == name]
            if any(isinstance(each, ast.Starred) for each in call.args) or position < 0:
                return None
            if not named and len(call.args) <= position:
                return None
            given.append((named[0] if named else call.args[position], caller))
        return given


def _made_of(part: "Any") -> "list[Any]":
    """What an expression is made of, where nothing else has a say in its value."""
    import ast

    if isinstance(part, ast.Call):
        is_pure = isinstance(part.func, ast.Name) and part.func.id in _PURE and not part.keywords
        return part.args if is_pure else []
    for kind, fields in (
        (ast.BinOp, ("left", "right")),
        (ast.IfExp, ("body", "orelse")),
        (ast.UnaryOp, ("operand",)),
        (ast.FormattedValue, ("value",)),
    ):
        if isinstance(part, kind):
            return [getattr(part, field) for field in fields]
    if isinstance(part, (ast.Tuple, ast.JoinedStr)):
        return part.elts if isinstance(part, ast.Tuple) else part.values
    return []


class _Use:
    """What is done with a container where it is named: a store, under a key or at an end, or the unknown."""

    __slots__ = ("is_store", "key")

    def __init__(self, key: "Any" = None, *, is_store: bool = True) -> None:
        self.key = key
        self.is_store = is_store


def _walk(node: "Any") -> "Iterator[Any]":
    import ast

    return ast.walk(node)


def _trimmed(node: "Any", function: _Function) -> "list[tuple[str, float]]":
    """(container, most entries) of what keeps the newest: ``X = X[-n:]``, ``del X[:-n]``, ``X.pop(i-n)``."""
    import ast

    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        name, most = name_of(node.targets[0]), _newest_of_itself(node.targets[0], node.value, function)
        if name is not None and most is not None:
            return [(name, most)]
    if isinstance(node, ast.Call):
        removes = isinstance(node.func, ast.Attribute) and node.func.attr in _REMOVES_ONE
        method: Any = node.func
        emptied = [(method.value, node.args[0])] if removes and node.args else []
    else:
        targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else []
        subscripts = [each for each in targets if isinstance(each, ast.Subscript)]
        emptied = [(each.value, each.slice) for each in subscripts]
    found = []
    for container, key in emptied:
        if isinstance(key, ast.Slice):
            most = _negated(key.upper, function) if key.lower is None else None
        else:
            is_store = isinstance(node, ast.Assign)
            most = None if is_store else _age(key, function)
        name = name_of(container)
        if most is not None and name is not None:
            found.append((name, most))
    return found


def _newest_of_itself(target: "Any", value: "Any", function: _Function) -> "float | None":
    """The n, where a value is the last n of the target, or those of its parts that are newer than n ago."""
    import ast

    def mentions_target(part: "Any") -> bool:
        return any(name_of(each) == name_of(target) for each in _walk(part))

    if isinstance(value, ast.IfExp):  # now, or another time
        value = value.body
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice):
        if mentions_target(value.value) and value.slice.upper is None:
            return _negated(value.slice.lower, function)
    elif isinstance(value, (ast.ListComp, ast.SetComp, ast.DictComp)):
        first = value.generators[0]
        if mentions_target(first.iter):
            ages = [_age(test, function) for test in first.ifs]
            return min((age for age in ages if age is not None), default=None)
    return None


def _negated(part: "Any", function: _Function) -> "float | None":
    """The n of ``-n``."""
    import ast

    is_negated = isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub)
    return _number(part.operand, function) if is_negated else None


def _age(key: "Any", function: _Function) -> "float | None":
    """The n, where a key is made of something less n, and n is more than 1."""
    import ast

    for part in _walk(key):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub):
            most = _number(part.right, function)
            if most is not None and most > 1:
                return most
    return None


def _use(node: "Any", function: _Function, *, is_list: bool = False) -> "_Use | None":
    """The use of a container that a name or an attribute stands for; None where it adds nothing."""
    import ast

    around: Any = function.around.get(node)
    unknown = _Use(is_store=False)
    if isinstance(around, ast.AugAssign) and around.target is node:
        return unknown
    if not isinstance(node.ctx, ast.Load):
        return None  # another takes its place: what it is made of is named there
    if isinstance(around, ast.Subscript) and around.value is node:
        if not isinstance(around.ctx, ast.Store) or (is_list and not isinstance(around.slice, ast.Slice)):
            return None
        return unknown if isinstance(around.slice, ast.Slice) else _Use(around.slice)
    if isinstance(around, ast.Attribute):
        return _use_by_method(around, function.around.get(around))
    if isinstance(around, ast.Call):
        if name_of(around.func) in _AT_AN_END and around.args[:1] == [node]:
            return _Use()
        return None if name_of(around.func) in _LOOKING else unknown
    if isinstance(around, (ast.Compare, ast.For, ast.comprehension, ast.If, ast.While, ast.UnaryOp)):
        return None
    return unknown


def _use_by_method(method: "Any", call: "Any") -> "_Use | None":
    """The same, where an attribute of the container is named."""
    import ast

    name = name_of(method)
    if not isinstance(call, ast.Call) or call.func is not method:
        return _Use(is_store=False)
    if name in _BY_KEY and call.args:
        return _Use(call.args[0])
    if name in _AT_AN_END:
        return _Use()
    return None if name in _LOOKS else _Use(is_store=False)


def _is_text(part: "Any") -> bool:
    """Whether a ``%`` behind it formats."""
    import ast

    return isinstance(part, ast.JoinedStr) or (
        isinstance(part, ast.Constant) and isinstance(part.value, (str, bytes))
    )


def _modulus(operator: "Any", left: "Any", right: "Any", function: _Function) -> "float | None":
    """How many values a remainder has: what it is taken of is a whole number, for all that is written."""
    import ast

    if not isinstance(operator, (ast.Mod, ast.BitAnd)):
        return None
    fractions = any(
        isinstance(each, ast.Div) or (isinstance(each, ast.Constant) and isinstance(each.value, float))
        for each in ast.walk(left)
    )
    limit = _number(right, function)
    if fractions or limit is None or limit <= 0:
        return None
    most = limit + isinstance(operator, ast.BitAnd)
    return most if most <= _MOST_VALUES or limit == inf else None


def _number(part: "Any", function: _Function) -> "float | None":
    """A limit that stays: a number, a name or an attribute that the function does not bind, a length.

    inf where it cannot be read; None for anything else.
    """
    import ast

    if isinstance(part, ast.Constant):
        return number_of(part, function.code.co_filename)
    if isinstance(part, ast.Attribute):
        return inf
    if isinstance(part, ast.Call):
        return inf if name_of(part.func) == "len" else None
    if not isinstance(part, ast.Name) or part.id in function.bound:
        return None
    if part.id in function.parameters() or part.id in function.other_parameters():
        return None
    value = number_of(part, function.code.co_filename)
    return inf if value is None else value


def _room(node: "Any", name: str, function: _Function) -> "float | None":
    """The least bound on ``len(name)`` under which alone a store is reached; None where there is none."""
    found = [_bound(test, name, function, is_less=holds) for test, holds in conditions(node, function.around)]
    return min((most for most in found if most is not None), default=None)


def _bound(test: "Any", name: str, function: _Function, *, is_less: bool) -> "float | None":
    """What ``len(name)`` is less than where a test holds, or, `is_less` off, where it does not."""
    import ast

    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _bound(test.operand, name, function, is_less=not is_less)
    if isinstance(test, ast.BoolOp):
        if not isinstance(test.op, ast.And if is_less else ast.Or):
            return None
        found = [_bound(each, name, function, is_less=is_less) for each in test.values]
        return min((most for most in found if most is not None), default=None)
    if not isinstance(test, ast.Compare) or len(test.ops) > 1:
        return None
    left, right = test.left, test.comparators[0]
    less, more = (ast.Lt, ast.LtE), (ast.Gt, ast.GtE)
    if _is_length(left, name):
        return _number(right, function) if isinstance(test.ops[0], less if is_less else more) else None
    if _is_length(right, name):
        return _number(left, function) if isinstance(test.ops[0], more if is_less else less) else None
    return None


def _is_length(part: "Any", name: str) -> bool:
    """Whether it is ``len(name)``, or that of an attribute of this name."""
    return name_of(getattr(part, "func", None)) == "len" and [name_of(each) for each in part.args] == [name]
