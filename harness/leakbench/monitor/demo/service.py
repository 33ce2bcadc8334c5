"""The HTTP service of the demonstration: /login, /user/N, /logout/N, and /metrics for Prometheus.

Run as a child of the demonstration: it takes a free port, says which on standard output, and ends when its
standard input does, however its parent ended.
"""

from __future__ import annotations

import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from leakbench.monitor.demo.sessions import Sessions
from leakbench.monitor.prometheus import MapCollector, ProcessCollector


def handler_for(sessions: Sessions, metrics: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # one connection for the whole load
        wbufsize = 1 << 16  # head and body in one packet: in two, the second waits 40 ms for an answer

        def do_GET(self) -> None:
            action, _, argument = self.path.strip("/").partition("/")
            if action == "metrics":
                self._answer(generate_latest(metrics), CONTENT_TYPE_LATEST)
            elif action == "login":
                self._answer(str(sessions.login(argument)).encode())
            elif action in ("user", "logout") and argument.isdigit():
                does = sessions.user if action == "user" else sessions.logout
                self._answer(str(does(int(argument))).encode())
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _answer(self, body: bytes, content_type: str = "text/plain") -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing: there are hundreds of requests a second."""

    return Handler


def main(mitigation: str, life_seconds: str) -> None:
    sessions = Sessions(mitigation, float(life_seconds))
    metrics = CollectorRegistry()
    metrics.register(MapCollector())
    metrics.register(ProcessCollector())
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(sessions, metrics))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()  # until the parent ends
    server.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
