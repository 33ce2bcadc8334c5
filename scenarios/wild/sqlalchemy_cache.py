"""SQLAlchemy keeps the last hundreds of compiled statements: a cache with a bound, which looks like a leak.

Mechanism: an engine caches compiled statements, 500 by default, and trims when it has half as many more.

Each step executes a statement of its own.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-sqlalchemy-cache",
    title="sqlalchemy: a bounded cache of statements",
    quick_steps=8_192,
    warmup=2_048,
)


@SCENARIO.mitigation(
    "none", verdict="bounded", packages=("sqlalchemy==2.1.9",), requires=("sqlalchemy",),
    summary="sqlalchemy 2.1.9: query_cache_size of 500",
)  # fmt: skip
def execute() -> "Callable[[int], object]":
    from sqlalchemy import create_engine, text

    connection = create_engine("sqlite://").connect()
    return lambda i: connection.execute(text(f"select {i}")).all()
