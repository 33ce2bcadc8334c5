"""A Prometheus counter keeps a child for each label value, for ever.

Mechanism: ``Counter.labels(user)`` makes a child on first use, and the counter exposes it from then on. A
label with a user's id, a path or a session in it makes as many. By design, in prometheus-client 0.26.0.

Who retains: ``Counter._metrics``.

Each step counts a request of a user that was not seen before.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-prometheus-labels", title="prometheus-client: a label value for each user")


def counter(name: str) -> "Callable[[str], None]":
    import prometheus_client

    registry = prometheus_client.CollectorRegistry()
    hits = prometheus_client.Counter(name, "requests", ["user"], registry=registry)
    return lambda user: hits.labels(user).inc()


@SCENARIO.mitigation(
    "none", verdict="leak", packages=("prometheus-client==0.26.0",), requires=("prometheus_client",),
    holder="hits._metrics", summary="prometheus-client 0.26.0: one child a user",
)  # fmt: skip
def label_by_user() -> "Callable[[int], object]":
    count = counter("hits")
    return lambda i: count(f"user-{i}")


@SCENARIO.mitigation(
    "workaround", verdict="steady", packages=("prometheus-client==0.26.0",), requires=("prometheus_client",),
    summary="users share 64 label values by number", cost="single users cannot be told apart",
)  # fmt: skip
def label_by_bucket() -> "Callable[[int], object]":
    count = counter("hits")
    return lambda i: count(f"bucket-{i % 64}")
