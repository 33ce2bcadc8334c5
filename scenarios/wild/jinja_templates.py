"""Jinja keeps the last 400 templates; those it drops are cycles, which make RSS climb between collections.

Mechanism: an environment caches 400 templates. One that is pushed out is cyclic garbage until the collector
runs, so resident memory rises while the live heap does not: what looks like a leak to whoever reads RSS.

Each step renders a template of its own.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-jinja-templates", title="jinja2: a bounded cache whose garbage is cyclic", quick_steps=4_096
)


@SCENARIO.mitigation(
    "none", verdict="bounded", packages=("jinja2==3.1.6",), requires=("jinja2",),
    summary="jinja2 3.1.6: cache_size of 400",
)  # fmt: skip
def render() -> "Callable[[int], object]":
    import jinja2

    loader = jinja2.FunctionLoader(lambda name: "Hello {{ x }} from " + name)
    environment = jinja2.Environment(loader=loader)  # noqa: S701  # nobody's browser sees it
    return lambda i: environment.get_template(f"page-{i}").render(x=i)
