"""Code that would remove entries from what grows, but has not run while it grew.

A cache that has not reached its bound, and a buffer before its flush, look exactly like a leak from
outside. The code tells them apart: the function that touches the container also has a line that takes
entries out, and that line has not run yet. A leak has no such line, or it runs and does not help. And a map
whose keys come again ends to grow without any (`ending`).
"""

import dis
import linecache
import sys
import time

from leakbench.child.ending import all_ending_stores, ending_stores, may_end
from leakbench.child.syntax import (
    bindings,
    branches_of,
    class_of,
    counted_by,
    function_at,
    name_of,
    nodes_of,
    number_of,
    tells_more_or_less,
    tests_before,
    tree_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping
    from types import CodeType, FrameType
    from typing import Any

_REMOVERS = frozenset({
    "__delitem__", "cache_clear", "clear", "discard", "evict", "expire", "pop", "popitem", "popleft", "purge",
    "remove", "trim",
})  # fmt: skip
_DELETES = frozenset({"DELETE_SUBSCR", "STORE_SLICE"})
_REBINDS = frozenset(
    {"STORE_ATTR", "STORE_GLOBAL", "STORE_DEREF", "DELETE_ATTR", "DELETE_GLOBAL", "DELETE_DEREF"}
)
_SLICE_STORES = frozenset({"STORE_SUBSCR"})
_PROCESS_IDS = frozenset({"getpid", "pid"})
_BUILTIN = frozenset({
    "bytearray", "Counter", "defaultdict", "deque", "dict", "list", "OrderedDict", "set", "str", "tuple",
})  # fmt: skip
_FLAG = object()  # stands for what is set to a constant: a container is not
_PROFILED_STEPS = 64
_PROFILED_SECONDS = 0.05
_READING_SECONDS = 0.25


def find_dormant(
    step: "Callable[[int], object]",
    first_step: int,
    growing: "Mapping[str, str]",
    budget_seconds: float,
    waiting_codes: "Iterable[CodeType]" = (),
) -> "dict[str, Any]":
    """Run the step on, and tell which removing instructions do not run.

    growing: the types of the growing containers, by their paths (``service.SESSIONS``: ``dict``). Returns
    ``dormant``, a list of {file, line, function, text}, those that store only so many entries with
    ``most_entries``, those that wait for so many with ``at_entries``; ``woken``, lines that did run, but only
    in this watch for all that is known; and ``steps``, how many were watched. No more steps are run than
    `budget_seconds` allow; where no code can remove from the containers, only a few. waiting_codes: of what
    waits to go on, as tasks do, beside threads, which are found.
    """
    named = {path: names for path in growing if (names := names_in(path))}
    wanted = frozenset(names[-1] for names in named.values())
    owners = frozenset(name for names in named.values() for name in names)
    lists = frozenset(names[-1] for path, names in named.items() if growing[path] == "list")
    classes = frozenset(kind.rpartition(".")[2] for kind in growing.values()) - _BUILTIN
    inside = any(path.endswith("]") for path in growing)  # an entry of something grows, not its entries alone
    codes, done = _codes_run(step, first_step, budget_seconds)
    own = {code for code in codes if classes and class_of(code) in classes}  # a container's own methods
    removing = {
        code: _removing(code, wanted, owners, replaced=inside)
        for code in codes
        if code in own or _mentions(code, wanted)
    }
    removing = {code: places for code, places in removing.items() if places}
    # What other threads are about to do waits for their time: it has not helped while this one looked on.
    elsewhere = {
        code: _removing(code, wanted, owners)
        for code in (*_codes_of_other_threads(), *waiting_codes)
        if _mentions(code, wanted)
    }
    all_waiting = _waiting(removing, owners, time.perf_counter() + max(budget_seconds, _READING_SECONDS))
    watched = _watch(step, first_step + done, removing, budget_seconds) if removing else 0
    left = {(code, line) for code, places in removing.items() for line in places.values()}
    waiting = [each for each in all_waiting if each in left]
    others = [
        (code, line)
        for code, places in elsewhere.items()
        for line in sorted(set(places.values()))
        if _may_take_from(code, line, owners)
    ]
    deadline = time.perf_counter() + budget_seconds
    ending = []
    if budget_seconds > 0 and not growing:
        ending = all_ending_stores(codes, deadline)
    elif budget_seconds > 0 and wanted and not inside:
        ending = ending_stores(codes, wanted, deadline, lists)
    return {
        "dormant": [
            *[{**_place(*each), "at_entries": _entries_at(*each, wanted)} for each in waiting],
            *[_place(*each) for each in others],
            *[{**_place(code, line), "most_entries": most} for code, line, most in ending],
        ],
        "woken": [_place(*each) for each in all_waiting if each not in waiting],
        "steps": done + watched,
    }


def _waiting(
    removing: "dict[CodeType, dict[int, int]]", owners: "frozenset[str]", deadline: float
) -> "list[tuple[CodeType, int]]":
    """The lines that may remove from the containers once there is more, or later; as many as can be read."""
    return [
        (code, line)
        for code, places in removing.items()
        for line in sorted(set(places.values()))
        if time.perf_counter() < deadline
        and _waits_for_a_number(code, line)
        and _may_take_from(code, line, owners)
    ]


def _place(code: "CodeType", line: int) -> "dict[str, Any]":
    return {
        "file": code.co_filename,
        "line": line,
        "function": code.co_name,
        "text": linecache.getline(code.co_filename, line).strip(),
    }


class _EveryName:
    """Stands for the names of all containers, while it is not known which of them grows."""

    def __contains__(self, name: object) -> bool:
        return True


def may_remove(
    step: "Callable[[int], object]",
    first_step: int,
    budget_seconds: float,
    waiting_codes: "Iterable[CodeType]" = (),
) -> "tuple[bool, int]":
    """Whether `find_dormant` might name a line for some container; and how many steps were run to tell.

    False where no code that a step runs, or another thread is in, takes anything out of anything under a test
    that growth or time may bring about, nor stores anything under a key that comes again. True where there is
    more code than can be read in `budget_seconds`.
    """
    deadline = time.perf_counter() + budget_seconds
    codes, done = _codes_run(step, first_step, budget_seconds)
    every_name = _EveryName()
    here = (
        _waits_for_a_number(code, line) or time.perf_counter() > deadline
        for code in codes
        for line in set(_removing(code, every_name, every_name, replaced=True).values())
    )
    elsewhere = (
        bool(_removing(code, every_name, every_name)) for code in (*_codes_of_other_threads(), *waiting_codes)
    )
    return any(here) or any(elsewhere) or may_end(codes, deadline), done


def _codes_of_other_threads() -> "set[CodeType]":
    """The code objects in which other threads of Python's are at the moment, and what timers are to call."""
    import _thread
    from types import FunctionType

    timer = getattr(sys.modules.get("threading"), "Timer", None)
    codes: set[CodeType] = set()
    for thread, top in sys._current_frames().items():  # noqa: SLF001  # documented, in spite of its name
        frame: FrameType | None = top if thread != _thread.get_ident() else None
        while frame is not None:
            codes.add(frame.f_code)
            owner: Any = frame.f_locals.get("self")
            if timer is not None and type(owner) is timer and type(owner.function) is FunctionType:
                codes.add(owner.function.__code__)
            frame = frame.f_back
    return codes


def names_in(path: str) -> "list[str]":
    """The identifiers of a holder's path, the container's last.

    ``service.SESSIONS`` → service, SESSIONS; ``a[1].c[3]`` → a, c; ``local 'rows' of work()`` → work, rows.
    """
    import re

    path = path.removesuffix(".cache_info()")  # a function's cache goes by the function's name
    path = re.sub(r"f_locals\['(\w+)'\]", r"\1", path)
    path = re.sub(r"local '(\w+)' of (\w+)\(\)", r"\2.\1", path)
    return re.findall(r"[A-Za-z_]\w*", re.sub(r"\[[^\]]*\]|\([^)]*\)", "", path))


def _codes_run(
    step: "Callable[[int], object]", first_step: int, budget_seconds: float
) -> "tuple[set[CodeType], int]":
    """The code objects that a few steps run."""
    codes: set[CodeType] = set()

    def note(frame: "FrameType", event: str, _argument: object) -> None:
        if event == "call":
            codes.add(frame.f_code)

    deadline = time.perf_counter() + min(budget_seconds, _PROFILED_SECONDS)
    done = 0
    sys.setprofile(note)
    try:
        while done < _PROFILED_STEPS and (done == 0 or time.perf_counter() < deadline):
            step(first_step + done)
            done += 1
    finally:
        sys.setprofile(None)
    return codes, done


def _mentions(code: "CodeType", wanted: "Container[str]") -> bool:
    names = (code.co_names, code.co_freevars, code.co_cellvars, code.co_varnames)
    return any(name in wanted for group in names for name in group)


def _removing(
    code: "CodeType", wanted: "Container[str]", owners: "Container[str]", *, replaced: bool = False
) -> "dict[int, int]":
    """Where a function that touches a container may take entries out of it, or calls what does.

    Offsets of instructions, with their lines: a line may hold both the test and the removal. Another object
    in the place of an owner takes all away, and of an entry too, where it is inside one that something grows
    (`replaced`). What an ``__init__`` binds is the new object's own.
    """
    places: dict[int, int] = {}
    line = code.co_firstlineno
    before = ""
    for instruction in dis.get_instructions(code):
        line = _line_begun(instruction) or line
        name = str(instruction.argval)
        if (
            instruction.opname in _DELETES
            or (replaced and instruction.opname == "STORE_SUBSCR" and line in _lines_that_empty(code))
            or (instruction.opname in _SLICE_STORES and before == "BUILD_SLICE")
            or (instruction.opname in _REBINDS and name in owners and code.co_name != "__init__")
            or (
                _is_lookup(instruction.opname)
                and (name in _REMOVERS or _calls_remover(name, code, line, wanted))
            )
        ):
            places[instruction.offset] = line
        before = instruction.opname
    return places


_emptying: "dict[CodeType, set[int]]" = {}


def _lines_that_empty(code: "CodeType") -> "set[int]":
    """The lines that put something new and empty into the place of an entry: ``STATE["rows"] = []``."""
    import ast

    if code not in _emptying:
        _emptying[code] = {
            line
            for node in nodes_of(code)
            if isinstance(node, ast.Assign)
            and any(isinstance(target, ast.Subscript) for target in node.targets)
            and _is_new_and_empty(node.value)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }
    return _emptying[code]


def _is_new_and_empty(value: "Any") -> bool:
    import ast

    if isinstance(value, ast.Call):
        return not value.args and not value.keywords
    if isinstance(value, ast.Dict):
        return not value.keys
    return isinstance(value, (ast.List, ast.Set)) and not value.elts


def _line_begun(instruction: "Any") -> "int | None":
    """The line an instruction opens, or None; Python 3.13 renamed the field."""
    if sys.version_info >= (3, 13):
        return instruction.line_number if instruction.starts_line else None
    line: int | None = instruction.starts_line
    return line


def _is_lookup(opname: str) -> bool:
    return opname.startswith(("LOAD_METHOD", "LOAD_ATTR", "LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"))


def _calls_remover(name: str, code: "CodeType", line: int, wanted: "Container[str]") -> bool:
    """Whether a line calls a function of the same file that touches a container and takes from it."""
    others = _functions_of_file(code.co_filename).get(name, ())
    if not others or name + "(" not in linecache.getline(code.co_filename, line):
        return False
    return any(
        instruction.opname in _DELETES
        or instruction.argval in _REMOVERS
        or (instruction.opname in _REBINDS and instruction.argval in wanted)
        for other in others
        if other is not code and _mentions(other, wanted)
        for instruction in dis.get_instructions(other)
    )


_by_file: "dict[str, dict[str, list[CodeType]]]" = {}


def _functions_of_file(file: str) -> "dict[str, list[CodeType]]":
    """Code of every living function defined in a file, by name."""
    if file not in _by_file:
        import gc
        from types import FunctionType

        found: dict[str, list[CodeType]] = {}
        for each in gc.get_objects():
            if type(each) is FunctionType and each.__code__.co_filename == file:
                found.setdefault(each.__code__.co_name, []).append(each.__code__)
        _by_file[file] = found
    return _by_file[file]


def _watch(
    step: "Callable[[int], object]",
    first_step: int,
    removing: "dict[CodeType, dict[int, int]]",
    budget_seconds: float,
) -> int:
    """Run steps until every removal has run, or the budget is spent; takes off those that did."""

    def local(frame: "FrameType", event: str, _argument: object) -> "Any":
        if event == "opcode":
            removing[frame.f_code].pop(frame.f_lasti, None)
        return local

    def call(frame: "FrameType", _event: str, _argument: object) -> "Any":
        if not removing.get(frame.f_code):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return local

    deadline = time.perf_counter() + budget_seconds
    done = 0
    sys.settrace(call)
    try:
        while any(removing.values()) and time.perf_counter() < deadline:
            step(first_step + done)
            done += 1
    finally:
        sys.settrace(None)
    return done


def _may_take_from(code: "CodeType", line: int, owners: "frozenset[str]") -> bool:
    """Whether what a line removes from may be the container, or what leads to it.

    ``words.pop()`` takes nothing from LOG, where `words` is a list of the function's own. True without the
    source, and for what no name tells.
    """
    import ast

    function = function_at(code)
    if function is None:
        return True
    owned = owners - set(code.co_varnames)  # a local may bear a module's name
    for node in nodes_of(code):  # other names of it, or of a part of it
        for target, value in bindings(node):
            if any(name_of(part) in owned for part in ast.walk(value)):
                owned |= {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
    known = owned | {"self", "cls"} | {each.arg for each in nodes_of(code) if isinstance(each, ast.arg)}
    here = [node for node in nodes_of(code) if hasattr(node, "lineno")]
    emptied = [
        place
        for node in here
        if node.lineno <= line <= (node.end_lineno or node.lineno)
        for place in _emptied(node, code.co_filename)
    ]
    return not emptied or any(
        place is not _FLAG and (name_of(place) is None or name_of(place) in known) for place in emptied
    )


def _emptied(node: "Any", file: str) -> "list[Any]":
    """The expressions that a node may take entries from: a method's object, ``del``'s, an assignment's.

    Of a function of the same file nobody knows what it takes from: the call itself stands for it.
    """
    import ast

    if isinstance(node, ast.Call):
        called = name_of(node.func)
        if called in _functions_of_file(file):
            return [node]
        return [node.func.value] if isinstance(node.func, ast.Attribute) and called in _REMOVERS else []
    is_constant = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    if is_constant and node.value.value not in (None, "", b""):  # with an empty text what grows begins anew
        return [_FLAG]
    if isinstance(node, (ast.Assign, ast.Delete)):
        return [each.value if isinstance(each, ast.Subscript) else each for each in node.targets]
    return []


def _waits_for_a_number(code: "CodeType", line: int) -> bool:
    """Whether a removal stands under a test that compares, counts or asks: growth or time may bring it about.

    ``if len(cache) > bound`` does; ``if self.target``, ``if rows is None``, ``if key in rows`` and an
    ``except`` do not. True without the source.
    """
    import ast

    tree = tree_of(code.co_filename)
    if tree is None:
        return True
    tests = [
        node.test
        for node in branches_of(code.co_filename)
        if code.co_firstlineno <= node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    function = function_at(code)
    if function is not None:
        tests += tests_before(function, line)
    if not tests:
        return not linecache.getline(code.co_filename, line)
    return any(
        tells_more_or_less(test)
        for test in tests
        if not any(_is_process_id(part) for part in ast.walk(test))  # waits for a fork: clears another's copy
    )


def _entries_at(code: "CodeType", line: int, wanted: "Container[str]") -> "int | None":
    """How many entries of a container a removal waits for, which stands under ``if len(rows) > number``."""
    import ast

    for node in nodes_of(code):
        if not isinstance(node, (ast.If, ast.While)) or not isinstance(node.test, ast.Compare):
            continue
        body: list[Any] = node.body
        if not body[0].lineno <= line <= (body[-1].end_lineno or body[-1].lineno):
            continue
        name = name_of(counted_by(node.test.left))
        if name is None or name not in wanted or name in code.co_varnames:
            continue
        if isinstance(node.test.ops[0], (ast.Gt, ast.GtE, ast.Eq)):
            return number_of(node.test.comparators[0], code.co_filename)
    return None


def _is_process_id(part: "Any") -> bool:
    """Whether a part of an expression is called a process id: ``pid``, ``cls._pid``, ``os.getpid``."""
    return (name_of(part) or "").lstrip("_") in _PROCESS_IDS
