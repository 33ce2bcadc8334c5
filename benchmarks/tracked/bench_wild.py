"""Published packages, as asv tracks them where it is asked to. Written by `make declare`, not by hand."""

from __future__ import annotations

from .tracking import Measured, Tracked, measure_if_asked, within


class WildAiohttpCookiejar(Tracked):
    """aiohttp: a defaultdict that is read and so grows."""

    version = "1 of 16384 steps"
    params = (
        ("wild-aiohttp-cookiejar",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-aiohttp-cookiejar", version=1, steps=16384)


class WildAsyncLruErrors(Tracked):
    """async-lru: each failed call keeps the one before it."""

    version = "1 of 16384 steps"
    params = (
        ("wild-async-lru-errors",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-async-lru-errors", version=1, steps=16384)


class WildAttrsLinecache(Tracked):
    """attrs: the source of each class stays in linecache."""

    version = "1 of 4096 steps"
    params = (
        ("wild-attrs-linecache",),
        (
            "none",
            "workaround",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-attrs-linecache", version=1, steps=4096)


class WildBabelCache(Tracked):
    """babel: an unbounded dict of parsed date patterns."""

    version = "1 of 16384 steps"
    params = (
        ("wild-babel-cache",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-babel-cache", version=1, steps=16384)


class WildBsonjsMode(Tracked):
    """bsonjs: a refused mode leaks the reader."""

    version = "1 of 32768 steps"
    params = (
        ("wild-bsonjs-mode",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-bsonjs-mode", version=1, steps=32768)


class WildCachetoolsTtl(Tracked):
    """cachetools: a TTL cache that fills to its bound."""

    version = "1 of 16384 steps"
    params = (
        ("wild-cachetools-ttl",),
        ("none",),
    )

    @within(seconds=180)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-cachetools-ttl", version=1, steps=16384)


class WildCattrsConverters(Tracked):
    """cattrs: a converter a call is a cycle."""

    version = "1 of 2048 steps"
    params = (
        ("wild-cattrs-converters",),
        ("none",),
    )

    @within(seconds=180)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-cattrs-converters", version=1, steps=2048)


class WildCbor2BadText(Tracked):
    """cbor2: broken input leaks the exceptions."""

    version = "1 of 16384 steps"
    params = (
        ("wild-cbor2-bad-text",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-cbor2-bad-text", version=1, steps=16384)


class WildCoredisRequests(Tracked):
    """coredis: functools.cache on a property keeps each self."""

    version = "1 of 16384 steps"
    params = (
        ("wild-coredis-requests",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-coredis-requests", version=1, steps=16384)


class WildDateutilTzoffset(Tracked):
    """dateutil: a flyweight that holds its instances strongly."""

    version = "1 of 16384 steps"
    params = (
        ("wild-dateutil-tzoffset",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-dateutil-tzoffset", version=1, steps=16384)


class WildFsspecInstances(Tracked):
    """fsspec: instances cached by their arguments."""

    version = "1 of 4096 steps"
    params = (
        ("wild-fsspec-instances",),
        (
            "none",
            "workaround",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-fsspec-instances", version=1, steps=4096)


class WildHiredisMap(Tracked):
    """hiredis: map values are never released."""

    version = "1 of 32768 steps"
    params = (
        ("wild-hiredis-map",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-hiredis-map", version=1, steps=32768)


class WildJinjaTemplates(Tracked):
    """jinja2: a bounded cache whose garbage is cyclic."""

    version = "1 of 4096 steps"
    params = (
        ("wild-jinja-templates",),
        ("none",),
    )

    @within(seconds=180)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-jinja-templates", version=1, steps=4096)


class WildJsonschemaRegistries(Tracked):
    """jsonschema: a registry for each validator."""

    version = "1 of 16384 steps"
    params = (
        ("wild-jsonschema-registries",),
        ("none",),
    )

    @within(seconds=180)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-jsonschema-registries", version=1, steps=16384)


class WildMarkdownReset(Tracked):
    """markdown: a converter that is never reset."""

    version = "1 of 16384 steps"
    params = (
        ("wild-markdown-reset",),
        (
            "none",
            "workaround",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-markdown-reset", version=1, steps=16384)


class WildMashumaroBuilders(Tracked):
    """mashumaro: an lru_cache on a method keeps each builder."""

    version = "1 of 512 steps"
    params = (
        ("wild-mashumaro-builders",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-mashumaro-builders", version=1, steps=512)


class WildMsgpackHook(Tracked):
    """msgpack: a hook that raises leaks what was decoded."""

    version = "1 of 16384 steps"
    params = (
        ("wild-msgpack-hook",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-msgpack-hook", version=1, steps=16384)


class WildMsgspecRawCopy(Tracked):
    """msgspec: Raw.copy() leaks its buffer."""

    version = "1 of 32768 steps"
    params = (
        ("wild-msgspec-raw-copy",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-msgspec-raw-copy", version=1, steps=32768)


class WildMultidictDelete(Tracked):
    """multidict: deleting does not release the entry."""

    version = "1 of 32768 steps"
    params = (
        ("wild-multidict-delete",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-multidict-delete", version=1, steps=32768)


class WildMultidictItems(Tracked):
    """multidict: comparing items leaks a pair."""

    version = "1 of 32768 steps"
    params = (
        ("wild-multidict-items",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-multidict-items", version=1, steps=32768)


class WildNetworkxViews(Tracked):
    """networkx: a graph and its cached views are a cycle."""

    version = "1 of 16384 steps"
    params = (
        ("wild-networkx-views",),
        ("none",),
    )

    @within(seconds=180)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-networkx-views", version=1, steps=16384)


class WildNumpyUnique(Tracked):
    """numpy: unique() of floats leaks its buffer."""

    version = "1 of 32768 steps"
    params = (
        ("wild-numpy-unique",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-numpy-unique", version=1, steps=32768)


class WildOrjsonCause(Tracked):
    """orjson: the chained exception leaks with its frames."""

    version = "1 of 16384 steps"
    params = (
        ("wild-orjson-cause",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-orjson-cause", version=1, steps=16384)


class WildOtelProxyMeter(Tracked):
    """opentelemetry-api: meters that wait for a provider."""

    version = "1 of 16384 steps"
    params = (
        ("wild-otel-proxy-meter",),
        (
            "none",
            "workaround",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-otel-proxy-meter", version=1, steps=16384)


class WildOtelReader(Tracked):
    """opentelemetry-sdk: readers registered on the class for good."""

    version = "1 of 8192 steps"
    params = (
        ("wild-otel-reader",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-otel-reader", version=1, steps=8192)


class WildPintUnits(Tracked):
    """pint: an unbounded cache of unit strings."""

    version = "1 of 8192 steps"
    params = (
        ("wild-pint-units",),
        (
            "none",
            "workaround",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-pint-units", version=1, steps=8192)


class WildPrometheusLabels(Tracked):
    """prometheus-client: a label value for each user."""

    version = "1 of 16384 steps"
    params = (
        ("wild-prometheus-labels",),
        (
            "none",
            "workaround",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-prometheus-labels", version=1, steps=16384)


class WildPropcacheReads(Tracked):
    """propcache: a value once read is kept."""

    version = "1 of 32768 steps"
    params = (
        ("wild-propcache-reads",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-propcache-reads", version=1, steps=32768)


class WildProtobufBytesize(Tracked):
    """protobuf: ByteSize() of an unset part leaks."""

    version = "1 of 32768 steps"
    params = (
        ("wild-protobuf-bytesize",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-protobuf-bytesize", version=1, steps=32768)


class WildPydanticRaisedError(Tracked):
    """pydantic: an error kept in a variable and raised is never freed."""

    version = "1 of 16384 steps"
    params = (
        ("wild-pydantic-raised-error",),
        (
            "none",
            "workaround",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-pydantic-raised-error", version=1, steps=16384)


class WildPydanticRecursive(Tracked):
    """pydantic: validators of recursive models are never freed."""

    version = "1 of 1024 steps"
    params = (
        ("wild-pydantic-recursive",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-pydantic-recursive", version=1, steps=1024)


class WildRapidjsonRaw(Tracked):
    """python-rapidjson: refused arguments leak an object."""

    version = "1 of 32768 steps"
    params = (
        ("wild-rapidjson-raw",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-rapidjson-raw", version=1, steps=32768)


class WildRegexCache(Tracked):
    """regex: a bounded cache of patterns."""

    version = "1 of 8192 steps"
    params = (
        ("wild-regex-cache",),
        ("none",),
    )

    @within(seconds=180)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-regex-cache", version=1, steps=8192)


class WildSoupTrees(Tracked):
    """beautifulsoup4: a parse tree is a cycle."""

    version = "1 of 8192 steps"
    params = (
        ("wild-soup-trees",),
        ("none",),
    )

    @within(seconds=180)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-soup-trees", version=1, steps=8192)


class WildSqlalchemyCache(Tracked):
    """sqlalchemy: a bounded cache of statements."""

    version = "1 of 8192 steps"
    params = (
        ("wild-sqlalchemy-cache",),
        ("none",),
    )

    @within(seconds=180)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-sqlalchemy-cache", version=1, steps=8192)


class WildSympyClasses(Tracked):
    """sympy: a set of all classes ever made."""

    version = "1 of 4096 steps"
    params = (
        ("wild-sympy-classes",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-sympy-classes", version=1, steps=4096)


class WildTomlkitCharacters(Tracked):
    """tomlkit: six caches a character, all garbage."""

    version = "1 of 2048 steps"
    params = (
        ("wild-tomlkit-characters",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-tomlkit-characters", version=1, steps=2048)


class WildTreeSitterPredicate(Tracked):
    """tree-sitter: captures shown to a predicate stay."""

    version = "1 of 8192 steps"
    params = (
        ("wild-tree-sitter-predicate",),
        (
            "none",
            "workaround",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-tree-sitter-predicate", version=1, steps=8192)


class WildUjsonDump(Tracked):
    """ujson: a failed write leaks the document."""

    version = "1 of 32768 steps"
    params = (
        ("wild-ujson-dump",),
        (
            "none",
            "upgrade",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure_if_asked("wild-ujson-dump", version=1, steps=32768)
