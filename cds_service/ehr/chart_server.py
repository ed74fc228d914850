"""A FHIR server on loopback for one chart: reads, and searches by GET and by POST; for demonstrations and tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

Ask = Callable[[str], dict[str, Any] | None]
"""From a query (`Type/id` or `Type?parameters`, as in an address) to a resource or Bundle; None when there is none."""

BASE_PATH = "/fhir/"
_NOT_FOUND = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]}
_WRITE = msgspec.json.Encoder(decimal_format="number").encode


@contextmanager
def chart_server(ask: Ask) -> Iterator[str]:
    """Serve in a thread of this process; gives the base address."""
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"ask": staticmethod(ask)}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{BASE_PATH.rstrip('/')}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # all needs are asked for at once, and a connection too many waits a second for its turn


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ask: Ask

    def do_GET(self) -> None:
        self._answer(self.path.removeprefix(BASE_PATH))

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self._answer(f"{self.path.removeprefix(BASE_PATH).removesuffix('/_search')}?{form}")

    def _answer(self, query: str) -> None:
        found = self.ask(query)
        content = _WRITE(_NOT_FOUND if found is None else found)
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: addresses name patients."""
