"""The child's own encoder writes what `json` reads, and its orders arrive as they were sent."""

import json
import math
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leakbench.child.channel import Channel, encode

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
DOCUMENTS = st.recursive(
    SCALARS, lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside), max_leaves=20
)


@pytest.mark.slow
@given(DOCUMENTS)
def test_what_is_encoded_reads_back_as_it_was(document: Any) -> None:
    line = encode(document)
    assert json.loads(line) == document
    assert "\n" not in line
    assert line.isascii()


UNDECODABLE = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)  # as os.fsdecode leaves them


@given(st.text(UNDECODABLE | st.characters(categories=["Cc", "Zl", "Zp"])))
def test_what_could_not_be_decoded_and_line_separators_survive(text: str) -> None:
    assert json.loads(encode([text])) == [text]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_float_without_a_value_is_null(value: float) -> None:
    assert encode([value]) == "[null]"


def test_a_tuple_is_a_list_and_any_other_object_its_text() -> None:
    assert json.loads(encode({"pair": (1, 2), "kind": int, 3: "three"})) == {
        "pair": [1, 2],
        "kind": "<class 'int'>",
        "3": "three",
    }


def test_a_bool_is_no_number_and_a_subclass_of_int_its_text() -> None:
    class Level(int):
        def __str__(self) -> str:
            return "high"

    assert encode([True, False, 1, Level(3)]) == '[true,false,1,"high"]'


class Ends:
    """A channel, and the parent's ends of its two pipes."""

    def __init__(self) -> None:
        orders_fd, self.orders = os.pipe()
        self.records, records_fd = os.pipe()
        self.channel = Channel(orders_fd, records_fd)


def test_a_record_is_one_line_with_its_kind() -> None:
    ends = Ends()
    ends.channel.emit("rung", steps=256, heap_bytes=0)
    assert os.read(ends.records, 4096) == b'{"steps":256,"heap_bytes":0,"record":"rung"}\n'


def test_orders_are_taken_one_by_one_even_when_they_arrive_together() -> None:
    ends = Ends()
    os.write(ends.orders, b"{'probe': 'rss', 'params': {'n': 3}}\ngo\n{'las")
    os.write(ends.orders, b"t': True}\n")
    assert ends.channel.order() == {"probe": "rss", "params": {"n": 3}}
    assert ends.channel.word() == b"go"
    assert ends.channel.order() == {"last": True}


def test_a_parent_that_is_gone_gives_no_order() -> None:
    ends = Ends()
    os.close(ends.orders)
    assert ends.channel.order() == {}
    assert ends.channel.word() == b""
