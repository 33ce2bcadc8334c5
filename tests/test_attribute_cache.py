"""The interpreter's own cache of attribute names is not taken for the program's growth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakbench.checking import Wish, examine

if TYPE_CHECKING:
    from pathlib import Path

# What C code does that reads attributes: each call makes a name, which CPython's cache of lookups may keep.
READS_BY_C_STRING = """\
import ctypes

read = ctypes.pythonapi.PyObject_GetAttrString
read.restype = ctypes.py_object
read.argtypes = (ctypes.py_object, ctypes.c_char_p)


def step(i):
    read("", b"upper")
    read([], b"append")
    str(i)
"""
MOST_KEPT_BYTES = 2_048  # a warm-up's few hundred; with the names it would be 8 to 37 KiB, by version


def test_names_that_c_code_leaves_in_the_interpreters_cache_are_no_growth(tmp_path: Path) -> None:
    subject = tmp_path / "reads.py"
    subject.write_text(READS_BY_C_STRING, encoding="utf-8")
    said = examine(Wish(f"{subject}::step", steps=8_192, only_verdict=True))
    assert said.verdict == "steady"
    assert said.retained_heap_bytes < MOST_KEPT_BYTES
