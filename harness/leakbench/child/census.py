"""A census: how large every container is at one instant, tracked by the collector or not.

Only type(), identity and C-level slots of exact types are used: an object that lies about its class,
or raises from ``__eq__``, ``__hash__`` or ``__len__``, is counted like any other. Types are told apart
by identity too, since a metaclass may define ``__hash__``.
"""

from __future__ import annotations

import gc
import sys
from collections import deque
from io import BytesIO, StringIO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

OBJECTS_CAP = 3_000_000
ATEXIT_ID = -1  # stands for the registry of exit functions, a C array and no object

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE, Include/object.h: set for every class that Python code made
_GC_HEADER_BYTES = 16
_POINTER_BYTES = 8


class _Sample:
    """Gives the types of descriptors that have no name in builtins."""

    def method(self) -> None:
        """Exist, so that its type can be taken."""


FUNCTION = type(_Sample.method)
MODULE = type(sys)
MEMBER = type(FUNCTION.__dict__["__closure__"])
GETSET = type(FUNCTION.__dict__["__code__"])

# Types that cannot grow, or whose growth shows elsewhere (a function's globals are a module's dict).
# Types themselves are no containers here: what a class holds is in its dict.
_FIXED_IDS = frozenset(
    map(
        id,
        (
            FUNCTION,
            MODULE,
            MEMBER,
            GETSET,
            type,
            property,
            staticmethod,
            classmethod,
            type(_Sample().method),
            type(_Sample.method.__code__),
            type(len),
            type(str.join),
            type(object.__init__),
            type([].__len__),
            type(dict.__dict__["fromkeys"]),
        ),
    )
)
# Their len() is C code and exact; the others report references, of which a dict has one or two an entry.
_OWN_LENGTH_IDS = frozenset(map(id, (dict, list, set)))

# Read a class as it is, whatever its metaclass would say.
type_mro = type.__dict__["__mro__"].__get__
type_dict = type.__dict__["__dict__"].__get__
type_name = type.__dict__["__name__"].__get__
type_flags = type.__dict__["__flags__"].__get__


class Census:
    """Sizes of all containers at one instant; holds identities and numbers, never an object."""

    __slots__ = ("capped", "ids", "sizes", "steps", "types")

    def __init__(
        self, steps: int, sizes: dict[int, int], types: dict[int, int], ids: set[int], *, capped: bool
    ) -> None:
        self.steps = steps  # steps run when it was taken
        self.sizes = sizes  # id(container) -> entries
        self.types = types  # id(type) -> live tracked objects of exactly that type
        self.ids = ids  # of every tracked object
        self.capped = capped  # more objects than the cap: only the older ones were counted

    def own_ids(self) -> set[int]:
        """Identities of the census's own structures, which must not be counted."""
        return {id(self), id(self.sizes), id(self.types), id(self.ids)}


def take_census(steps: int, ignored: Iterable[int] = (), objects_cap: int = OBJECTS_CAP) -> Census:
    """Count the entries of every container; the caller collects garbage first.

    A dict's, list's or set's size is its length, any other tracked object's the number of references
    that it reports to the collector (an lru_cache's links, the table of a C extension). Dicts of plain
    values are untracked up to 3.13 and bytearrays everywhere: they are found one reference further on.
    """
    objects = gc.get_objects()
    capped = len(objects) > objects_cap
    if capped:
        del objects[objects_cap:]
    type_ids = list(map(id, map(type, objects)))
    types: dict[int, int] = {}
    for type_id in type_ids:
        types[type_id] = types.get(type_id, 0) + 1
    sizes: dict[int, int] = {}
    get_referents = gc.get_referents
    own_length_ids = _OWN_LENGTH_IDS
    fixed_ids = _FIXED_IDS
    for each, type_id in zip(objects, type_ids):
        if type_id in own_length_ids:
            sizes[id(each)] = len(each)
        elif type_id not in fixed_ids:
            sizes[id(each)] = len(get_referents(each))
    referents = gc.get_referents(*objects)
    _add_untracked(sizes, referents)
    _add_c_storage(sizes, objects, types)
    ids = set(map(id, objects))
    for own in (objects, type_ids, types, sizes, referents, ids):
        sizes.pop(id(own), None)
    for identity in ignored:
        sizes.pop(identity, None)
    return Census(steps, sizes, types, ids, capped=capped)


