"""The difference of two memray captures as a flamegraph: what the second retains more or less, by stack.

memray draws one capture at a time. Here the allocation records of both, keyed by their stack of
(function, file), are laid over each other: a frame's width is the larger of its two sums, its colour the
change. Line numbers are left out of the key, so that two commits whose lines moved still meet.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.report.memray_pages import open_capture
from leakbench.report.redact import redact_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Stack = tuple[tuple[str, str], ...]
"""Frames as (function, file), outermost first."""

_STACK_FRAMES = 64
_SHOWN_SHARE = 0.0005
"""Frames narrower than this share of the whole are under a pixel and are summed up in their parent."""


class Node(NamedTuple):
    """A frame with the bytes of both captures, its callees' included. `children` are ordered by name."""

    function: str
    file: str
    a_bytes: int
    b_bytes: int
    children: tuple[Node, ...]


def write(a: Path, b: Path, output: Path, *, redact: bool = True) -> None:
    """Write the page that shows `b` against `a`, as one file. Raises LeakbenchError."""
    root = difference(retained(a), retained(b))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(render(root, a.stem, b.stem, redact=redact).encode())


@lru_cache(maxsize=2)  # a run's baseline is laid under one mitigation after the other
def retained(capture: Path) -> dict[Stack, int]:
    """Bytes that were still allocated when tracking ended, by stack."""
    found: dict[Stack, int] = {}
    with open_capture(capture) as reader:
        for record in reader.get_leaked_allocation_records(merge_threads=True):
            frames = record.stack_trace(max_stacks=_STACK_FRAMES)
            stack = tuple((function, file) for function, file, _ in reversed(frames)) or (
                ("<no Python frame>", ""),
            )
            found[stack] = found.get(stack, 0) + record.size
    return found


def difference(a: Mapping[Stack, int], b: Mapping[Stack, int]) -> Node:
    """Lay two captures over each other; the root's function is "all"."""
    both = [(stack, a.get(stack, 0), b.get(stack, 0)) for stack in sorted(set(a) | set(b))]
    return _node("all", "", both, 0)


def _node(function: str, file: str, rows: Iterable[tuple[Stack, int, int]], depth: int) -> Node:
    below: dict[tuple[str, str], list[tuple[Stack, int, int]]] = {}
    a_bytes = b_bytes = 0
    for stack, a, b in rows:
        a_bytes += a
        b_bytes += b
        if len(stack) > depth:
            below.setdefault(stack[depth], []).append((stack, a, b))
    children = tuple(_node(*frame, found, depth + 1) for frame, found in below.items())
    return Node(function, file, a_bytes, b_bytes, children)


def width_bytes(node: Node) -> int:
    """Give a frame's width: never less than its callees' together, so that they fit under it.

    The larger of both sums alone would be too narrow where one callee grew and another shrank.
    """
    return max(node.a_bytes, node.b_bytes, sum(map(width_bytes, node.children)))


def pack(root: Node) -> dict[str, Any]:
    """Give the tree as what the page's script reads: names once, nodes as [name, a, b, width, children]."""
    names: dict[str, int] = {}
    least = width_bytes(root) * _SHOWN_SHARE

    def packed(node: Node) -> list[Any]:
        name = f"{node.function}\n{node.file}"
        number = names.setdefault(name, len(names))
        shown = [packed(child) for child in node.children if width_bytes(child) > least]
        return [number, node.a_bytes, node.b_bytes, width_bytes(node), shown]

    tree = packed(root)
    return {"names": list(names), "tree": tree}


def render(root: Node, a_name: str, b_name: str, *, redact: bool) -> str:
    """Give the page, scripts and styles within."""
    from leakbench.report.pages import bare_environment

    packed = pack(root)
    if redact:
        packed["names"] = [redact_text(name) for name in packed["names"]]
    assets = resources.files("leakbench.report").joinpath("assets")
    # "<" must not end the script element that the data stand in.
    data = json.dumps(packed, separators=(",", ":")).replace("<", "\\u003c")
    return (
        bare_environment()
        .get_template("differential.html.j2")
        .render(
            a_name=a_name,
            b_name=b_name,
            data=data,
            style=assets.joinpath("differential.css").read_text(encoding="utf-8"),
            script=assets.joinpath("differential.js").read_text(encoding="utf-8"),
        )
    )
