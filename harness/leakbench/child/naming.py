"""The way from a root to a container, written as Python would write it.

Nothing here runs a person's code: attributes are looked up in the dicts and slots where they lie,
never through getattr.
"""

from __future__ import annotations

import sys
import weakref
from collections import deque

from leakbench.child.census import FUNCTION, GETSET, MEMBER, type_dict, type_mro, type_name
from leakbench.child.graph import module_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from leakbench.child.graph import Graph

type_base = type.__dict__["__base__"].__get__
_type_module = type.__dict__["__module__"].__get__
_type_qualname = type.__dict__["__qualname__"].__get__
_KEY_LENGTH = 40
_LOCAL_LINKS = 3  # thread-local -> its table -> this thread's dict -> the value


async def _coroutine() -> None: ...


_suspended = _coroutine()
_SUSPENDED = (type(_ for _ in ()), type(_suspended))
_suspended.close()


def _closure(kept: object) -> Callable[[], object]:
    return lambda: kept


_CELL = type((_closure(0).__closure__ or (None,))[0])
_FRAME = type(sys._getframe())  # noqa: SLF001  # no name for the type outside the types module

# Read-only C getters that hand out what is there already and have no side effect.
_QUIET_GETTERS = frozenset(
    {
        "__defaults__",
        "__kwdefaults__",
        "__closure__",
        "__annotations__",
        "__traceback__",
        "__context__",
        "__cause__",
        "args",
        "tb_next",
        "tb_frame",
        "__callback__",
        "_exception",
        "_result",
        "_callbacks",
        "_coro",
        "_context",
    }
)


class Path:
    """Where a container is held."""

    __slots__ = ("chain", "root", "text")

    def __init__(self, text: str, root: str, chain: list[str]) -> None:
        self.text = text  # as Python would write it
        self.root = root  # kind of root
        self.chain = chain  # the same in words, link by link


def is_class(each: object) -> bool:
    """Tell whether it is a class, whatever its metaclass says."""
    return any(base is type for base in type_mro(type(each)))


def type_label(kind: type) -> str:
    """A type's name, with its module unless it is a builtin."""
    module = _type_module(kind)
    name = str(_type_qualname(kind))
    if name == "_lru_cache_wrapper":
        return "functools.lru_cache"
    return f"{module}.{name}" if type(module) is str and module != "builtins" else name


def canonical_name(each: Any, module_names: Mapping[int, str]) -> str | None:
    """``module.qualified.name`` of a class or function that can be reached by it; else None.

    `module_names`: by the identity of a module's dict, as the paths are to call it.
    """
    if is_class(each):
        module, qualname = type_dict(each).get("__module__"), _type_qualname(each)
    elif type(each) is FUNCTION:
        module, qualname = each.__module__, each.__qualname__
    else:
        return None
    if type(module) is not str or type(qualname) is not str:
        return None
    loaded = module_dict(sys.modules.get(module))
    namespace = loaded
    found: object = None
    for part in qualname.split("."):
        if namespace is None:
            return None
        found = namespace.get(part)
        namespace = type_dict(found) if is_class(found) else None
    if found is not each:
        return None
    return f"{module_names.get(id(loaded), module)}.{qualname}"


def _usual_name(each: object) -> str | None:
    """The name that people use for an object which every module's logger leads to."""
    logging = module_dict(sys.modules.get("logging")) or {}
    root = logging.get("root")
    if root is not None and each is root:
        return "logging.root"
    logger = logging.get("Logger")
    manager = type_dict(logger).get("manager") if is_class(logger) else None
    return "logging.root.manager" if manager is not None and each is manager else None


def instance_dict(each: object) -> dict[str, object] | None:
    """An instance's attributes, if it has a dict of its own."""
    for base in type_mro(type(each)):
        getter = type_dict(base).get("__dict__")
        if type(getter) is GETSET or type(getter) is MEMBER:
            try:
                found = getter.__get__(each, type(each))
            except (AttributeError, TypeError):
                return None
            return found if type(found) is dict else None
    return None


def _slots(each: object) -> Iterator[tuple[str, object]]:
    """Names and values of what lies in C-level slots."""
    for base in type_mro(type(each)):
        for name, descriptor in list(type_dict(base).items()):
            if type(descriptor) is MEMBER or (type(descriptor) is GETSET and name in _QUIET_GETTERS):
                try:
                    yield name, descriptor.__get__(each, type(each))
                except Exception:  # noqa: BLE001, S112  # an empty slot raises what its type likes
                    continue


def key_text(key: object) -> str:
    """A mapping's key, short, without running its repr unless that is Python's own."""
    if type(key) in (str, int, bytes, bool, float, type(None)):
        text = repr(key)
        return text if len(text) <= _KEY_LENGTH else text[: _KEY_LENGTH - 1] + "…"
    if type(key) is tuple and len(key) <= 4:  # noqa: PLR2004  # longer keys say no more
        return "(" + ", ".join(map(key_text, key)) + ")"
    return f"<{type_name(type(key))}>"


def _key_of(mapping: dict[object, object], child: object) -> str | None:
    for key, value in list(dict.items(mapping)):
        if value is child:
            return f"[{key_text(key)}]"
        if key is child:
            return f" key {key_text(key)}"
    return None


def _attribute_of(mapping: dict[str, object], child: object) -> str | None:
    for key, value in list(dict.items(mapping)):
        if value is child and type(key) is str:
            return f".{key}" if key.isidentifier() else f".__dict__[{key!r}]"
    return None


