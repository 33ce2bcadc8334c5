"""hiredis leaks the values of RESP3 maps.

Mechanism: ``PyDict_SetItem`` takes a reference of its own, unlike ``PyList_SetItem``, and the parser did not
give up the one it had. Every reply that is a map (HGETALL under RESP3) leaks its values. 3.2.0 releases them.

Who retains: nobody that Python could see. Reported as redis/hiredis-py#175 and redis/redis-py#3025, mended by
hiredis-py #200.

Each step parses a reply that is a map with one field.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-hiredis-map", title="hiredis: map values are never released", quick_steps=32_768)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("hiredis==3.2.0",), requires=("hiredis",),
    summary="hiredis 3.2.0: the parser gives up its reference",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("hiredis==3.1.0",), requires=("hiredis",), holder="native",
    summary="hiredis 3.1.0: a reference too many in C",
)  # fmt: skip
def parse_maps() -> "Callable[[int], object]":
    import hiredis

    reader = hiredis.Reader()

    def step(i: int) -> None:
        reader.feed(b"%%1\r\n$5\r\nfield\r\n$20\r\n%020d\r\n" % i)
        reader.gets()

    return step
