"""A buffer from a C library that nobody frees.

Mechanism: a function of a C library returns memory that its caller has to free. The wrapper copies the
result into a Python object and forgets. Nothing in Python knows of the buffer: no object refers to it, the
collector does not list it and ``sys.getallocatedblocks()`` does not count it; the allocator does.

Who retains: nobody. The address is gone; the allocator holds the block as in use.

Seen in the wild: Fiona#337 and xxtea-python#5 (buffers allocated in C, never freed).

Each step has ``PyMem_RawMalloc``, where extension modules take such buffers from, stand for that library.
tracemalloc sees that one, as it would not see a library's own malloc. A ``malloc`` or ``free`` looked up by
ctypes would not do: it goes past the hooks of memray, which patches the calls that libraries make.
"""

from leakbench.contract import Parameter, Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Library:
    """A library written in C that hands out buffers, and how many of them are out."""

    def __init__(self) -> None:
        import ctypes

        self._allocate = ctypes.pythonapi.PyMem_RawMalloc
        self._allocate.argtypes, self._allocate.restype = (ctypes.c_size_t,), ctypes.c_void_p
        self._release = ctypes.pythonapi.PyMem_RawFree
        self._release.argtypes, self._release.restype = (ctypes.c_void_p,), None
        self._write = ctypes.memmove
        self.copy = ctypes.string_at
        self.out = 0

    def duplicate(self, text: bytes) -> int:
        """The address of a copy of `text`, which is the caller's to free."""
        address: int = self._allocate(len(text))
        self._write(address, text, len(text))
        self.out += 1
        return address

    def free(self, address: int) -> None:
        self._release(address)
        self.out -= 1


class NativeBuffer:
    """The workload: one text a step, received from the library."""

    def __init__(self, make: "Callable[[Library], Callable[[bytes], bytes]]", run: Run) -> None:
        self._library = Library()
        self._receive = make(self._library)
        self._text = b"x" * run.params["text_bytes"]
        self._lost = 0

    def step(self, i: int) -> None:
        self._lost += self._receive(self._text) != self._text

    def counts(self) -> "dict[str, int | float]":
        """Live is none: a text is copied out of its buffer within the step."""
        return {"live_entries": 0, "retained_entries": self._library.out, "lost_entries": self._lost}


SCENARIO = Scenario(
    "native-buffer",
    NativeBuffer,
    kind="pattern",
    title="A buffer from a C library that nobody frees",
    params={"text_bytes": Parameter(256, 1, 1 << 20, "bytes of a text")},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    requires=("ctypes",),
    holder="native",
    summary="the result is copied out and the buffer forgotten",
    cost="invisible to every tool that counts Python objects",
)
def none(library: Library) -> "Callable[[bytes], bytes]":
    def receive(text: bytes) -> bytes:
        return library.copy(library.duplicate(text), len(text))

    return receive


@SCENARIO.mitigation(
    "freed",
    verdict="steady",
    requires=("ctypes",),
    summary="freed in a finally, as soon as it is copied",
    cost="one more call into C",
)
def freed(library: Library) -> "Callable[[bytes], bytes]":
    def receive(text: bytes) -> bytes:
        address = library.duplicate(text)
        try:
            return library.copy(address, len(text))
        finally:
            library.free(address)

    return receive


@SCENARIO.mitigation(
    "finalizer",
    verdict="steady",
    requires=("ctypes",),
    summary="an object owns the buffer, and weakref.finalize frees it when the object dies",
    cost="a registry entry for each buffer while it lives, and a step that takes twice as long",
)
def finalizer(library: Library) -> "Callable[[bytes], bytes]":
    import weakref

    class Buffer:
        """Owns one buffer."""

        __slots__ = ("__weakref__", "address")

        def __init__(self, text: bytes) -> None:
            self.address = library.duplicate(text)
            weakref.finalize(self, library.free, self.address)

    def receive(text: bytes) -> bytes:
        buffer = Buffer(text)
        return library.copy(buffer.address, len(text))

    return receive
