"""propcache leaks the value of a cached property that is read.

Mechanism: its Cython code looks the value up as a borrowed reference and added one by hand, which Cython had
done already. A value that was read once can never be freed, though its object can. yarl keeps the parts of a
URL in such properties, and so aiohttp leaked them. In 0.4.0 alone, which was withdrawn; 0.4.1 has done away
with the extra reference.

Who retains: nobody that Python could see; the values' reference counts are one too high. Reported as
aio-libs/propcache#159, mended by #162.

Each step makes an object and reads its cached property.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-propcache-reads", title="propcache: a value once read is kept", quick_steps=32_768)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("propcache==0.4.1",), requires=("propcache",),
    summary="propcache 0.4.1: Cython counts alone",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("propcache==0.4.0",), requires=("propcache",), holder="native",
    summary="propcache 0.4.0: a reference too many in Cython",
)  # fmt: skip
def read_property() -> "Callable[[int], object]":
    from propcache.api import under_cached_property

    class Address:
        def __init__(self, number: int) -> None:
            self._cache: dict[str, object] = {}
            self.number = number

        @under_cached_property
        def text(self) -> str:
            return f"host-{self.number}.example.com"

    return lambda i: Address(i).text
