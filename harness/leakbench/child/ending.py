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

from leakbench.child.syntax import (
    bindings,
    class_of,
    conditions,
    counted_by,
    function_at,
    name_of,
    nodes_of,
    number_of,
    tells_more_or_less,
)

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
_AT_AN_END = frozenset({"append", "appendleft"})
_HEAPS = frozenset({"heappop", "heappushpop", "heapreplace"})
_CHANCE = frozenset({"monotonic", "perf_counter", "random", "time", "uniform"})  # fractions come of these
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
    "all", "any", "bool", "dict", "enumerate", "frozenset", "id", "isinstance", "iter", "len", "list", "max",
    "min", "next", "print", "repr", "set", "sorted", "str", "sum", "tuple",
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
    except Exception:  # noqa: BLE001  # as much may be wrong with others' source as there is of it
        return []
    return found if found and source.stored >= set(wanted) else []


def all_ending_stores(codes: "Iterable[CodeType]", deadline: float) -> "list[Store]":
    """The same of all that is stored into, where nobody knows what grows; those of a known number alone."""
    own = list(filter(_is_own, codes))
    try:
        return list(_Source(own, deadline).ending()) if _may_have_one(own) else []
    except Exception:  # noqa: BLE001  # as above
        return []


def may_end(codes: "Iterable[CodeType]", deadline: float) -> bool:
    """Whether any of this code stores in a way that ends by itself, or there is no time to tell."""
    own = list(filter(_is_own, codes))
    try:
        return _may_have_one(own) and any(_Source(own, deadline).ending(known=False))
    except Exception:  # noqa: BLE001  # as above
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

    __slots__ = ("around", "bound", "changed", "code", "nodes", "shared", "tree")

    def __init__(self, code: "CodeType", tree: "Any", changed: "set[str]") -> None:
        import ast

        self.changed = changed  # attributes and globals that some function stores to
        self.code = code
        self.tree = tree
        self.nodes = nodes_of(code)
        self.around = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self.bound: dict[str, list[Any]] = {}  # what each name is bound to; None: to what nobody knows
        self.shared: set[str] = set()  # bound here, and others' too
        for node in self.nodes:
            self._note(node)
            is_stored = isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
            if is_stored and code.co_name != "__init__":
                changed.add(node.attr)
        changed |= self.shared

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
        elif node is not self.tree:  # a pattern, an import, an exception, a definition bind a name too
            for field in ("name", "asname", "rest"):
                bound = getattr(node, field, None)
                if isinstance(bound, str):
                    self.bound.setdefault(bound.partition(".")[0], []).append(None)

    def number(self, part: "Any") -> "float | None":
        """A limit that stays: a number, a name or an attribute that no function stores to, a length.

        inf where it cannot be read; None for anything else, and for what no run gets to.
        """
        import ast

        if isinstance(part, ast.Call):
            return inf if name_of(part.func) == "len" else None
        if isinstance(part, ast.Attribute):
            return inf if part.attr not in self.changed and part.attr != "maxsize" else None
        if isinstance(part, ast.Name):
            if part.id in self.bound or part.id in self.parameters() or part.id in self.changed:
                return None
            if part.id in self.other_parameters():
                return None
        elif not isinstance(part, ast.Constant):
            return None
        value = number_of(part, self.code.co_filename)
        if value is None:
            return inf if isinstance(part, ast.Name) else None
        return value if 0 < value <= _MOST_VALUES else None

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
        self.changed: set[str] = set()
        for code in codes:
            if code.co_name in _COMPREHENSIONS:  # part of the function that it stands in
                continue
            self._hurry()
            tree = function_at(code)
            if tree is None:
                self.sourceless.append(code)
            else:
                self.functions.append(_Function(code, tree, self.changed))
        self._calls: dict[str, list[tuple[Any, _Function]]] | None = None
        self._handed_on: set[str] = set()  # names of what may be called by somebody else

    def _hurry(self) -> None:
        if time.perf_counter() > self.deadline:
            raise _OutOfTimeError

    def stores(self, wanted: "Collection[str]", lists: "Collection[str]") -> "list[Store]":
        """Every store into these containers; none at all where one of them need not end."""
        if any(name in wanted for code in self.sourceless for name in (*code.co_names, *code.co_freevars)):
            return []
        trims = [each for each in self._trims() if name_of(each.container) in wanted]
        found = [(each.function.code, each.node.lineno, each.most) for each in trims if not each.key]
        self.stored.update(str(name_of(each.container)) for each in trims if not each.key)
        inside = {part for each in trims for part in _walk(each.node)}
        for function in self.functions:
            for node in function.nodes:
                name = name_of(node)
                if name is None or name not in wanted or node in inside:
                    continue
                self._hurry()
                use = _use(node, function, is_list=name in lists)
                if use is None:
                    continue
                most = self._most_entries(node, use, function) or _trimmed_to(node, use, trims)
                if most is None:
                    return []
                if most > 1:
                    found.append((function.code, node.lineno, most))
                    self.stored.add(name)
        return found

    def ending(self, *, known: bool = True) -> "Iterator[Store]":
        """Every lasting store that ends by itself, whatever else is stored there; those of a known number."""
        for each in self._trims():
            if not (known and each.most == inf):
                yield each.function.code, each.node.lineno, each.most
        for function in self.functions:
            self._hurry()
            for node in function.nodes:
                is_lasting = name_of(node) is not None and not function.is_local(node)
                use = _use(node, function) if is_lasting else None
                most_entries = self._most_entries(node, use, function) if use is not None else None
                if most_entries is not None and most_entries > 1 and not (known and most_entries == inf):
                    yield function.code, node.lineno, most_entries

    def _trims(self) -> "Iterator[_Trim]":
        """What keeps a container's newest, at each step or now and then."""
        for function in self.functions:
            self._hurry()
            for node in function.nodes:
                found = _trim(node, function)
                if (
                    found is not None
                    and not function.is_local(found.container)
                    and all(tells_more_or_less(test) for test, _ in conditions(node, function.around))
                ):
                    yield found

    def _most_entries(self, node: "Any", use: "_Use", function: _Function) -> "float | None":
        """How many entries a use of a container can make of it; None where there is no telling."""
        if not use.is_store:
            return None
        most = self._values(use.key, function) if use.key is not None else None
        room = _room(node, function)
        known = [each for each in (most, room) if each is not None and (each <= _MOST_VALUES or each == inf)]
        return min(known) if known else None

    def _values(self, part: "Any", function: _Function, *through: "Any") -> "float | None":
        """How many values an expression can have: inf where there is no figure, None where no bound.

        through: the names that led to it.
        """
        import ast

        self._hurry()
        if isinstance(part, ast.Constant):
            return 1
        if isinstance(part, ast.Name):
            return self._values_of_name(part.id, function, *through)
        if isinstance(part, ast.BinOp) and isinstance(part.op, (ast.Mod, ast.BitAnd)):
            if not _is_text(part.left):
                return _modulus(part.op, part.left, part.right, function)
        elif isinstance(part, ast.Subscript):  # one of so many, where they are not exchanged
            values = self._values(part.slice, function, *through)
            return values if values is not None and values > 1 and self._is_only_read(part.value) else None
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

    def _is_only_read(self, container: "Any") -> bool:
        """Whether no function puts anything into a container of that name."""
        name = name_of(container)
        return name is not None and not any(
            name_of(node) == name and _use(node, function) is not None
            for function in self.functions
            for node in function.nodes
        )

    def _values_of_call(self, call: "Any", function: _Function, *through: "Any") -> "float | None":
        """The same of a number that is drawn, or of what another of the functions returns."""
        import ast

        name = str(name_of(call.func))
        if name in _DRAWS:
            most = function.number(call.args[-1]) if call.args and name != "choice" else inf
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
            self._handed_on = {name for code in self.sourceless for name in code.co_names}
            for caller in self.functions:
                for node in caller.nodes:
                    around: Any = caller.around.get(node)
                    if isinstance(node, ast.Call):
                        self._calls.setdefault(str(name_of(node.func)), []).append((node, caller))
                    elif not (isinstance(around, ast.Call) and around.func is node):
                        self._handed_on.add(str(name_of(node)))
        if function.tree.name in self._handed_on:
            return None
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


