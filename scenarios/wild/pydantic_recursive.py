"""pydantic leaks the validators of a model that refers to itself.

Mechanism: a TypeAdapter over a recursive model builds definitions in Rust that are never released: nothing
grows among the objects that Python's collector knows. A program that makes adapters per request keeps them
all. 2.5.3 releases them.

Who retains: the definitions each other, in Rust. Reported as pydantic/pydantic#8397, mended by #8420.

Each step makes a TypeAdapter over a list of trees, and validates with it.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-pydantic-recursive",
    title="pydantic: validators of recursive models are never freed",
    quick_steps=1_024,
    warmup=256,
)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("pydantic==2.5.3",), requires=("pydantic",),
    summary="pydantic 2.5.3: recursive definitions are released",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("pydantic==2.5.2",), requires=("pydantic",), holder="native",
    summary="pydantic 2.5.2: definitions in Rust that nobody releases",
)  # fmt: skip
def adapt_trees() -> "Callable[[int], object]":
    from pydantic import BaseModel, TypeAdapter

    class Leaf(BaseModel):
        pass

    class Tree(BaseModel):
        kids: list["Tree"]
        leaf: Leaf

    data = [{"kids": [], "leaf": Leaf()}]
    return lambda _i: TypeAdapter(list[Tree]).validate_python(data)
