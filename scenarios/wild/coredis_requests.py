"""coredis keeps every request: a cached property is a cache keyed by self.

Mechanism: ``CommandRequest.type_adapter`` is a property over ``functools.cache``. The cache belongs to the
class, ``self`` is its key, so each request that was awaited stays with its arguments and its client. In 6.5.0
the request is given its adapter.

Who retains: the cache inside the property. Reported as alisaifee/coredis#361, found in a process that held
17,847 requests.

Each step makes a request and reads what awaiting it would read; no server is asked.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-coredis-requests", title="coredis: functools.cache on a property keeps each self")


@SCENARIO.mitigation(
    "upgrade", verdict="steady", packages=("coredis==6.5.0",), requires=("coredis",),
    summary="coredis 6.5.0: an attribute of the request",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("coredis==6.4.0",), requires=("coredis",),
    holder="coredis.commands.request.CommandRequest.type_adapter.fget.cache_info()",
    summary="coredis 6.4.0: functools.cache keyed by the request",
)  # fmt: skip
def make_requests() -> "Callable[[int], object]":
    import coredis

    client = coredis.Redis()
    return lambda _i: client.get("session").type_adapter