def _has_base(each: object, *bases: type) -> bool:
    return any(kind is base for kind in type_mro(type(each)) for base in bases)


def _index_of(items: Iterator[object], child: object) -> str | None:
    for index, item in enumerate(list(items)):
        if item is child:
            return f"[{index}]"
    return None


def _function_edge(function: Any, rest: list[object]) -> tuple[str, int] | None:
    """What a function keeps: the cells of its closure, by the name that its code gives them."""
    if id(rest[0]) != id(function.__closure__) or len(rest) == 1:
        return None
    for name, cell in zip(function.__code__.co_freevars, function.__closure__):
        if cell is rest[1]:
            return f".<locals> cell {name!r}", min(len(rest), 3)
    return None


def _local_of(frame: Any, child: object) -> str | None:
    """`child` as a local variable of a suspended frame."""
    if type(frame) is not _FRAME:
        return None
    for name, value in dict(frame.f_locals).items():
        if value is child:
            return f".f_locals[{name!r}]"
    return None


def _suspended_edge(parent: object, child: object) -> str | None:
    """A local variable that a generator or coroutine keeps while it waits."""
    for name in ("gi_frame", "cr_frame", "ag_frame"):
        frame = getattr(parent, name, None)
        text = _local_of(frame, child)
        if text is not None:
            return f".{name}{text}"
    return None


def _edge(parent: object, rest: list[object]) -> tuple[str, int]:
    """How the first of `rest` hangs on `parent`, and how many links that covers."""
    return (
        (_function_edge(parent, rest) if type(parent) is FUNCTION else None)
        or _namespace_edge(parent, rest)
        or _single_edge(parent, rest[0])
        or (f" -> {type_name(type(rest[0]))}", 1)
    )


def _namespace_edge(parent: object, rest: list[object]) -> tuple[str, int] | None:
    """An attribute behind the dict that carries it: of a class, an instance, a thread-local."""
    child = rest[0]
    if type(child) is dict and (is_class(parent) or instance_dict(parent) is child):
        attribute = _attribute_of(child, rest[1]) if len(rest) > 1 else ".__dict__"
        return (attribute, min(len(rest), 2)) if attribute else None
    if len(rest) > _LOCAL_LINKS - 1 and type_name(type(parent)) == "_local" and type(rest[1]) is dict:
        # one dict a thread, in a table whose keys are no names
        attribute = _attribute_of(rest[1], rest[2])
        return (attribute, _LOCAL_LINKS) if attribute else None
    return None


def _single_edge(parent: Any, child: object) -> tuple[str, int] | None:
    """What takes one link: a key, an index, an attribute, a slot."""
    kind = type(parent)
    text: str | None = None
    if kind is _FRAME:
        text = _local_of(parent, child)
    elif kind in _SUSPENDED:
        text = _suspended_edge(parent, child)
    elif kind is staticmethod or kind is classmethod:
        return "", 1  # a class hands out what is inside
    elif kind is _CELL:
        text = ".cell_contents"
    elif _has_base(parent, dict):
        text = _key_of(parent, child)
    elif _has_base(parent, list, tuple, deque):
        base = next(each for each in type_mro(kind) if any(each is one for one in (list, tuple, deque)))
        text = _index_of(base.__iter__(parent), child)
    if text is None:
        text = _attribute_of(instance_dict(parent) or {}, child)
    if text is None:
        text = next((f".{name}" for name, value in _slots(parent) if value is child), None)
    return None if text is None else (text, 1)


def path_to(graph: Graph, identity: int, beyond: Sequence[object] = ()) -> Path | None:
    """The way to an object that the walk reached, and on to `beyond`; None if it was not reached."""
    way = graph.way_to(identity)
    if not way:
        return None
    root = graph.root_by_index[way[0]]
    objects = [*(graph.nodes[index] for index in way), *beyond]
    text, kind, start = root.text, root.kind, 0
    chain = [f"module {root.text}" if kind == "module global" else root.text]
    for position in range(len(objects) - 1, 0, -1):
        name = canonical_name(objects[position], graph.module_names)
        if name is not None:
            text, start = name, position
            chain = [f"{'class' if is_class(objects[position]) else 'function'} {name}"]
            kind = "class attribute" if is_class(objects[position]) else "module global"
            break
        usual = _usual_name(objects[position])
        if usual is not None:
            text, kind, start, chain = usual, "module global", position, [f"global {usual}"]
            break
    position = start
    while position < len(objects) - 1:
        parent = objects[position]
        if position == 0 and kind == "module global":
            piece, covered = _attribute_of(parent, objects[1]) or ".<?>", 1  # type: ignore[arg-type]  # a module's dict, by kind
            chain.append(f"global {piece[1:]}")
        else:
            piece, covered = _edge(parent, objects[position + 1 :])
            owner = parent if is_class(parent) else type(parent)
            chain.append(f"{type_name(owner)}{piece}")
        if "<locals> cell" in piece:
            kind = "closure cell"
        text += piece
        position += covered
    chain.append(type_name(type(objects[-1])))
    return Path(text, kind, chain)


def subclasses_of(table: object) -> str | None:
    """``Base.__subclasses__()`` if that is what a dict without a root is: weak references to classes.

    A class keeps it out of the collector's sight, since it holds nothing; it grows with what does.
    """
    newest = next(reversed(list(dict.values(table))), None) if type(table) is dict else None
    found = newest() if type(newest) is weakref.ref else None
    if found is None or not is_class(found):
        return None
    base = type_base(found)
    return f"{canonical_name(base, {}) or type_label(base)}.__subclasses__()"
