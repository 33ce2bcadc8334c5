"""What a reader is handed, and what it keeps of it (article, section 2.3).

Mechanism: readers get entries from a map under a read-write lock. The lock protects the map for the time of
the call; what the call returned is out of its reach. A reader that keeps the object keeps it after the
writer has replaced or removed it: the map is empty and the memory is not free. A shallow copy, a read-only
view and a slice of a memoryview hold what they are of as firmly as the object itself does.

Who retains: the readers' own lists, ``KEPT``.

Seen in the wild: Go's sub-slices that pin their array, and ``memoryview`` and NumPy views, which do the same.

Two readers and a writer work at the same time, in rounds: a step is one round. In it the writer puts `BATCH`
entries, replaces the last but one `BATCH` and removes the oldest; the readers read the `BATCH` of the step
before and keep those whose key is a multiple of `KEEP_EVERY`, as they keep those of the map as it was at
first. Each reader keeps its own: copies, references and views are there twice. An answer is stale when what
was kept is another version than the map's, or of an entry that is gone. Of what is handed out and not kept
nothing is left, whatever it is: one row stands for all; and a window of snapshots is the latest alone.
"""

import copy
import weakref
from collections import deque
from time import perf_counter_ns

from leakbench.contract import Parameter, Run, Scenario
from leakbench.mitigations.locks import ReadWriteLock
from leakbench.mitigations.team import Team

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Records = dict[int, "Record"]

READERS = 2
BATCH = 16
KEEP_EVERY = 10
_SLICE_BYTES = 64
_WINDOW = 64
_LOOK_BACK = 16  # entries; older than the two steps after which all are replaced
_SNAPSHOT_EVERY_STEPS = 64

KEPT: "list[Any]" = [[] for _ in range(READERS)]
"""What each reader keeps: a root that lives as long as the process."""


class Record:
    """An entry's value; a new version is a new record."""

    __slots__ = ("__weakref__", "key", "payload", "version")

    def __init__(self, key: int, version: int, payload: bytes) -> None:
        self.key = key
        self.version = version
        self.payload = payload


class ReadOnly:
    """A view of a record that allows no change; it holds the record."""

    __slots__ = ("_record",)

    def __init__(self, record: Record) -> None:
        self._record = record

    @property
    def key(self) -> int:
        return self._record.key

    @property
    def version(self) -> int:
        return self._record.version


class Part:
    """What a reader needs of a record: a copy of its first bytes, or a view of them."""

    __slots__ = ("key", "part", "version")

    def __init__(self, record: Record, part: "bytes | memoryview") -> None:
        self.key = record.key
        self.version = record.version
        self.part = part


class Snapshot:
    """The whole map as it was, in which a reader may look up at leisure."""

    __slots__ = ("key", "records", "version")

    def __init__(self, records: "Records", key: int) -> None:
        self.records = records.copy()
        self.key = key
        self.version = records[key].version


def _full_copy(records: "Records", key: int) -> Record:
    found = records[key]
    return Record(found.key, found.version, bytes(bytearray(found.payload)))


HAND_OUTS: "dict[str, tuple[Callable[[Records, int], Any], str]]" = {
    "object": (lambda records, key: records[key], "the object itself"),
    "shallow-copy": (
        lambda records, key: copy.copy(records[key]),
        "a shallow copy, with the same payload",
    ),
    "full-copy": (_full_copy, "a copy with a payload of its own"),
    "slice-copy": (
        lambda records, key: Part(records[key], records[key].payload[:_SLICE_BYTES]),
        f"a copy of the {_SLICE_BYTES} bytes that are needed",
    ),
    "frozen-view": (lambda records, key: ReadOnly(records[key]), "a read-only view, which holds the object"),
    "memoryview": (
        lambda records, key: Part(records[key], memoryview(records[key].payload)[:_SLICE_BYTES]),
        f"a memoryview of {_SLICE_BYTES} bytes, which holds the whole payload",
    ),
    "weakref": (lambda records, key: weakref.ref(records[key]), "a weak reference"),
    "key": (lambda _records, key: key, "the key alone: to be asked for again"),
    "snapshot": (Snapshot, "a dict.copy() of the whole map"),
}
"""What `get` hands out, called under the read lock."""

KEEPS: "dict[str, tuple[Callable[[], Any], str]]" = {
    "nothing": (lambda: deque(maxlen=0), "keep nothing"),
    "window": (lambda: deque(maxlen=_WINDOW), f"keep the last {_WINDOW}"),
    "latest": (lambda: deque(maxlen=1), "keep the latest"),
    "all": (list, "keep everything"),
    "living": (weakref.WeakSet, "keep everything weakly, and so only what lives"),
}
"""What readers keep of it: a container with `append`, or a set with `add`."""


class Reading:
    """A mitigation: what `get` hands out and what the readers keep it in."""

    __slots__ = ("every_steps", "hand_out", "keep")

    def __init__(self, hand_out: str, keep: str) -> None:
        self.hand_out = HAND_OUTS[hand_out][0]
        self.keep = KEEPS[keep][0]
        self.every_steps = _SNAPSHOT_EVERY_STEPS if hand_out == "snapshot" else 1


