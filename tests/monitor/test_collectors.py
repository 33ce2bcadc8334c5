"""What Prometheus gets to read: valid, complete, cheap, and served on a port that is said plainly."""

import gc
import os
import statistics
import subprocess
import sys
import timeit
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import cachetools
import leakbench.monitor
import pytest
from leakbench.monitor import MapCollector, MonitoredMap, MonitorError, ProcessCollector, Registry, serve
from leakbench.monitor.process import PauseMeter, memory_limit_bytes, read_process
from leakbench.monitor.prometheus import MAP_FIELDS, PROCESS_FIELDS
from leakbench.monitor.rehearsal.judge import promtool
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

UNITS = ("_bytes", "_seconds", "_ratio", "_entries", "_total", "_blocks", "_threads", "_fds")


@pytest.fixture
def maps() -> Iterator[Registry]:
    registry = Registry()
    sessions = MonitoredMap[str, int](name="sessions", registry=registry)
    sessions.update(a=1, b=2)
    del sessions["a"]
    pages: Any = MonitoredMap(cachetools.LRUCache(2), name="pages", registry=registry)
    pages.update({1: 1, 2: 2, 3: 3})
    yield registry
    del sessions, pages


@pytest.fixture
def metrics(maps: Registry) -> Iterator[CollectorRegistry]:
    registry = CollectorRegistry()
    registry.register(MapCollector(maps))
    process = ProcessCollector()
    registry.register(process)
    yield registry
    process.close()


def test_a_scrape_says_what_the_maps_say(metrics: CollectorRegistry) -> None:
    found = {
        (sample.name, sample.labels.get("map")): sample.value
        for family in text_string_to_metric_families(generate_latest(metrics).decode())
        for sample in family.samples
    }
    assert found["leakbench_map_entries", "sessions"] == 1
    assert found["leakbench_map_insertions_total", "sessions"] == 2
    assert found["leakbench_map_deletions_total", "sessions"] == 1
    assert found["leakbench_map_evictions_total", "pages"] == 1
    assert found["leakbench_map_fill_ratio", "pages"] == 1
    assert ("leakbench_map_evictions_total", "sessions") not in found, "a dict has none, which is not 0"
    assert ("leakbench_map_fill_ratio", "sessions") not in found
    assert found["leakbench_process_resident_memory_bytes", None] > 1 << 20


def test_openmetrics_parses_too(metrics: CollectorRegistry) -> None:
    text = openmetrics.generate_latest(metrics).decode()  # type: ignore[no-untyped-call] # has no hints
    names = {family.name for family in parse_openmetrics(text)}  # type: ignore[no-untyped-call] # nor this
    assert names >= {"leakbench_map_entries", "leakbench_map_insertions"}


