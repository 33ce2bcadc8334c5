"""dateutil keeps every time zone offset that was ever asked for.

Mechanism: ``tz.tzoffset(name, seconds)`` gives the same object for the same arguments, out of a dict on the
class that holds the instances strongly. Offsets parsed from input, with names from input, never end. 2.8.0
holds them weakly, and the last eight strongly.

Who retains: ``tz.tzoffset._TzOffsetFactory__instances``. Reported as dateutil/dateutil#635, again as #691.

Each step asks for an offset under a name of its own.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-dateutil-tzoffset", title="dateutil: a flyweight that holds its instances strongly"
)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("python-dateutil==2.8.0",), requires=("dateutil.tz",),
    summary="python-dateutil 2.8.0: weak values and the last eight",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("python-dateutil==2.7.5",), requires=("dateutil.tz",),
    holder="dateutil.tz.tz.tzoffset._TzOffsetFactory__instances",
    summary="python-dateutil 2.7.5: a dict on the class",
)  # fmt: skip
def ask_for_offsets() -> "Callable[[int], object]":
    from dateutil import tz

    return lambda i: tz.tzoffset(f"Z{i}", i)
