"""A cattrs converter for each call: a large cycle each, which the collector frees.

Mechanism: a converter and the functions it registers refer to one another. Memory falls only when the
collector runs; a count taken before it does says leak.

Each step makes a converter and structures one object with it.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-cattrs-converters", title="cattrs: a converter a call is a cycle", quick_steps=2_048, warmup=256
)


@SCENARIO.mitigation(
    "none", verdict="steady", packages=("cattrs==26.2.1",), requires=("attr", "cattrs"),
    summary="cattrs 26.2.1: collected",
)  # fmt: skip
def structure() -> "Callable[[int], object]":
    import attr
    import cattrs

    point = attr.make_class("Point", {"x": attr.ib(type=int), "y": attr.ib(type=int)})
    return lambda i: cattrs.Converter().structure({"x": i, "y": 2}, point)
