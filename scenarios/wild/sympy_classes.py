"""SymPy's metaclass remembers every class that was ever made.

Mechanism: ``sympy.Function("f")`` makes a class, and the metaclass of all SymPy's classes adds each to a set
that nobody reads. 1.12 has done away with the set; then only its lru_caches of 1,000 entries keep classes.

Who retains: ``sympy.core.core.all_classes``. Reported as sympy/sympy#24581.

Each step makes a function under a name of its own. Dead classes are cyclic garbage of some kB each, so every
256th step collects; leaky and mended alike. What is left in caches is ordered by addresses and swings by some
hundred bytes, which is why the mended version may have to climb further to be told.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-sympy-classes", title="sympy: a set of all classes ever made", quick_steps=4_096, warmup=2_048
)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("sympy==1.12",), requires=("sympy",),
    summary="sympy 1.12: no set", deterministic=False,
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("sympy==1.11.1",), requires=("sympy",),
    holder="sympy.core.core.all_classes", summary="sympy 1.11.1: a module-level set",
)  # fmt: skip
def make_functions() -> "Callable[[int], object]":
    import gc

    import sympy

    def step(i: int) -> None:
        sympy.Function(f"velocity_{i}")
        if i % 256 == 0:
            gc.collect()

    return step
