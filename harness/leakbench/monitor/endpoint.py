"""The page that Prometheus scrapes, for a service that has none yet."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import CollectorRegistry, start_http_server

from leakbench.monitor.errors import MonitorError
from leakbench.monitor.prometheus import MapCollector, ProcessCollector
from leakbench.monitor.registry import REGISTRY, Registry

if TYPE_CHECKING:
    from threading import Thread
    from wsgiref.simple_server import WSGIServer


class Endpoint(NamedTuple):
    """A running page; close() frees its port."""

    url: str
    server: WSGIServer
    thread: Thread
    process: ProcessCollector

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.process.close()


def serve(port: int, *, address: str = "127.0.0.1", maps: Registry = REGISTRY) -> Endpoint:
    """Serve the metrics of `maps` and of the process in a thread; port 0 takes a free one.

    Raises MonitorError where the port is in use or not to be had.
    """
    metrics = CollectorRegistry()
    metrics.register(MapCollector(maps))
    process = ProcessCollector()
    metrics.register(process)
    try:
        server, thread = start_http_server(port, address, metrics)
    except (OSError, OverflowError) as error:
        process.close()
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "is in use" if in_use else f"cannot be had ({error})"
        raise MonitorError(
            f"port {port} on {address} {reason}: choose another, or 0 for a free one"
        ) from error
    return Endpoint(f"http://{address}:{server.server_port}/metrics", server, thread, process)