def _add_untracked(sizes: dict[int, int], referents: list[Any]) -> None:
    """Add what the collector does not track, but an object that it tracks refers to."""
    array, moka = _array_type(), _moka_type()
    for each in referents:
        kind = type(each)
        if kind is dict or kind is bytearray or kind is array:
            sizes[id(each)] = len(each)
        elif kind is moka:
            sizes[id(each)] = entry_count(each)


def _add_c_storage(sizes: dict[int, int], objects: list[object], types: dict[int, int]) -> None:
    """Add what lies in C arrays: in-memory files, and the registry of exit functions."""
    for kind in _BUFFERS:
        if id(kind) in types:
            sizes.update({id(each): entry_count(each) for each in objects if type(each) is kind})
    atexit = sys.modules.get("atexit")
    if atexit is not None:
        sizes[ATEXIT_ID] = atexit._ncallbacks()  # noqa: SLF001  # nothing public counts them


def find_objects(wanted: set[int], objects_cap: int = OBJECTS_CAP) -> dict[int, object]:
    """Objects by identity, tracked ones and those one reference beyond; the dead are left out."""
    objects = gc.get_objects()
    del objects[objects_cap:]
    found = {id(each): each for each in objects if id(each) in wanted}
    if len(found) < len(wanted):
        found.update({id(each): each for each in gc.get_referents(*objects) if id(each) in wanted})
    return found


def size_of(each: Any) -> int:
    """The size that a census gives an object."""
    kind = type(each)
    if kind is dict or kind is list or kind is set or kind is bytearray or kind is _array_type():
        return len(each)
    if kind is _moka_type() or any(kind is buffer for buffer in _BUFFERS):
        return entry_count(each)
    return len(gc.get_referents(each))


def builtin_length(container: Any) -> int | None:
    """A container's length, asked of its builtin base; None for what has no such base."""
    kind = type(container)
    for base in type_mro(kind):
        measure = _LENGTH_BY_BASE_ID.get(id(base))
        if measure is not None:
            return int(measure(container))
    if kind is _array_type():
        return len(container)
    if kind is _moka_type():
        container.run_pending_tasks()  # until then entries are not counted
        return int(container.count())
    if any(kind is buffer for buffer in _BUFFERS):  # written to at the end, as a buffer that grows is
        return 0 if container.closed else int(container.tell())
    return None


def entry_count(container: Any) -> int:
    """A container's length; of other objects the references that they report."""
    length = builtin_length(container)
    return len(gc.get_referents(container)) if length is None else length


def shallow_bytes(each: object) -> int:
    """Bytes of one object without what it refers to, by C code alone; malloc's overhead is not in it."""
    kind = type(each)
    if not type_flags(kind) & _HEAP_TYPE:
        return sys.getsizeof(each)
    for base in type_mro(kind):
        measure = _SIZE_BY_BASE_ID.get(id(base))
        if measure is not None:
            return int(measure(each)) + _GC_HEADER_BYTES
    return object.__sizeof__(each) + _GC_HEADER_BYTES + _POINTER_BYTES * len(gc.get_referents(each))


_BUFFERS = (BytesIO, StringIO)
_LENGTH_BY_BASE_ID: dict[int, Any] = {
    id(base): base.__len__ for base in (dict, list, set, frozenset, tuple, bytearray, str, bytes, deque)
}
_SIZE_BY_BASE_ID = {
    id(base): base.__sizeof__
    for base in (dict, list, set, frozenset, tuple, str, bytes, bytearray, int, type, BaseException)
}


def _array_type() -> object:
    """``array.array`` where the program has imported it; it is never imported for its own sake."""
    return getattr(sys.modules.get("array"), "array", None)


def _moka_type() -> object:
    """``moka_py.Moka`` where the program has imported it: a cache that the collector does not see."""
    return getattr(sys.modules.get("moka_py"), "Moka", None)
