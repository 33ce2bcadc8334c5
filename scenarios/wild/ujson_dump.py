"""ujson leaks the whole document when the file that it writes to raises.

Mechanism: ``ujson.dump`` encodes into a string and hands it to ``file.write``. Where that raises, a full disk
or a closed connection, it returned without releasing the string: each failed write leaks the size of what was
to be written. 5.12.1 releases it.

Who retains: nobody that Python could see. CVE-2026-44660.

Each step dumps a small document into a file that is full.
"""

import contextlib

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-ujson-dump", title="ujson: a failed write leaks the document", quick_steps=32_768)


class Full:
    """A file that takes nothing."""

    def write(self, _text: str) -> int:
        raise OSError("no space left on device")


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("ujson==5.12.1",), requires=("ujson",),
    summary="ujson 5.12.1: the string is released",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("ujson==5.12.0",), requires=("ujson",), holder="native",
    summary="ujson 5.12.0: a reference too many in C",
)  # fmt: skip
def dump_to_full_file() -> "Callable[[int], object]":
    import ujson

    full = Full()

    def step(i: int) -> None:
        with contextlib.suppress(OSError):
            ujson.dump({"session": i}, full)

    return step