class ConcurrentReads:
    """The workload: a writer and two readers on one map, each in a thread of its own."""

    def __init__(self, make: "Callable[[], Reading]", run: Run) -> None:
        self._reading = make()
        self._payload_bytes = run.params["payload_bytes"]
        self._lock = ReadWriteLock()
        self._records: Records = {}
        self._team = Team(READERS + 1)
        self._newest = run.params["entries"]
        self._reads = self._took_ns = self._lost = 0
        self._stale = [0] * READERS
        for reader in range(READERS):
            KEPT[reader] = self._reading.keep()
        for key in range(self._newest):
            self._records[key] = Record(key, 1, bytes(self._payload_bytes))
        every = 1 if self._reading.every_steps == 1 else self._newest
        for key in range(0, self._newest - BATCH, KEEP_EVERY * every):  # the rest is read in the first step
            for reader in range(READERS):
                self._keep(reader, self._reading.hand_out(self._records, key))

    def step(self, i: int) -> None:
        began_ns = perf_counter_ns()
        readers = [lambda reader=reader: self._read(reader, i) for reader in range(READERS)]
        self._team.run([self._write, *readers])
        self._took_ns += perf_counter_ns() - began_ns
        self._reads += READERS * BATCH
        self._newest += BATCH

    def _write(self) -> None:
        records, first = self._records, self._newest
        oldest = next(iter(records))
        for key in range(first, first + BATCH):
            added = Record(key, 1, bytes(self._payload_bytes))
            replaced = Record(key - 2 * BATCH, 2, bytes(self._payload_bytes))
            with self._lock.writing:
                records[key] = added
                records[replaced.key] = replaced
                records.pop(oldest + key - first, None)

    def _read(self, reader: int, i: int) -> None:
        reading = self._reading
        first = self._newest - BATCH
        for key in range(first, first + BATCH):
            keeps = key % KEEP_EVERY == 0 if reading.every_steps == 1 else key == first
            if keeps and i % reading.every_steps == 0:
                with self._lock.reading:
                    handed = reading.hand_out(self._records, key)
                self._keep(reader, handed)
            else:
                with self._lock.reading:
                    self._lost += key not in self._records
        kept = KEPT[reader]
        if isinstance(kept, (list, deque)) and len(kept) >= _LOOK_BACK:
            self._stale[reader] += self._is_stale(kept[-_LOOK_BACK])

    def _keep(self, reader: int, handed: "Any") -> None:
        kept = KEPT[reader]
        if isinstance(kept, weakref.WeakSet):
            kept.add(handed)
        else:
            kept.append(handed)

    def _is_stale(self, handed: "Any") -> bool:
        """Whether the map says otherwise now; a key is asked again, a dead reference tells of itself."""
        if isinstance(handed, weakref.ref):
            handed = handed()
        if handed is None or isinstance(handed, int):
            return False
        with self._lock.reading:
            found = self._records.get(handed.key)
        return found is None or bool(found.version != handed.version)

    def counts(self) -> "dict[str, int | float]":
        """Exact counts; then the map is emptied, so that what stays resident is what the readers keep."""
        live = len(self._records)
        self._records.clear()
        return {
            "live_entries": live,
            "retained_entries": live + sum(map(len, KEPT)),
            "kept_by_readers": sum(map(len, KEPT)),
            "lost_entries": self._lost,
            "stale_answers": sum(self._stale),
            "reads_per_second": self._reads / (self._took_ns / 1e9) if self._took_ns else 0.0,
        }

    def close(self) -> None:
        self._team.close()


SCENARIO = Scenario(
    "concurrent-reads",
    ConcurrentReads,
    title="What a reader is handed, and what it keeps of it",
    section="2.3",
    steps={"quick": 1_024, "full": 8_192},
    warmup=128,  # until the map's table has grown to what a sliding window needs
    params={
        "payload_bytes": Parameter(1_000, _SLICE_BYTES, 1 << 20, "bytes of payload that an entry carries"),
        "entries": Parameter(4_000, 4 * BATCH, 1 << 20, "entries that the map holds at any time"),
    },
)

_MATRIX = (
    ("object", "all", "leak", "the map is emptied and nothing is free"),
    ("object", "window", "bounded", "what is kept is soon stale"),
    ("object", "nothing", "steady", "the bound: each use asks again"),
    ("shallow-copy", "all", "leak", "the payload is shared, and so kept"),
    ("full-copy", "all", "leak", "as much again, and never the map's latest"),
    ("slice-copy", "all", "leak", "a small leak is a leak"),
    ("frozen-view", "all", "leak", "safe from change, not from being kept"),
    ("memoryview", "all", "leak", "64 bytes keep the whole payload"),
    ("weakref", "all", "leak", "the payload goes, the dead references stay"),
    ("object", "living", "bounded", "a set that costs a lookup more an entry"),
    ("key", "all", "leak", "the keys alone; each use asks again"),
    ("snapshot", "all", "leak", "every entry that ever was"),
    ("shallow-copy", "window", "bounded", "the payloads of the latest live a little longer"),
    ("full-copy", "window", "bounded", "a copy for each read, kept or not"),
    ("slice-copy", "window", "bounded", "the least that is kept; what is kept is soon stale"),
    ("frozen-view", "window", "bounded", "the latest objects live a little longer"),
    ("memoryview", "window", "bounded", "the whole payloads of the latest live a little longer"),
    ("weakref", "window", "bounded", "what is kept is soon dead"),
    ("key", "window", "bounded", "each use asks again"),
    ("snapshot", "latest", "bounded", "entries replaced or removed since live on in it"),
)
for _handed, _kept, _verdict, _cost in _MATRIX:
    SCENARIO.mitigation(
        f"{_handed}-keep-{_kept}",
        verdict=_verdict,
        deterministic=False,
        holder="concurrent_reads.KEPT[0]" if _verdict == "leak" else None,
        summary=f"get hands out {HAND_OUTS[_handed][1]}; readers {KEEPS[_kept][1]}",
        cost=_cost,
    )(lambda handed=_handed, kept=_kept: Reading(handed, kept))
