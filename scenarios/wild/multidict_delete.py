"""multidict's C code does not let go of what is deleted.

Mechanism: ``del`` and ``clear`` take the entry out of the table and leave the references of key and value
where they were. 6.6.4 releases them.

Who retains: nobody that Python could see; the strings' reference counts are one too high. Reported as
aio-libs/multidict#1233.

Each step makes a multidict, puts one header in, and deletes it.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-multidict-delete", title="multidict: deleting does not release the entry", quick_steps=32_768
)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("multidict==6.6.4",), requires=("multidict",),
    summary="multidict 6.6.4: deleting releases key and value",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("multidict==6.6.3",), requires=("multidict",), holder="native",
    summary="multidict 6.6.3: two references too many in C",
)  # fmt: skip
def put_and_delete() -> "Callable[[int], object]":
    from multidict import CIMultiDict

    def step(i: int) -> None:
        headers = CIMultiDict()
        headers[f"X-Trace-{i}"] = f"v{i}"
        del headers[f"X-Trace-{i}"]

    return step
