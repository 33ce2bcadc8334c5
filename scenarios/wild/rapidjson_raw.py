"""python-rapidjson leaks an object for each call with wrong arguments.

Mechanism: ``RawJSON(value)`` allocated its object before it parsed the arguments, and returned without
freeing it where they were wrong. 1.24 parses first.

Who retains: nobody that Python could see. Mended by python-rapidjson #239.

Each step passes a number where text is wanted, and catches the TypeError.
"""

import contextlib

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-rapidjson-raw", title="python-rapidjson: refused arguments leak an object", quick_steps=32_768
)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("python-rapidjson==1.24",), requires=("rapidjson",),
    summary="python-rapidjson 1.24: arguments first, then the object",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("python-rapidjson==1.23",), requires=("rapidjson",), holder="native",
    summary="python-rapidjson 1.23: an error path in C++ that frees nothing",
)  # fmt: skip
def refuse_numbers() -> "Callable[[int], object]":
    import rapidjson

    def step(i: int) -> None:
        with contextlib.suppress(TypeError):
            rapidjson.RawJSON(i)

    return step
