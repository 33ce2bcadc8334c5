"""attrs leaves the source of each class it makes in the interpreter's cache of source lines.

Mechanism: the methods that attrs writes are compiled under a made-up file name, and their source is put in
``linecache.cache`` so that tracebacks and debuggers can show it. The entry outlives the class. Since
attrs#828 a class that was made before shares its entry; ever new ones add one each. Open in attrs 26.1.0.

Who retains: ``linecache.cache``.

Each step makes a class under a name of its own and drops it.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-attrs-linecache", title="attrs: the source of each class stays in linecache", quick_steps=4_096
)


@SCENARIO.mitigation(
    "none", verdict="leak", packages=("attrs==26.1.0",), requires=("attr",), holder="linecache.cache",
    summary="attrs 26.1.0: an entry for each distinct class",
)  # fmt: skip
def make_classes() -> "Callable[[int], object]":
    import attr

    return lambda i: attr.make_class(f"Rec{i}", ["a", "b"])


@SCENARIO.mitigation(
    "workaround", verdict="steady", packages=("attrs==26.1.0",), requires=("attr",),
    summary="linecache.clearcache() after each class", cost="tracebacks no longer show the generated methods",
)  # fmt: skip
def clear_each_time() -> "Callable[[int], object]":
    import linecache

    make = make_classes()

    def step(i: int) -> None:
        make(i)
        linecache.clearcache()

    return step