class _Trim:
    """A statement that keeps a container's newest; by keys that are made as `key` says, else all of them."""

    __slots__ = ("container", "function", "key", "most", "node")

    def __init__(
        self, node: "Any", container: "Any", most: float, function: _Function, key: str = ""
    ) -> None:
        self.node = node
        self.container = container
        self.most = most
        self.function = function
        self.key = key


def _trimmed_to(node: "Any", use: _Use, trims: "list[_Trim]") -> "float | None":
    """What the trims leave of what a store puts in; None where none of them is of this very container."""
    import ast

    if not use.is_store:
        return None
    key = "" if use.key is None else ast.unparse(use.key)
    of_it = [each for each in trims if _is_same(each.container, node) and each.key in ("", key)]
    return min((each.most for each in of_it), default=None)


def _is_same(first: "Any", second: "Any") -> bool:
    """Whether two expressions read alike, whatever is done with what they name."""
    import ast

    return ast.unparse(first) == ast.unparse(second)


def _trim(node: "Any", function: _Function) -> "_Trim | None":
    """``X = X[-n:]``, ``del X[:-n]``, ``X.pop(key - n)`` and their like."""
    import ast

    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, (ast.Name, ast.Attribute)):
            most = _newest_of_itself(target, node.value, function)
            return _Trim(node, target, most, function) if most is not None else None
    container, key = _emptied_place(node)
    if container is None or not isinstance(container, (ast.Name, ast.Attribute)):
        return None
    if isinstance(key, ast.Slice):
        most = _negated(key.upper, function) if key.lower is None else None
        return _Trim(node, container, most, function) if most is not None else None
    age = _age(key, function) if not isinstance(node, ast.Assign) else None
    return _Trim(node, container, age[0], function, age[1]) if age is not None else None


