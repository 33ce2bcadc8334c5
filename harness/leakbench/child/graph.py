"""Which root reaches an object: a breadth-first walk over the references that the collector sees.

The walk goes over groups of roots in turn, the person's own modules first, so that a path through
a library's internals is given only where no other exists. Modules end a path: what a module holds
is found from that module, not from whoever imported it.
"""

from __future__ import annotations

import gc
import os
import sys

from leakbench.child.census import GETSET, MEMBER, MODULE, OBJECTS_CAP, type_dict, type_mro

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

_module_dict = vars(MODULE)["__dict__"].__get__
_PACKAGE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_CHILD_DIR = os.path.dirname(os.path.abspath(__file__))
_STDLIB_DIR = os.path.dirname(os.path.abspath(os.__file__))
_NEW_LOCALS = 0x2  # CO_NEWLOCALS: the code of a function
_INSTALLED_DIRS = ("site-packages", "dist-packages")

# Hold nothing on the way to a container.
_LEAF_IDS = frozenset(
    map(
        id,
        (
            str,
            int,
            float,
            bytes,
            bool,
            complex,
            type(None),
            GETSET,
            MEMBER,
            type(str.join),
            type(object.__init__),
            type(dict.__dict__["fromkeys"]),
            type(compile("0", "", "eval")),
        ),
    )
)


class Root:
    """Where a walk starts: an object, how Python would write it, and what kind of root it is."""

    __slots__ = ("anchor", "kind", "text")

    def __init__(self, anchor: object, text: str, kind: str) -> None:
        self.anchor = anchor
        self.text = text
        self.kind = kind  # "module global", "thread", "frame", "registry", "context", "unknown"


class Graph:
    """What a walk reached: each node once, by the first and so the shortest way."""

    __slots__ = ("capped", "index_by_id", "module_names", "nodes", "parents", "root_by_index")

    def __init__(self) -> None:
        self.nodes: list[object] = []
        self.parents: list[int] = []  # index of the node that led there; -1 for a root
        self.index_by_id: dict[int, int] = {}
        self.root_by_index: dict[int, Root] = {}
        self.module_names: dict[int, str] = {}  # by the identity of the module's dict
        self.capped = False

    def way_to(self, identity: int) -> list[int]:
        """Indices of the nodes from the root to an object; empty if it was not reached."""
        index = self.index_by_id.get(identity, -1)
        way = []
        while index >= 0:
            way.append(index)
            index = self.parents[index]
        way.reverse()
        return way


def walk(groups: list[list[Root]], targets: set[int], objects_cap: int = OBJECTS_CAP) -> Graph:
    """Walk from each group of roots in turn until every target is reached."""
    graph = Graph()
    index_by_id = graph.index_by_id
    modules = [root for group in groups for root in group if root.kind == "module global"]
    graph.module_names = {id(root.anchor): root.text for root in modules}
    for identity in _ends_of_ways(modules):
        index_by_id[identity] = -1
    missing = len(targets)
    for group in groups:
        start = len(graph.nodes)
        for root in group:
            if index_by_id.get(id(root.anchor), -1) >= 0:
                continue
            index_by_id[id(root.anchor)] = len(graph.nodes)
            graph.root_by_index[len(graph.nodes)] = root
            graph.nodes.append(root.anchor)
            graph.parents.append(-1)
            missing -= id(root.anchor) in targets
        missing = _spread(graph, start, targets, missing, objects_cap)
        if missing <= 0 or graph.capped:
            break
    return graph


def _ends_of_ways(modules: list[Root]) -> set[int]:
    """What no way leads through: modules, and the frames in which this search runs."""
    ends = {id(root.anchor) for root in modules}
    for module in list(sys.modules.values()):
        ends |= {id(module), id(module_dict(module))}
    frame: FrameType | None = sys._getframe()  # noqa: SLF001  # the documented way to the running frame
    while frame is not None:
        if frame.f_code.co_filename.startswith(_CHILD_DIR + os.sep):
            ends.add(id(frame))
        frame = frame.f_back
    return ends


def module_dict(module: object) -> dict[str, object] | None:
    """A module's namespace; None for what is no module. A lazy module is not made to load."""
    if not any(base is MODULE for base in type_mro(type(module))):
        return None
    found = _module_dict(module)
    return found if type(found) is dict else None


def _spread(graph: Graph, start: int, targets: set[int], missing: int, objects_cap: int) -> int:
    """Follow references from node `start` on; returns how many targets are still missing."""
    nodes, parents, index_by_id = graph.nodes, graph.parents, graph.index_by_id
    get_referents = gc.get_referents
    leaf_ids = _LEAF_IDS
    index = start
    while index < len(nodes) and missing > 0:
        for child in get_referents(nodes[index]):
            identity = id(child)
            if identity in index_by_id or id(type(child)) in leaf_ids:
                continue
            index_by_id[identity] = len(nodes)
            nodes.append(child)
            parents.append(index)
            if identity in targets:
                missing -= 1
        index += 1
        if len(nodes) > objects_cap:
            graph.capped = True
            break
    return missing


