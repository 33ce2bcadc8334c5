"""mashumaro keeps the code builder of every class that it has ever built for.

Mechanism: methods of the builder are wrapped in ``functools.lru_cache``; such a cache belongs to the class,
and ``self`` is part of its keys. That of ``get_field_default`` has no bound, so each builder stays, and with
it the class that it built for and all that this class refers to. 3.23 keeps what is cached in the builder.

Who retains: the cache of ``CodeBuilder.get_field_default``. Reported as Fatal1ty/mashumaro#364.

Each step makes a serializable dataclass of its own, as programs do that make classes from schemas. Dead
classes are cyclic garbage.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-mashumaro-builders",
    title="mashumaro: an lru_cache on a method keeps each builder",
    quick_steps=512,
    warmup=1_024,  # in it the interpreter's table of names grows for the last time
)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("mashumaro==3.23",), requires=("mashumaro", "dataclasses"),
    summary="mashumaro 3.23: caches that belong to the builder",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("mashumaro==3.22",), requires=("mashumaro", "dataclasses"),
    holder="mashumaro.core.meta.code.builder.CodeBuilder.get_field_default.cache_info()",
    summary="mashumaro 3.22: functools.lru_cache(None) on a method",
)  # fmt: skip
def make_classes() -> "Callable[[int], object]":
    from dataclasses import make_dataclass

    from mashumaro import DataClassDictMixin

    return lambda i: make_dataclass(f"Record{i}", [("x", int)], bases=(DataClassDictMixin,))
