"""Collectors for prometheus-client: they are asked at each scrape, and between scrapes nothing happens.

A Counter of prometheus-client costs about 0.7 µs at each increment and a label child about 800 bytes. Here
the maps count for themselves, and the metrics are made from their readings when a scrape comes. The only
label is the name of the map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from leakbench.monitor.process import PauseMeter, ProcessReading, read_process
from leakbench.monitor.registry import REGISTRY, Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric

_LABEL = "map"


class _Field(NamedTuple):
    family: type[CounterMetricFamily | GaugeMetricFamily]
    field: str  # of the reading
    metric: str
    help: str
    from_1: bool = False  # absent at 0, as it should stay for ever


MAP_FIELDS = (
    _Field(GaugeMetricFamily, "entries", "leakbench_map_entries", "Entries in the map now."),
    _Field(
        GaugeMetricFamily,
        "peak_entries",
        "leakbench_map_peak_entries",
        "Most entries met before a deletion or at a scrape.",
    ),
    _Field(
        CounterMetricFamily, "insertions", "leakbench_map_insertions_total", "Writes of a key that was new."
    ),
    _Field(
        CounterMetricFamily, "overwrites", "leakbench_map_overwrites_total", "Writes of a key that was there."
    ),
    _Field(
        CounterMetricFamily, "deletions", "leakbench_map_deletions_total", "Entries that the program removed."
    ),
    _Field(
        CounterMetricFamily,
        "evictions",
        "leakbench_map_evictions_total",
        "Entries that left by themselves: bound, expiry, death of a weak value.",
    ),
    _Field(CounterMetricFamily, "hits", "leakbench_map_hits_total", "Look-ups that found their key."),
    _Field(CounterMetricFamily, "misses", "leakbench_map_misses_total", "Look-ups that did not."),
    _Field(
        GaugeMetricFamily,
        "oldest_age_seconds",
        "leakbench_map_oldest_entry_age_seconds",
        "At least so old is the oldest entry, by a sample.",
    ),
    _Field(
        GaugeMetricFamily,
        "size_bytes",
        "leakbench_map_size_bytes",
        "Estimate of table, keys and values, by a sample.",
    ),
    _Field(
        GaugeMetricFamily,
        "size_error_bytes",
        "leakbench_map_size_error_bytes",
        "Half width of the 95 % interval around the size.",
    ),
    _Field(
        GaugeMetricFamily,
        "bound_entries",
        "leakbench_map_bound_entries",
        "Declared bound of the map; absent where there is none.",
    ),
    _Field(
        GaugeMetricFamily,
        "fill_ratio",
        "leakbench_map_fill_ratio",
        "How full the map is, 0 to 1; absent where it has no bound.",
    ),
    _Field(
        CounterMetricFamily,
        "sample_failures",
        "leakbench_map_sample_failures_total",
        "Readings without a sample: an estimator or a key raised.",
        from_1=True,
    ),
)

PROCESS_FIELDS = (
    _Field(GaugeMetricFamily, "rss_bytes", "leakbench_process_resident_memory_bytes", "Resident memory."),
    _Field(
        GaugeMetricFamily,
        "heap_bytes",
        "leakbench_process_heap_bytes",
        "In use according to the C library; without the interpreter's own small objects.",
    ),
    _Field(
        GaugeMetricFamily,
        "allocated_blocks",
        "leakbench_process_allocated_blocks",
        "Small objects alive in the interpreter's allocator.",
    ),
    _Field(
        GaugeMetricFamily,
        "memory_limit_bytes",
        "leakbench_process_memory_limit_bytes",
        "Least of the cgroup's limit and the machine's memory.",
    ),
    _Field(
        CounterMetricFamily, "gc_pauses", "leakbench_process_gc_pauses_total", "Runs of the cycle collector."
    ),
    _Field(
        CounterMetricFamily,
        "gc_pause_seconds",
        "leakbench_process_gc_pause_seconds_total",
        "Time spent in the cycle collector.",
    ),
    _Field(
        GaugeMetricFamily,
        "gc_pause_max_seconds",
        "leakbench_process_gc_pause_max_seconds",
        "Longest run of the cycle collector so far.",
    ),
    _Field(GaugeMetricFamily, "threads", "leakbench_process_threads", "Threads of the process."),
    _Field(GaugeMetricFamily, "open_fds", "leakbench_process_open_fds", "Open file descriptors."),
)


class MapCollector(Collector):
    """Every live monitored map of a registry: ``prometheus_client.REGISTRY.register(MapCollector())``."""

    def __init__(self, maps: Registry = REGISTRY) -> None:
        self._maps = maps

    def describe(self) -> Iterable[Metric]:
        """Names without samples, so that registering takes no reading."""
        return [field.family(field.metric, field.help, labels=[_LABEL]) for field in MAP_FIELDS]

    def collect(self) -> Iterator[Metric]:
        readings = [({_LABEL: name}, reading) for name, reading in self._maps.readings()]
        for field in MAP_FIELDS:
            family = field.family(field.metric, field.help, labels=[_LABEL])
            family.samples = [  # what add_metric would make, in half the time
                Sample(field.metric, labels, value)
                for labels, reading in readings
                if (value := getattr(reading, field.field)) is not None and (value or not field.from_1)
            ]  # what a map cannot tell is absent, not 0
            if family.samples:
                yield family


class ProcessCollector(Collector):
    """The process itself. Collector pauses are timed from the moment it is made until close()."""

    def __init__(self) -> None:
        self._pauses = PauseMeter()
        self._pauses.start()

    def close(self) -> None:
        """Stop timing the cycle collector."""
        self._pauses.stop()

    def describe(self) -> Iterable[Metric]:
        return [field.family(field.metric, field.help) for field in PROCESS_FIELDS]

    def collect(self) -> Iterator[Metric]:
        reading: ProcessReading = read_process(self._pauses)
        for field in PROCESS_FIELDS:
            value = getattr(reading, field.field)
            if value is not None:
                yield field.family(field.metric, field.help, value=value)
