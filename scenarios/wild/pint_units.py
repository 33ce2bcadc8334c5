"""pint keeps what each distinct unit string means.

Mechanism: ``parse_units`` looks a string up in the registry's cache and adds what it does not find, without a
bound. Meant for programs with a few units; input from outside, or numbers in the string, never ends. By
design, in pint 0.25.3.

Who retains: the registry's ``_cache.parse_unit``.

Each step parses a unit string that was not seen before.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-pint-units", title="pint: an unbounded cache of unit strings", quick_steps=8_192)


@SCENARIO.mitigation(
    "none", verdict="leak", packages=("pint==0.25.3",), requires=("pint",),
    holder="registry._cache.parse_unit", summary="pint 0.25.3: a dict in the registry, by string",
)  # fmt: skip
def parse_units() -> "Callable[[int], object]":
    import pint

    registry: pint.UnitRegistry = pint.UnitRegistry()
    return lambda i: registry.parse_units(f"meter ** {i} / second")


@SCENARIO.mitigation(
    "workaround", verdict="steady", packages=("pint==0.25.3",), requires=("pint",),
    summary="units are computed with instead of parsed", cost="the program must know the form of its units",
)  # fmt: skip
def compute_units() -> "Callable[[int], object]":
    import pint

    registry: pint.UnitRegistry = pint.UnitRegistry()
    meter, second = registry.parse_units("meter"), registry.parse_units("second")
    return lambda i: meter**i / second