def _emptied_place(node: "Any") -> "tuple[Any, Any]":
    """(container, key or slice) of what a statement or a call removes or replaces; (None, None) of others."""
    import ast

    if isinstance(node, ast.Call):
        method: Any = node.func
        if isinstance(method, ast.Attribute) and method.attr in _REMOVES_ONE and node.args:
            return method.value, node.args[0]
    elif isinstance(node, (ast.Assign, ast.Delete)) and len(node.targets) == 1:
        place = node.targets[0]
        if isinstance(place, ast.Subscript):
            return place.value, place.slice
    return None, None


def _newest_of_itself(target: "Any", value: "Any", function: _Function) -> "float | None":
    """The n, where a value is the last n of the target, or those of its parts that are newer than n ago."""
    import ast

    def mentions_target(part: "Any") -> bool:
        return any(name_of(each) == name_of(target) and _is_same(each, target) for each in _walk(part))

    if isinstance(value, ast.IfExp) and tells_more_or_less(value.test):  # now, or another time
        value = value.body
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice):
        if mentions_target(value.value) and value.slice.upper is None:
            return _negated(value.slice.lower, function)
    elif isinstance(value, (ast.ListComp, ast.SetComp, ast.DictComp)):
        first = value.generators[0]
        if mentions_target(first.iter):
            ages = [_age(test, function) for test in first.ifs]
            return min((age[0] for age in ages if age is not None), default=None)
    return None


def _negated(part: "Any", function: _Function) -> "float | None":
    """The n of ``-n``."""
    import ast

    is_negated = isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub)
    return function.number(part.operand) if is_negated else None


def _age(key: "Any", function: _Function) -> "tuple[float, str] | None":
    """(n, the key without it), where a key is made of something less n, and n is more than 1."""
    import ast

    for part in _walk(key):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub):
            most = function.number(part.right)
            if most is not None and most > 1:
                return most, ast.unparse(key).replace(ast.unparse(part), ast.unparse(part.left))
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
        called = name_of(around.func)
        if called == "heappush" and around.args[:1] == [node]:
            return _Use()
        is_known = called in _HEAPS or (isinstance(around.func, ast.Name) and called in _LOOKING)
        return None if is_known else unknown
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
    bound = [value for value in function.bound.get(getattr(left, "id", ""), ()) if value is not None]
    if any(_may_be_a_fraction(part) for each in (left, *bound) for part in ast.walk(each)):
        return None
    limit = function.number(right)
    if isinstance(right, ast.Attribute) and name_of(left) is not None and not function.is_local(left):
        return None  # a format, perhaps, of an object's name
    return None if limit is None else limit + isinstance(operator, ast.BitAnd)


def _may_be_a_fraction(part: "Any") -> bool:
    import ast

    if isinstance(part, ast.Call):
        return name_of(part.func) in _CHANCE
    return isinstance(part, ast.Div) or (isinstance(part, ast.Constant) and isinstance(part.value, float))


def _room(container: "Any", function: _Function) -> "float | None":
    """The least bound on its length under which alone a store is reached; None where there is none."""
    found = [
        _bound(test, container, function, is_less=holds)
        for test, holds in conditions(container, function.around)
    ]
    return min((most for most in found if most is not None), default=None)


def _bound(test: "Any", container: "Any", function: _Function, *, is_less: bool) -> "float | None":
    """What the container's length is less than where a test holds, or, `is_less` off, where it does not."""
    import ast

    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _bound(test.operand, container, function, is_less=not is_less)
    if isinstance(test, ast.BoolOp):
        if not isinstance(test.op, ast.And if is_less else ast.Or):
            return None
        found = [_bound(each, container, function, is_less=is_less) for each in test.values]
        return min((most for most in found if most is not None), default=None)
    if not isinstance(test, ast.Compare) or len(test.ops) > 1:
        return None
    left, right = test.left, test.comparators[0]
    less, more = (ast.Lt, ast.LtE), (ast.Gt, ast.GtE)
    if _is_length(left, container):
        return function.number(right) if isinstance(test.ops[0], less if is_less else more) else None
    if _is_length(right, container):
        return function.number(left) if isinstance(test.ops[0], more if is_less else less) else None
    return None


def _is_length(part: "Any", container: "Any") -> bool:
    """Whether it is the length of a container, which is written in the same way."""
    counted = counted_by(part)
    return counted is not None and _is_same(counted, container)
