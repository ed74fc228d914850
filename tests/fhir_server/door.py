"""A door in front of a FHIR server that asks everyone for the token, and remembers who came."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import msgspec

SECONDS = 30


class Visit(msgspec.Struct, frozen=True):
    """One request at the door: its path with query, its form, and whether it showed the token."""

    method: str
    path: str
    form: str
    admitted: bool


class Door(ThreadingHTTPServer):
    """Passes requests with the token on to the server; answers 401 to all others."""

    daemon_threads = True
    request_queue_size = 64  # a call asks for everything at once

    def __init__(self, server: str, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.behind = urlsplit(server)
        self.token = token
        self.visits: list[Visit] = []

    @property
    def address(self) -> str:
        """The FHIR base address as clients know it."""
        return f"http://127.0.0.1:{self.server_address[1]}{self.behind.path}"


class _Passage(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Door

    def do_GET(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        self._pass()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the path names the patient."""

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        admitted = self.headers.get("Authorization") == f"Bearer {self.server.token}"
        self.server.visits.append(Visit(self.command, self.path, body.decode(), admitted))
        if not admitted:
            self._answer(401, "text/plain", b"")
            return
        inner = HTTPConnection(self.server.behind.netloc, timeout=SECONDS)
        # With the Host as sent, the server writes its links with the address of the door.
        kept = {name: value for name in ("Host", "Accept", "Content-Type") if (value := self.headers.get(name))}
        inner.request(self.command, self.path, body, kept)
        reply = inner.getresponse()
        self._answer(reply.status, reply.headers.get("Content-Type", ""), reply.read())
        inner.close()

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def open_door(server: str, token: str) -> Iterator[Door]:
    """A door in a thread of this process."""
    door = Door(server, token)
    thread = threading.Thread(target=door.serve_forever, daemon=True)
    thread.start()
    try:
        yield door
    finally:
        door.shutdown()
        door.server_close()
        thread.join(timeout=5)