def test_promtool_finds_no_fault_with_names_and_helps(metrics: CollectorRegistry) -> None:
    try:
        tool = promtool()
    except MonitorError as error:
        pytest.skip(str(error))
    done = subprocess.run(
        [tool, "check", "metrics"], input=generate_latest(metrics), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_names_carry_their_unit_and_the_only_label_is_the_map(metrics: CollectorRegistry) -> None:
    for family in metrics.collect():
        for sample in family.samples:
            assert sample.name.endswith(UNITS)
            assert sample.name.endswith("_total") == (family.type == "counter")
            assert set(sample.labels) <= {"map"}


def test_what_is_described_is_what_is_collected(maps: Registry) -> None:
    described = {family.name for family in [*MapCollector(maps).describe(), *ProcessCollector().describe()]}
    fields = {field.metric.removesuffix("_total") for field in (*MAP_FIELDS, *PROCESS_FIELDS)}
    assert described == fields


@pytest.mark.slow
def test_a_scrape_costs_about_what_as_many_gauges_cost() -> None:
    """Of 100 maps, against the same number of series of prometheus-client's own: 1.0 times was measured.

    Each pair is timed at once, so what else the machine does slows both. That a scrape takes less than 5 ms
    is held by benchmarks/monitor_cost.py, on a machine that has nothing else to do.
    """
    maps = Registry()
    watched = [MonitoredMap[str, bytes](name=f"map-{number}", registry=maps) for number in range(100)]
    for one in watched:
        one.update({f"key-{number}": bytes(256) for number in range(500)})
    metrics, plain = CollectorRegistry(), CollectorRegistry()
    metrics.register(MapCollector(maps))
    assert generate_latest(metrics).count(b'map="map-') == 1_000, "ten series of each map"
    for number in range(10):
        gauge = Gauge(f"gauge_{number}_bytes", "For comparison.", ["map"], registry=plain)
        for one in watched:
            gauge.labels(one.name).set(number)
    assert generate_latest(plain).count(b'map="map-') == 1_000
    ratios = [
        timeit.timeit(lambda: generate_latest(metrics), number=1)
        / timeit.timeit(lambda: generate_latest(plain), number=1)
        for _ in range(40)
    ]
    assert statistics.median(ratios) < 1.5


def test_a_map_that_dies_between_scrapes_leaves_the_page(maps: Registry) -> None:
    passing = MonitoredMap[str, int](name="passing", registry=maps)
    collector = MapCollector(maps)
    assert _names(collector) == {"sessions", "pages", "passing"}
    del passing
    assert _names(collector) == {"sessions", "pages"}


def _names(collector: MapCollector) -> set[str]:
    return {sample.labels["map"] for family in collector.collect() for sample in family.samples}


# The process.


def test_the_process_is_read_as_it_is() -> None:
    if sys.platform != "linux":
        pytest.skip("platform: /proc is Linux's")
    meter = PauseMeter()
    before = read_process(meter)
    handles = [open(os.devnull, "rb") for _ in range(5)]  # noqa: SIM115, PTH123 - closed below
    ballast = bytearray(os.urandom(1 << 20) * 32)  # written to, so resident
    after = read_process(meter)
    for handle in handles:
        handle.close()
    assert before.open_fds is not None
    assert after.open_fds == before.open_fds + 5
    assert before.rss_bytes is not None
    assert after.rss_bytes is not None
    assert after.rss_bytes - before.rss_bytes > 0.9 * len(ballast)
    assert after.heap_bytes is None or before.heap_bytes is None or after.heap_bytes > before.heap_bytes
    assert after.allocated_blocks > 0
    assert after.threads >= 1


@pytest.mark.slow
def test_collector_pauses_are_timed_while_the_meter_runs() -> None:
    meter = PauseMeter()
    gc.collect()
    assert meter.pauses == 0
    meter.start()
    gc.collect()
    gc.collect()
    meter.stop()
    timed = read_process(meter)
    gc.collect()
    assert read_process(meter)[4:7] == timed[4:7]
    assert timed.gc_pauses >= 2
    assert 0 < timed.gc_pause_max_seconds <= timed.gc_pause_seconds < 60


def test_the_least_limit_of_all_groups_above_binds(tmp_path: Path) -> None:
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    (cgroups / "pod/box").mkdir(parents=True)
    proc.mkdir()
    (proc / "cgroup").write_text("0::/pod/box\n")
    (cgroups / "pod/box/memory.max").write_text("max\n")
    (cgroups / "pod/memory.max").write_text(f"{100 << 20}\n")
    assert memory_limit_bytes(proc, cgroups) == 100 << 20
    (cgroups / "pod/box/memory.max").write_text(f"{50 << 20}\n")
    assert memory_limit_bytes(proc, cgroups) == 50 << 20
    (proc / "cgroup").write_text("5:cpu,memory:/old\n1:name=systemd:/\n")
    (cgroups / "memory/old").mkdir(parents=True)
    (cgroups / "memory/old/memory.limit_in_bytes").write_text(f"{10 << 20}\n")
    assert memory_limit_bytes(proc, cgroups) == 10 << 20


# Serving.


@pytest.mark.slow
def test_the_page_is_served_and_its_port_is_free_again(maps: Registry) -> None:
    endpoint = serve(0, maps=maps)
    with urlopen(endpoint.url, timeout=10) as answer:  # noqa: S310 - our own page
        assert b'leakbench_map_entries{map="sessions"} 1.0' in answer.read()
    port = endpoint.server.server_port
    with pytest.raises(MonitorError, match=rf"port {port} on 127.0.0.1 is in use: choose another, or 0"):
        serve(port, maps=maps)
    endpoint.close()
    serve(port, maps=maps).close()


def test_a_port_that_is_none_is_refused(maps: Registry) -> None:
    with pytest.raises(MonitorError, match=r"port 65536 on 127\.0\.0\.1 cannot be had"):
        serve(65_536, maps=maps)


def test_without_prometheus_client_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    for module in ("prometheus", "endpoint"):
        monkeypatch.delitem(sys.modules, f"leakbench.monitor.{module}")
    with pytest.raises(
        MonitorError, match=r"serve needs prometheus-client: pip install 'leakbench\[monitor\]'"
    ):
        _ = leakbench.monitor.serve
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = leakbench.monitor.nonsense


def test_counting_needs_the_standard_library_alone() -> None:
    program = (
        "import sys; from leakbench.monitor import *; MonitoredMap(name='x').reading(); "
        "print(sorted({'prometheus_client', 'cachetools', 'cachebox', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
