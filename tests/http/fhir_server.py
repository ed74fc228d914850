"""A FHIR server on loopback, in front of files, with its moods; and a CDS service of somebody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import jwt

from cds_service.ehr.file_records import FileRecords
from cds_service.ehr.records import matches
from cds_service.ehr.wire import WRITE

TYPES = (
    "Patient", "Encounter", "Observation", "MedicationRequest", "MedicationStatement", "Condition", "Procedure",
    "ServiceRequest",
)  # fmt: skip


@dataclass
class Moods:
    """How this server differs from a good one.

    token: what it wants to see; public_key: whose assertions it takes for that token; refuses: type -> status
    """

    version: str = "4.0.1"
    token: str | None = None
    public_key: Any = None
    refuses: dict[str, int] = field(default_factory=dict)
    lists_patients: bool = True
    sorts: bool = True
    honours_count: bool = True
    filters: bool = True
    links_on: bool = True
    takes_post: bool = True
    asked: list[str] = field(default_factory=list)
    assertions: list[dict[str, Any]] = field(default_factory=list)


class FhirServer(ThreadingHTTPServer):
    """Serves one chart; `base` is its address."""

    request_queue_size = 64  # a call asks for everything at once

    def __init__(self, records: FileRecords, moods: Moods) -> None:
        self.records, self.moods = records, moods
        super().__init__(("127.0.0.1", 0), _Handler)
        self.base = f"http://127.0.0.1:{self.server_address[1]}/fhir"

    def metadata(self) -> dict[str, Any]:
        """The CapabilityStatement, or what came before it."""
        kind = "Conformance" if self.moods.version.startswith("1.") else "CapabilityStatement"
        parameters = [{"name": name} for name in ("patient", "code", "status")]
        resources = [{"type": kind, "searchParam": parameters} for kind in TYPES]
        return {
            "resourceType": kind,
            "fhirVersion": self.moods.version,
            "software": {"name": "Loopback"},
            "rest": [{"mode": "server", "resource": resources}],
        }

    def search(self, kind: str, query: str) -> tuple[int, Any]:
        """Status and searchset."""
        moods = self.moods
        pairs = parse_qsl(query)
        given = dict(pairs)
        if kind == "Patient" and not (moods.lists_patients or given.keys() - {"_count"}):
            return 400, _outcome("name a patient")
        kept = [pair for pair in pairs if pair[0] not in ("_count", "_page")]
        if not moods.sorts:
            kept = [pair for pair in kept if pair[0] != "_sort"]
        if not moods.filters:
            kept = [pair for pair in kept if pair[0] == "patient"]
        found = self.records.ask(f"{kind}?{urlencode(kept)}", "") or {}
        if found.get("resourceType") != "Bundle":
            return 400, found
        start, size = int(given.get("_page", 0)), int(given.get("_count", 1000)) if moods.honours_count else 1000
        entries = [{"resource": resource, "search": {"mode": "match"}} for resource in matches(found)]
        found["entry"] = entries[start : start + size]
        if start + size < len(entries) and moods.links_on:
            following = urlencode([*kept, ("_count", size), ("_page", start + size)])
            found["link"] = [{"relation": "next", "url": f"{self.base}/{kind}?{following}"}]
        return 200, found

    def grant(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        """The token endpoint."""
        try:
            claims = jwt.decode(
                form["client_assertion"][0],
                self.moods.public_key,
                algorithms=["ES384", "RS384"],
                audience=f"{self.base}/token",
            )
        except (jwt.InvalidTokenError, KeyError):
            return 400, {"error": "invalid_client"}
        self.moods.assertions.append(claims)
        return 200, {"access_token": self.moods.token, "expires_in": 240, "scope": form["scope"][0]}


class _Handler(BaseHTTPRequestHandler):
    server: FhirServer

    def log_message(self, *_: object) -> None:
        """Nothing is logged: addresses hold ids."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self._answer(url.path.removeprefix("/fhir/"), url.query, posted=False)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(urlsplit(self.path).path.removeprefix("/fhir/"), body, posted=True)

    def _answer(self, path: str, query: str, *, posted: bool) -> None:
        self.server.moods.asked.append(unquote(f"{path}?{query}"))
        status, body = self._found(path, query, posted=posted)
        raw = WRITE(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _found(self, path: str, query: str, *, posted: bool) -> tuple[int, Any]:
        server, moods = self.server, self.server.moods
        if path == ".well-known/smart-configuration":
            return 200, {"token_endpoint": f"{server.base}/token"} if moods.public_key else {}
        if path == "token":
            return server.grant(parse_qs(query))
        if path == "metadata":
            return 200, server.metadata()
        if moods.token is not None and self.headers.get("Authorization") != f"Bearer {moods.token}":
            return 401, _outcome("who are you")
        kind = path.split("/")[0]
        if kind in moods.refuses:
            return moods.refuses[kind], _outcome("not for you")
        if path.endswith("/_search"):
            return server.search(kind, query) if moods.takes_post else (405, _outcome("no POST"))
        if posted:
            return 404, _outcome("nothing there")
        if "/" not in path:
            return server.search(kind, query)
        resource = server.records.ask(path, "")
        return (200, resource) if resource else (404, _outcome("nothing there"))


def _outcome(said: str) -> dict[str, Any]:
    issue = {"severity": "error", "code": "processing", "diagnostics": said}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """A server that runs for as long as the block."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class CdsServer(ThreadingHTTPServer):
    """Somebody else's CDS service: answers what it is told to, and keeps what it was sent."""

    def __init__(self, services: list[dict[str, Any]], answer: Any) -> None:
        self.services, self.answer = services, answer
        self.status, self.feedback_status, self.discovery_status = 200, 200, 200
        self.received: list[tuple[str, str | None, Any]] = []
        super().__init__(("127.0.0.1", 0), _CdsHandler)
        self.base = f"http://127.0.0.1:{self.server_address[1]}/r4"


class _CdsHandler(BaseHTTPRequestHandler):
    server: CdsServer

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        self.server.received.append((self.path, self.headers.get("Authorization"), None))
        self._send(self.server.discovery_status, {"services": self.server.services})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received.append((self.path, self.headers.get("Authorization"), body))
        if self.path.endswith("/feedback"):
            self._send(self.server.feedback_status, {})
        else:
            self._send(self.server.status, self.server.answer)

    def _send(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
