"""tomlkit makes six caches for each character that it reads: cyclic garbage, reported and mended as a leak.

Mechanism: a character of a document is an object, and in 0.11.3 each of them wraps six of its own methods in
``functools.lru_cache``: object, cache, method, object. The collector frees such cycles, but they come so fast
that Poetry outgrew 1 GiB in a container: resident memory climbs where no live memory does. Reported as
python-poetry/tomlkit#225, mended in 0.11.4 (#227), which does without the caches.

Each step parses a document of three lines.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-tomlkit-characters", title="tomlkit: six caches a character, all garbage", quick_steps=2_048,
    warmup=256,
)  # fmt: skip


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("tomlkit==0.11.4",), requires=("tomlkit",),
    summary="tomlkit 0.11.4: no caches",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="steady", packages=("tomlkit==0.11.3",), requires=("tomlkit",),
    summary="tomlkit 0.11.3: cycles that the collector frees",
)  # fmt: skip
def parse_documents() -> "Callable[[int], object]":
    import tomlkit

    return lambda i: tomlkit.parse(f"name = 'x{i}'\n[tool]\nn = {i}\n")
