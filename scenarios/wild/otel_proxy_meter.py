"""OpenTelemetry's proxy keeps every meter until a provider is configured, which libraries may never see.

Mechanism: ``get_meter`` without a configured provider gives a proxy, and appends it to a list so that it can
be made real later. Instrumentation that asks for its meter per request, in a program that never sets a
provider up, grows by a meter and its instruments each time. Open in opentelemetry-api 1.45.2.

Who retains: ``_PROXY_METER_PROVIDER._meters``. Met in opentelemetry-python-contrib#4991.

Each step asks for a meter and makes a histogram of it.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-otel-proxy-meter", title="opentelemetry-api: meters that wait for a provider")
PACKAGES = ("opentelemetry-api==1.45.2",)


@SCENARIO.mitigation(
    "none", verdict="leak", packages=PACKAGES, requires=("opentelemetry.metrics",),
    holder="opentelemetry.metrics._internal._PROXY_METER_PROVIDER._meters",
    summary="opentelemetry-api 1.45.2: a meter a step, all in a list",
)  # fmt: skip
def meter_each_time() -> "Callable[[int], object]":
    from opentelemetry import metrics

    return lambda _i: metrics.get_meter("client-session").create_histogram("latency")


@SCENARIO.mitigation(
    "workaround", verdict="steady", packages=PACKAGES, requires=("opentelemetry.metrics",),
    summary="a provider that does nothing is configured, so nobody waits", cost="later providers are refused",
)  # fmt: skip
def set_provider() -> "Callable[[int], object]":
    from opentelemetry import metrics

    metrics.set_meter_provider(metrics.NoOpMeterProvider())
    return meter_each_time()