def root_groups(step: object, named: Mapping[str, object] | None) -> list[list[Root]]:
    """All roots, in the order in which a path through them is preferred."""
    first: list[Root] = []
    taken: set[int] = set()
    for name, namespace in (named or {}).items():
        if namespace is not None:
            taken.add(id(namespace))
            first.append(Root(namespace, name, "module global"))
    own: list[Root] = []
    installed: list[Root] = []
    stdlib: list[Root] = []
    home = step_globals(step)
    for key, module in list(sys.modules.items()):
        namespace = module_dict(module)
        if namespace is None or id(namespace) in taken or type(key) is not str:
            continue
        file = namespace.get("__file__")
        path = os.path.abspath(file) if type(file) is str else ""
        if _is_instrument(key, path):
            continue
        taken.add(id(namespace))
        root = Root(namespace, module_name(key, path), "module global")
        if namespace is home:
            first.append(root)
        elif any(part in path for part in _INSTALLED_DIRS):
            installed.append(root)
        elif not path or path.startswith(_STDLIB_DIR):
            stdlib.append(root)
        else:
            own.append(root)
    if home is not None and id(home) not in taken:
        file = home.get("__file__")
        first.append(Root(home, module_name(str(home.get("__name__")), str(file or "")), "module global"))
    threads, frames = frame_roots()
    last = [*frames, *_context_roots(), Root(step, _callable_name(step), "unknown")]
    return [first, own, installed, threads, stdlib, last]


def module_name(key: str, path: str) -> str:
    """A module's name; one that was started as a script goes by its file's stem."""
    if key != "__main__":
        return key
    return os.path.splitext(os.path.basename(path))[0] or key


def step_globals(step: object) -> dict[str, object] | None:
    """The module dict of the function behind a step: partials and bound methods are looked through."""
    for _ in range(16):
        found = _read(step, "__globals__")
        if type(found) is dict:
            return found
        for name in ("func", "__func__", "__wrapped__"):
            inner = _read(step, name)
            if inner is not None:
                step = inner
                break
        else:
            return None
    return None


def _callable_name(step: object) -> str:
    name = _read(step, "__name__")
    return name if type(name) is str else "step"


def _read(each: object, name: str) -> object:
    """An attribute that C code answers; None for everything that a person's class might compute."""
    for base in type_mro(type(each)):
        found = type_dict(base).get(name)
        if type(found) is MEMBER or type(found) is GETSET:
            try:
                return found.__get__(each, type(each))
            except (AttributeError, ValueError):
                return None
    return None


def _is_instrument(key: str, path: str) -> bool:
    """Tell whether a module is part of leakbench itself, its scenarios and mitigations excepted."""
    if key.startswith(("leakbench.scenarios", "leakbench.mitigations")):
        return False
    return key == "leakbench" or key.startswith("leakbench.") or path.startswith(_CHILD_DIR + os.sep)


def _is_own_file(path: str) -> bool:
    """Tell whether code belongs to leakbench itself, its scenarios and mitigations excepted."""
    head, separator, rest = path.partition(_PACKAGE_DIR + os.sep)
    return not head and bool(separator) and not rest.startswith(("scenarios", "mitigations"))


def frame_roots() -> tuple[list[Root], list[Root]]:
    """Frames of the other threads, and of this one as far as they are not the instrument's own."""
    names = _thread_names()
    current = sys._getframe()  # noqa: SLF001  # see above
    threads: list[Root] = []
    frames: list[Root] = []
    for ident, top in sys._current_frames().items():  # noqa: SLF001  # documented as it is
        frame: FrameType | None = top
        mine = False
        roots: list[Root] = []
        while frame is not None:
            mine = mine or frame is current
            if not _is_own_file(frame.f_code.co_filename):
                roots += _local_roots(frame)
            frame = frame.f_back
        where = f"thread {names.get(ident, ident)!r}"
        for root in roots:
            if mine:
                root.kind = "frame"
                frames.append(root)
            else:
                root.text = f"{where} {root.text}"
                threads.append(root)
    return threads, frames


def _thread_names() -> dict[int, object]:
    """Threads' names by their identifiers, read where Thread keeps them."""
    active = (module_dict(sys.modules.get("threading")) or {}).get("_active")
    if type(active) is not dict:
        return {}
    return {ident: getattr(thread, "_name", ident) for ident, thread in list(active.items())}


def _local_roots(frame: FrameType) -> list[Root]:
    """The local variables of a running frame, which does not report them to the collector."""
    if frame.f_locals is frame.f_globals or frame.f_code.co_flags & _NEW_LOCALS == 0:
        return []  # a module's body, or a class's with a namespace of its metaclass's own
    return [
        Root(value, f"local {name!r} of {frame.f_code.co_name}()", "thread")
        for name, value in dict(frame.f_locals).items()
        if id(type(value)) not in _LEAF_IDS
    ]


def _context_roots() -> list[Root]:
    """The values of the running context's variables, where the program uses any."""
    module = sys.modules.get("contextvars") or sys.modules.get("_contextvars")
    if module is None:
        return []
    return [
        Root(value, f"contextvar {variable.name!r}", "context")
        for variable, value in module.copy_context().items()
    ]
