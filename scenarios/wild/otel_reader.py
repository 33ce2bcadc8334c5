"""OpenTelemetry's meter provider keeps every metric reader, also after its shutdown.

Mechanism: to refuse a reader that is registered twice, the class keeps a set of all readers; ``shutdown``
does not take them out. A program that makes a provider for each job, or each test, keeps them all with the
instruments that hang on them. 1.28.0 makes the set a WeakSet.

Who retains: ``MeterProvider._all_metric_readers``. Reported as open-telemetry/opentelemetry-python#4220,
mended by #4224.

Each step makes a provider with a reader and shuts it down.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-otel-reader", title="opentelemetry-sdk: readers registered on the class for good", quick_steps=8_192
)


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("opentelemetry-sdk==1.28.0",),
    requires=("opentelemetry.sdk.metrics",), summary="opentelemetry-sdk 1.28.0: a WeakSet",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("opentelemetry-sdk==1.27.0",), requires=("opentelemetry.sdk.metrics",),
    holder="opentelemetry.sdk.metrics._internal.MeterProvider._all_metric_readers",
    summary="opentelemetry-sdk 1.27.0: a set on the class",
)  # fmt: skip
def provide_and_shut_down() -> "Callable[[int], object]":
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.resources import Resource

    empty = Resource.get_empty()
    return lambda _i: MeterProvider(
        [InMemoryMetricReader()], resource=empty, shutdown_on_exit=False
    ).shutdown()
