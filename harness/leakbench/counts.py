"""Columns of the scenarios' own counts, which the probe `rss` takes when a run has ended.

Counts that every scenario may have (live, retained, lost and stale entries, hits) are in `columns`. A
scenario of a person's own may count what it likes: what is not named here is a column without a unit.
"""

from __future__ import annotations

from leakbench.columns import Column

_TRAFFIC = {
    "read_mostly": "1 in 100 a write",
    "balanced": "half of it writes",
    "write_heavy": "9 in 10 a write",
    "growing_keys": "half of it writes, each of a new key",
}
_STALE_SHARE = Column("stale_share", "Float64", "1", "share of the entries kept whose time is up", "less")
_SERVED = (
    Column("keys_expired", "Int64", "keys", "removed by the server because their time was up"),
    Column("keys_evicted", "Int64", "keys", "removed by the server for want of memory", "less"),
    Column("server_used_memory_bytes", "Int64", "B", "used_memory, as the server counts it", "less"),
    Column("server_rss_bytes", "Int64", "B", "the server's resident memory at the end", "less"),
    Column("server_peak_rss_bytes", "Int64", "B", "the server's high-water mark", "less"),
)
_WRITES = Column("writes", "Int64", "writes", "writes asked for in the run")
_REFUSED = Column("writes_refused", "Int64", "writes", "of those, refused", "less")

COUNTS: dict[str, tuple[Column, ...]] = {
    "churned-map": (
        Column("table_bytes", "Int64", "B", "the map's table, emptied to a few", "less"),
        Column("peak_table_bytes", "Int64", "B", "the table at the first burst's height"),
        Column("table_resizes", "Int64", "resizes", "of the table in the first burst"),
        Column("growth_factor_max", "Float64", "×", "the most that the table grew by within 64 insertions"),
        Column("first_entry_ns", "Int64", "ns", "until iteration over the emptied map yields", "less"),
        Column(
            "slowest_64_inserts_ns", "Int64", "ns", "the slowest 64 insertions of the first burst", "less"
        ),
        Column("mean_64_inserts_ns", "Float64", "ns", "64 insertions of the first burst, on average", "less"),
        Column("first_burst_inserts_ns", "Int64", "ns", "all insertions of the first burst", "less"),
        Column("last_burst_inserts_ns", "Int64", "ns", "all insertions of the last burst", "less"),
    ),
    "unreturned-memory": (
        Column("grown_rss_bytes", "Int64", "B", "resident at the burst's height, above what was before"),
        Column(
            "kept_rss_bytes", "Int64", "B", "still resident once it is freed, above what was before", "less"
        ),
        Column("free_ns", "Int64", "ns", "to free the burst", "less"),
        Column("trim_ns", "Int64", "ns", "all that the mitigation took to give memory back", "less"),
        Column("trim_max_ns", "Int64", "ns", "the longest single time of it", "less"),
    ),
    "concurrent-reads": (
        Column("kept_by_readers", "Int64", "entries", "what the readers keep at the end", "less"),
        Column("reads_per_second", "Float64", "op/s", "reads of all readers", "more"),
    ),
    "ttl-pileup": (
        _STALE_SHARE,
        Column("most_entries", "Int64", "entries", "in the map, at its largest", "less"),
    ),
    "ttl-server": (
        _STALE_SHARE,
        _WRITES,
        _REFUSED,
        *_SERVED,
    ),
    "ttl-article-load": (
        _STALE_SHARE,
        _WRITES,
        _REFUSED,
        *_SERVED,
        *(
            column
            for third, when in (("third", "5 minutes"), ("two_thirds", "10 minutes"), ("end", "15 minutes"))
            for column in (
                Column(f"server_rss_{third}_bytes", "Int64", "B", f"the server's, after {when}", "less"),
                Column(f"keys_{third}", "Int64", "keys", f"in the server after {when}", "less"),
            )
        ),
    ),
    "lifetime-tracking": (
        Column("plain_delay_steps", "Int64", "steps", "the latest notice of a plain death", "less"),
        Column("cycle_delay_steps", "Int64", "steps", "the latest notice of a cycle's death", "less"),
        Column("register_ns", "Float64", "ns", "to have a map tracked, on average", "less"),
        Column("drop_ns", "Float64", "ns", "to drop a tracked map, on average", "less"),
        Column("record_bytes", "Float64", "B", "what a tracked map costs besides itself", "less"),
        Column("noticed_plain", "Int64", "0 or 1", "a plain death was noticed", "more"),
        Column("noticed_cycle", "Int64", "0 or 1", "a cycle's death was noticed", "more"),
        Column(
            "noticed_cycle_before_collection", "Int64", "0 or 1", "it was noticed before a collection", "more"
        ),
        Column(
            "noticed_in_foreign_thread",
            "Int64",
            "0 or 1",
            "the callback ran in another thread than the program's",
        ),
        Column("noticed_at_exit", "Int64", "0 or 1", "a map alive at the interpreter's exit was reported"),
        Column("notices_after_an_error", "Int64", "0 or 1", "notices go on after a callback raised", "more"),
        Column("reported_dead_while_alive", "Int64", "0 or 1", "a resurrected map was called dead", "less"),
    ),
    "shared-map": (
        Column("lost_updates", "Int64", "updates", "additions that did not arrive", "less"),
        Column(
            "iteration_errors", "Int64", "errors", "of 4 walks beside a writer, those that raised", "less"
        ),
        *(
            Column(
                f"{traffic}_{threads}_threads_per_second",
                "Float64",
                "op/s",
                f"{words}; {threads} thread{'s' * (threads > 1)}",
                "more",
            )
            for traffic, words in _TRAFFIC.items()
            for threads in (1, 2, 4, 8)
        ),
        Column("balanced_put_p50_ns", "Int64", "ns", "median put, four threads at work", "less"),
        Column("balanced_put_p99_ns", "Int64", "ns", "99 of 100 puts are at most this long", "less"),
    ),
    "weak-cache": (
        Column("caches_dropped", "Int64", "caches", "dropped by their tenants in the run"),
        Column("caches_kept", "Int64", "caches", "of those, still alive", "less"),
        Column("puts_refused", "Int64", "puts", "values that the cache cannot hold", "less"),
        Column("deadlocks", "Int64", "deadlocks", "a callback waiting for a lock of its own thread", "less"),
        Column("sweepers_raced", "Int64", "threads", "sweepers beside which puts were made in haste"),
        Column("sweepers_died", "Int64", "threads", "sweepers that ended by an exception", "less"),
        Column("entries_scanned", "Int64", "entries", "that sweeps looked at"),
        Column("entries_swept", "Int64", "entries", "that sweeps removed"),
    ),
    "write-burst": (
        _WRITES,
        _REFUSED,
        Column("writes_refused_to_crawler", "Int64", "writes", "of those refused, the flood's own"),
        Column("entries_evicted", "Int64", "entries", "written and no longer in the map"),
        Column("limiter_records", "Int64", "records", "that the limiter keeps of its clients", "less"),
        Column("best_static_hit_ratio", "Float64", "1", "hits of the best map that never changes: a bound"),
    ),
}

BY_NAME = {column.name: column for columns in COUNTS.values() for column in columns}
