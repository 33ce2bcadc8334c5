"""The two pipes between a child and its parent: orders come in, records go out.

A record is one JSON object on a line, written with a single `os.write` so that a child that is killed
has still said what it saw. The encoder is a page of our own because importing `json` costs 1.3 MiB of
resident memory, most of what the harness may add. An order is a Python literal on a line.
"""

import os
from _json import encode_basestring_ascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PIPES_VARIABLE = "LEAKBENCH_PIPES"
"""Names the two descriptors to a child that is started by another program's command line than ours."""
_ATOMIC_BYTES = 65_536
_NOTHING: "dict[str, Any]" = {"__builtins__": {}}


class ParentGoneError(Exception):
    """Nobody listens any more. Told apart from a broken pipe of the workload's own."""


def encode(value: "Any") -> str:
    """JSON of None, bool, int, finite float, str, list, tuple and dict; a float without a value is null.

    Floats are of one width: a time's shorter or longer text would move what is allocated after it, and
    with it the heap's count by 16 bytes between two runs that are otherwise equal.
    """
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    kind = type(value)
    if kind is int:
        return int.__repr__(value)
    if kind is float:
        return f"{value:.16e}" if value - value == 0.0 else "null"
    if kind is dict:
        return (
            "{"
            + ",".join([encode_basestring_ascii(str(k)) + ":" + encode(v) for k, v in value.items()])
            + "}"
        )
    if kind is list or kind is tuple:
        return "[" + ",".join([encode(item) for item in value]) + "]"
    return encode_basestring_ascii(str(value))


class Channel:
    """Orders from the parent, records to it. What this process starts shall not hold the pipes open."""

    def __init__(self, orders_fd: int, records_fd: int) -> None:
        os.set_inheritable(orders_fd, False)  # noqa: FBT003  # it takes no names
        os.set_inheritable(records_fd, False)  # noqa: FBT003  # as above
        self._orders_fd = orders_fd
        self._records_fd = records_fd
        self._pending = b""
        self._pid = os.getpid()

    @classmethod
    def from_environ(cls) -> "Channel":
        """The pipes that PIPES_VARIABLE names; what this process starts shall not know it."""
        orders_fd, records_fd = map(int, os.environ.pop(PIPES_VARIABLE).split(","))
        return cls(orders_fd, records_fd)

    def emit(self, kind: str, **fields: "Any") -> None:
        """Write one record. A process that the workload forked writes none, and ends here."""
        if os.getpid() != self._pid:
            os._exit(0)
        fields["record"] = kind
        line = encode(fields).encode("ascii") + b"\n"
        try:
            while line:
                line = line[os.write(self._records_fd, line) :]
        except BrokenPipeError as error:
            raise ParentGoneError from error

    def word(self) -> bytes:
        """Wait for the parent's next line, empty once it has closed the pipe. Nothing stays allocated."""
        while b"\n" not in self._pending:
            received = os.read(self._orders_fd, _ATOMIC_BYTES)
            if not received:
                return b""
            self._pending += received
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def order(self) -> "dict[str, Any]":
        """Wait for the parent's next order; an empty one when there are no more.

        Reading one leaves some 64 bytes behind in the interpreter, so none is read between two rungs.
        """
        line = self.word()
        if not line:
            return {}
        order = eval(line, _NOTHING)  # noqa: S307  # our own parent's repr; ast.literal_eval costs an import of ast
        return dict(order)
