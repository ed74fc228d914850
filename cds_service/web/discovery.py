"""GET /cds-services: which services there are and what each needs, written from the key plan."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cds_service.errors import RequestError
from cds_service.service.envelope import CONTEXTS
from cds_service.web.edge import Edge
from cds_service.web.headers import read_headers
from cds_service.web.hooks import SERVICE_PREFIX
from cds_service.web.problems import method_response, problem_response
from cds_service.web.sites import Site

ALLOW = "GET, HEAD, OPTIONS"
SPECIFICATION = "2.0.1"

_WHEN: Mapping[str, str] = {
    "patient-view": "when it is opened",
    "order-select": "when orders are selected",
    "order-sign": "when orders are about to be signed",
    "encounter-start": "when an admission or visit starts",
    "encounter-discharge": "when the patient is discharged",
    "medication-refill": "when a medicine is renewed",
}


def discovery_routes(edge: Edge) -> list[Route]:
    """The discovery endpoint, with and without trailing slash."""
    endpoint = DiscoveryEndpoint(edge)
    return [Route(path, endpoint, name="discovery") for path in ("/cds-services", "/cds-services/")]


def discovery_document(site: Site) -> dict[str, Any]:
    """The discovery response: one service per hook, each with the queries of its prefetch keys."""
    return {"services": [_service(site, hook) for hook in CONTEXTS]}


def _service(site: Site, hook: str) -> dict[str, Any]:
    keys = site.keys[hook]
    service: dict[str, Any] = {
        "hook": hook,
        "id": SERVICE_PREFIX + hook,
        "title": f"Ionwise {hook}",
        "description": f"Looks at the chart {_WHEN[hook]}. Returns advisory cards with their sources, or none.",
        "usageRequirements": _requirements([entry.key for entry in keys if entry.hooks[hook] == "R"]),
        "version": SPECIFICATION,
    }
    if prefetch := {entry.key: entry.query for entry in keys if entry.key not in site.absent_sources}:
        service["prefetch"] = prefetch
    return service


def _requirements(required: list[str]) -> str:
    needed = f"Required prefetch: {', '.join(required)} (412 without). " if required else ""
    versions = "FHIR R4 as JSON; STU3 and R5 are read too."
    return f"{versions} {needed}Without the other keys the answer is given and says what could not be judged."


class Document(NamedTuple):
    """The response for one site, as bytes, with its headers."""

    site: Site
    content: bytes
    headers: Mapping[str, str]


class DiscoveryEndpoint:
    """Answers GET and HEAD with the same bytes and their ETag, until the knowledge is reloaded.

    Open to anybody, it speaks of what is shown; protected, of the tenant as the caller's EHR sees it.
    """

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._gate = edge.gate if edge.protect_discovery else None
        self._endpoints = self._gate.endpoints("/cds-services") if self._gate else frozenset[str]()
        self._table = edge.sites.table
        self._documents: dict[int, Document] = {}
        self._document(edge.shown)

    def _document(self, site: Site) -> Document:
        if self._edge.sites.table is not self._table:
            self._table = self._edge.sites.table
            self._documents.clear()
        found = self._documents.get(id(site))
        if found is None or found.site is not site:
            content = orjson.dumps(discovery_document(site))
            whose = "private" if self._gate else "public"
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            headers = {"ETag": etag, "Cache-Control": f"{whose}, max-age=3600"}
            found = self._documents[id(site)] = Document(site, content, headers)
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """200 with the document, 304 when the client has it, 401 when it needs a token, 405 for other methods."""
        try:
            response = await self._respond(scope)
        except RequestError as error:
            response = problem_response(error)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return method_response(scope["method"], ALLOW)
        headers = read_headers(scope)
        site = None
        if self._gate is not None:
            site = (await self._gate.admit(scope, headers, self._endpoints)).site
        document = self._document(site or self._edge.shown)
        sent = headers.get(b"if-none-match", b"").decode("latin-1")
        known = [tag.strip().removeprefix("W/") for tag in sent.split(",")]
        if document.headers["ETag"] in known or "*" in known:
            return Response(status_code=304, headers=document.headers)
        response = Response(document.content, headers=document.headers, media_type="application/json")
        if scope["method"] == "HEAD":
            response.body = b""
        return response
