"""Every case of the catalogue, as asv tracks it. Written by `make declare`, not by hand."""

from __future__ import annotations

from .tracking import Measured, Tracked, measure, within


class ChurnedMap(Tracked):
    """A map that was large once, and is kept."""

    version = "1 of 16384 steps"
    params = (
        ("churned-map",),
        (
            "clear-and-refill",
            "generation-swap",
            "ideal",
            "none",
            "none-ordereddict",
            "none-set",
            "rebuild",
            "rebuild-and-trim",
            "rebuild-ordereddict",
            "rebuild-set",
            "rebuild-when-sparse",
            "sliding-window",
        ),
    )

    @within(seconds=780)
    def setup_cache(self) -> Measured:
        return measure("churned-map", version=1, steps=16384)


class ClosureCapture(Tracked):
    """Closures made per request, used as keys of a cache."""

    version = "1 of 8192 steps"
    params = (
        ("closure-capture",),
        (
            "hoisted",
            "keyed-by-code",
            "none",
            "weak-keys",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure("closure-capture", version=1, steps=8192)


class CollectableCycle(Tracked):
    """Reference cycles that the collector frees."""

    version = "1 of 8192 steps"
    params = (
        ("collectable-cycle",),
        ("none",),
    )

    @within(seconds=120)
    def setup_cache(self) -> Measured:
        return measure("collectable-cycle", version=1, steps=8192)


class ConcurrentReads(Tracked):
    """What a reader is handed, and what it keeps of it."""

    version = "1 of 1024 steps"
    params = (
        ("concurrent-reads",),
        (
            "frozen-view-keep-all",
            "frozen-view-keep-window",
            "full-copy-keep-all",
            "full-copy-keep-window",
            "key-keep-all",
            "key-keep-window",
            "memoryview-keep-all",
            "memoryview-keep-window",
            "object-keep-all",
            "object-keep-living",
            "object-keep-nothing",
            "object-keep-window",
            "shallow-copy-keep-all",
            "shallow-copy-keep-window",
            "slice-copy-keep-all",
            "slice-copy-keep-window",
            "snapshot-keep-all",
            "snapshot-keep-latest",
            "weakref-keep-all",
            "weakref-keep-window",
        ),
    )

    @within(seconds=1260)
    def setup_cache(self) -> Measured:
        return measure("concurrent-reads", version=1, steps=1024)


class ExitStack(Tracked):
    """An ExitStack of the application, into which requests put their clean-up."""

    version = "1 of 8192 steps"
    params = (
        ("exit-stack",),
        (
            "none",
            "pop-all",
            "stack-per-request",
        ),
    )

    @within(seconds=240)
    def setup_cache(self) -> Measured:
        return measure("exit-stack", version=1, steps=8192)


class LifetimeTracking(Tracked):
    """A large map's death, and who learns of it."""

    version = "1 of 16384 steps"
    params = (
        ("lifetime-tracking",),
        (
            "del-method",
            "finalize",
            "finalize-own-method",
            "gc-callbacks",
            "ideal",
            "none",
            "polling",
            "reference-not-kept",
            "reference-queue",
            "references-kept",
            "weakref-callback",
        ),
    )

    @within(seconds=720)
    def setup_cache(self) -> Measured:
        return measure("lifetime-tracking", version=1, steps=16384)


class ListenerRegistry(Tracked):
    """Listeners that nobody unsubscribes."""

    version = "1 of 8192 steps"
    params = (
        ("listener-registry",),
        (
            "none",
            "unsubscribe",
            "weak-listeners",
        ),
    )

    @within(seconds=240)
    def setup_cache(self) -> Measured:
        return measure("listener-registry", version=1, steps=8192)


class LoggerNames(Tracked):
    """A logger named after each connection."""

    version = "1 of 8192 steps"
    params = (
        ("logger-names",),
        (
            "adapter",
            "none",
            "one-logger",
            "unregistered",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure("logger-names", version=1, steps=8192)


class LruOnMethod(Tracked):
    """A cache decorator on a method, which keeps every instance."""

    version = "1 of 8192 steps"
    params = (
        ("lru-on-method",),
        (
            "bounded-lru",
            "cache-by-value",
            "cache-on-instance",
            "none",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure("lru-on-method", version=1, steps=8192)


class MapScope(Tracked):
    """What a request remembers, and how far its map reaches."""

    version = "1 of 8192 steps"
    params = (
        ("map-scope",),
        (
            "cache-on-method",
            "class-attribute",
            "clean-up-hook",
            "clear-at-end",
            "context-variable",
            "ideal",
            "none",
            "per-request",
            "removed-on-success",
            "shared-default",
            "weak-keys",
            "weak-keys-in-values",
        ),
    )

    @within(seconds=780)
    def setup_cache(self) -> Measured:
        return measure("map-scope", version=1, steps=8192)


class NativeBuffer(Tracked):
    """A buffer from a C library that nobody frees."""

    version = "1 of 8192 steps"
    params = (
        ("native-buffer",),
        (
            "finalizer",
            "freed",
            "none",
        ),
    )

    @within(seconds=240)
    def setup_cache(self) -> Measured:
        return measure("native-buffer", version=1, steps=8192)


class Noop(Tracked):
    """A step that does nothing."""

    version = "1 of 8192 steps"
    params = (
        ("noop",),
        ("none",),
    )

    @within(seconds=120)
    def setup_cache(self) -> Measured:
        return measure("noop", version=1, steps=8192)


class OneOffTable(Tracked):
    """A table that is built at its first use and kept."""

    version = "1 of 8192 steps"
    params = (
        ("one-off-table",),
        ("none",),
    )

    @within(seconds=120)
    def setup_cache(self) -> Measured:
        return measure("one-off-table", version=1, steps=8192)


class PinnedTraceback(Tracked):
    """One exception object, raised again and again."""

    version = "1 of 8192 steps"
    params = (
        ("pinned-traceback",),
        (
            "fresh-exception",
            "none",
            "without-traceback",
        ),
    )

    @within(seconds=240)
    def setup_cache(self) -> Measured:
        return measure("pinned-traceback", version=1, steps=8192)


class ReferenceCycleWithGcOff(Tracked):
    """Reference cycles in a program that has put its collector away."""

    version = "1 of 8192 steps"
    params = (
        ("reference-cycle-with-gc-off",),
        (
            "collect-before-freeze",
            "collector-on",
            "none",
            "weak-parent",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure("reference-cycle-with-gc-off", version=1, steps=8192)


class Sawtooth(Tracked):
    """A buffer that grows until it is flushed."""

    version = "1 of 8192 steps"
    params = (
        ("sawtooth",),
        ("none",),
    )

    @within(seconds=120)
    def setup_cache(self) -> Measured:
        return measure("sawtooth", version=1, steps=8192)


class SessionMap(Tracked):
    """A static map of user sessions that nobody clears."""

    version = "1 of 8192 steps"
    params = (
        ("session-map",),
        (
            "explicit-remove",
            "ideal",
            "lru",
            "lru-cachebox",
            "moka",
            "none",
            "periodic-sweep",
            "periodic-sweep-thread",
            "remove-and-expire",
            "theine",
            "ttl",
            "ttl-cachebox",
            "ttl-expiringdict",
            "weak-values",
        ),
    )

    @within(seconds=900)
    def setup_cache(self) -> Measured:
        return measure("session-map", version=1, steps=8192)


class SharedMap(Tracked):
    """One map for several threads."""

    version = "1 of 512 steps"
    params = (
        ("shared-map",),
        (
            "copy-on-write",
            "lock",
            "lock-per-key",
            "none",
            "persistent-map",
            "rlock",
            "rw-lock",
            "rw-lock-library",
            "shards",
        ),
    )

    @within(seconds=600)
    def setup_cache(self) -> Measured:
        return measure("shared-map", version=1, steps=512)


class StringKeysFromInput(Tracked):
    """Counters under names that come from outside."""

    version = "1 of 8192 steps"
    params = (
        ("string-keys-from-input",),
        (
            "known-names",
            "lru",
            "none",
            "route-template",
        ),
    )

    @within(seconds=300)
    def setup_cache(self) -> Measured:
        return measure("string-keys-from-input", version=1, steps=8192)


class SuspendedGenerators(Tracked):
    """Streams whose reader has left in the middle."""

    version = "1 of 8192 steps"
    params = (
        ("suspended-generators",),
        (
            "close-on-disconnect",
            "none",
            "weak-registry",
        ),
    )

    @within(seconds=240)
    def setup_cache(self) -> Measured:
        return measure("suspended-generators", version=1, steps=8192)


class ThreadLocalGrowth(Tracked):
    """State of a request, left on a thread that never ends."""

    version = "1 of 8192 steps"
    params = (
        ("thread-local-growth",),
        (
            "cleared-after-request",
            "context-variable",
            "none",
        ),
    )

    @within(seconds=240)
    def setup_cache(self) -> Measured:
        return measure("thread-local-growth", version=1, steps=8192)


class TtlPileup(Tracked):
    """Keys with a time to live that nobody removes."""

    version = "1 of 8192 steps"
    params = (
        ("ttl-pileup",),
        (
            "cachebox",
            "cachetools",
            "expiringdict",
            "heap",
            "ideal",
            "moka",
            "none",
            "on-access",
            "on-write",
            "sampled-1",
            "sampled-10",
            "sweeper-thread",
            "timer-wheel",
        ),
    )

    @within(seconds=840)
    def setup_cache(self) -> Measured:
        return measure("ttl-pileup", version=1, steps=8192)


class TtlServer(Tracked):
    """Keys with a time to live in a real server."""

    version = "1 of 128 steps"
    params = (
        ("ttl-server",),
        (
            "active-expiry-1",
            "active-expiry-10",
            "cap-allkeys-lru",
            "cap-noeviction",
            "cap-volatile-ttl",
            "lazy-reads",
            "none",
            "redis",
            "redis-none",
        ),
    )

    @within(seconds=600)
    def setup_cache(self) -> Measured:
        return measure("ttl-server", version=1, steps=128)


class TtlWindow(Tracked):
    """A map whose entries expire as fast as they come."""

    version = "1 of 8192 steps"
    params = (
        ("ttl-window",),
        ("none",),
    )

    @within(seconds=120)
    def setup_cache(self) -> Measured:
        return measure("ttl-window", version=1, steps=8192)


class UnfinishedTasks(Tracked):
    """Tasks that wait for an answer which never comes."""

    version = "1 of 8192 steps"
    params = (
        ("unfinished-tasks",),
        (
            "cancel-with-caller",
            "none",
            "timeout",
        ),
    )

    @within(seconds=240)
    def setup_cache(self) -> Measured:
        return measure("unfinished-tasks", version=1, steps=8192)


class UnreturnedMemory(Tracked):
    """The heap is free again and the process is as large as before."""

    version = "1 of 16384 steps"
    params = (
        ("unreturned-memory",),
        (
            "arena-max",
            "copied-out",
            "high-water",
            "high-water-trim-threshold",
            "ideal",
            "jemalloc",
            "malloc-trim",
            "none",
            "recycled-worker",
            "trim-threshold",
        ),
    )

    @within(seconds=660)
    def setup_cache(self) -> Measured:
        return measure("unreturned-memory", version=1, steps=16384)


class WarmingCache(Tracked):
    """A bounded cache that is still filling when the measurement begins."""

    version = "1 of 8192 steps"
    params = (
        ("warming-cache",),
        ("none",),
    )

    @within(seconds=120)
    def setup_cache(self) -> Measured:
        return measure("warming-cache", version=1, steps=8192)


class WeakCache(Tracked):
    """A weak-reference cache whose sweeper keeps it alive."""

    version = "1 of 128 steps"
    params = (
        ("weak-cache",),
        (
            "lock-in-callback",
            "none",
            "pinned-by-sweeper",
            "right",
            "sweep-finds-nothing",
            "unchecked-callback",
            "unlocked-put",
            "values-refused",
            "weak-value-dictionary",
        ),
    )

    @within(seconds=600)
    def setup_cache(self) -> Measured:
        return measure("weak-cache", version=1, steps=128)


class WriteBurst(Tracked):
    """A burst of writes against a map: limiters in front, eviction behind."""

    version = "1 of 32768 steps"
    params = (
        ("write-burst",),
        (
            "article-lru",
            "fifo",
            "ideal",
            "lfu",
            "lru",
            "lru-by-bytes",
            "none",
            "per-client-forgetting-lru",
            "per-client-lru",
            "sieve",
            "sliding-window",
            "sliding-window-lru",
            "token-bucket",
            "token-bucket-article-lru",
            "token-bucket-lru",
            "w-tinylfu",
        ),
    )

    @within(seconds=1020)
    def setup_cache(self) -> Measured:
        return measure("write-burst", version=1, steps=32768)
