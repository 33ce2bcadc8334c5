"""aiohttp's cookie jar grows by asking it which cookies to send.

Mechanism: the jar is a defaultdict keyed by domain and path. ``filter_cookies`` subscripts it with every
prefix of the requested path, and a defaultdict that is read where it has nothing inserts an empty cookie.
3.12.3 asks whether the key is there first.

Who retains: ``CookieJar._cookies``. Reported as aio-libs/aiohttp#11052, mended by #11054.

Each step asks for the cookies of a page that was not asked for before.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-aiohttp-cookiejar", title="aiohttp: a defaultdict that is read and so grows")


@SCENARIO.mitigation(
    "upgrade", verdict="bounded", packages=("aiohttp==3.12.3",), requires=("aiohttp",),
    summary="aiohttp 3.12.3: the key is tested before it is read",
)  # fmt: skip
@SCENARIO.mitigation(
    "none", verdict="leak", packages=("aiohttp==3.12.2",), requires=("aiohttp",),
    holder="jar._cookies", summary="aiohttp 3.12.2: reading inserts",
)  # fmt: skip
def filter_cookies() -> "Callable[[int], object]":
    import asyncio

    import aiohttp
    from yarl import URL

    async def make_jar() -> aiohttp.CookieJar:
        return aiohttp.CookieJar()

    jar = asyncio.new_event_loop().run_until_complete(make_jar())
    jar.update_cookies({"sid": "1"}, URL("http://example.com/"))
    return lambda i: jar.filter_cookies(URL(f"http://example.com/item/{i}"))
