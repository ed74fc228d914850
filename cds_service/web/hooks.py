"""POST /cds-services/{id}: the hot path. Body in, envelope checked, call gathered, answer written, then kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cds_service.engine.suppress import NO_MEMORY, Memory
from cds_service.errors import RequestError
from cds_service.fhir.call import Call
from cds_service.service.decide import NOTHING_SWITCHED, Decision
from cds_service.service.envelope import CONTEXTS, Envelope, decode_envelope
from cds_service.service.gather import gather, is_for_clinician
from cds_service.web.body import read_body
from cds_service.web.edge import Edge
from cds_service.web.headers import read_headers, require_json, voice_chooser
from cds_service.web.log import is_recorded, record, record_crash
from cds_service.web.problems import method_response, outcome_response, problem_response
from cds_service.web.sites import Answered, Opinion, Site

ALLOW = "POST, OPTIONS"
SERVICE_PREFIX = "ionwise-"

_INLINE_BYTES = 1024 * 1024
_PATHS = ("/cds-services/{service_id}", "/cds-services/{service_id}/")

Header = tuple[bytes, bytes]


class Pending(NamedTuple):
    """A call about which an opinion was formed, and its envelope."""

    site: Site
    call: Call
    envelope: Envelope
    opinion: Opinion


class Written(NamedTuple):
    """An answer's JSON, its number of cards, the call's id for the log, and what keeps it once it is sent."""

    content: bytes
    cards: int
    instance: str = "-"
    keep: Callable[[], None] | None = None


NOTHING = Written(b'{"cards":[]}', 0)


def hook_routes(edge: Edge) -> list[Route]:
    """The service endpoint, with and without trailing slash."""
    endpoint = HookEndpoint(edge)
    return [Route(path, endpoint, name="hook") for path in _PATHS]


def hook_paths(edge: Edge, more_headers: Iterable[Header]) -> dict[str, ASGIApp]:
    """Path -> what answers a POST to it, for who does not need the routes; every answer carries `more_headers`."""
    endpoint = HookEndpoint(edge, more_headers)
    return {
        path.format(service_id=SERVICE_PREFIX + hook): partial(endpoint.post, hook)
        for path in _PATHS
        for hook in CONTEXTS
    }


class HookEndpoint:
    """A plain ASGI endpoint: no dependency injection and no request model stand between the socket and the rules."""

    def __init__(self, edge: Edge, more_headers: Iterable[Header] = ()) -> None:
        self._edge = edge
        self._hooks = {SERVICE_PREFIX + hook: hook for hook in CONTEXTS}
        self._choose_voice = voice_chooser(edge)
        self._more_headers = list(more_headers)
        self._headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), *self._more_headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every failure becomes an OperationOutcome."""
        hook = self._hooks.get(scope["path_params"]["service_id"])
        if hook is None:
            response = outcome_response(
                404, "not-found", "no service has this id; GET /cds-services lists the services"
            )
        elif scope["method"] != "POST":
            response = method_response(scope["method"], ALLOW)
        else:
            await self.post(hook, scope, receive, send)
            return
        await response(scope, receive, send)

    async def post(self, hook: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call; nothing is sent to a client that went away."""
        started = time.perf_counter()
        written = NOTHING
        try:
            written = await self._answer(hook, scope, receive)
            content = written.content
            status = 200
            headers = [*self._headers, (b"content-length", b"%d" % len(content))]
        except ClientDisconnect:
            return
        except Exception as error:
            if not isinstance(error, RequestError):
                record_crash(error, hook)
            response = problem_response(error)
            status, content = response.status_code, bytes(response.body)
            headers = [*response.raw_headers, *self._more_headers]
        taken = time.perf_counter() - started
        edge = self._edge
        edge.meter.add("calls", edge.client, hook, str(status))
        edge.meter.time(hook, "whole", taken)
        level = logging.DEBUG if status == 200 else logging.INFO
        if is_recorded(level):
            ms, cards = round(taken * 1e3, 2), written.cards
            record("call", level, hook=hook, instance=written.instance, status=status, ms=ms, cards=cards)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
        if written.keep is not None:
            written.keep()

    async def _answer(self, hook: str, scope: Scope, receive: Receive) -> Written:
        """Answer a call; large bodies are worked on in a thread. Raises RequestError for one that cannot be answered.

        The store is asked for earlier cards only when there is something that they could keep back.
        """
        headers = read_headers(scope)
        require_json(headers)
        began = time.perf_counter()
        body = await read_body(receive, headers, self._edge.max_body_bytes)
        self._edge.meter.time(hook, "read", time.perf_counter() - began)
        aside = len(body) > _INLINE_BYTES
        assess = partial(self._assess, hook, body, scope["scheme"], headers)
        pending = await run_in_threadpool(assess) if aside else assess()
        if pending is None:
            return NOTHING
        site, call, envelope, opinion = pending
        keeper = self._edge.keeper
        memory = NO_MEMORY
        if keeper is not None and opinion.repeatable:
            began = time.perf_counter()
            memory = await keeper.recall(site.knowledge, call, opinion.repeatable)
            self._edge.meter.time(hook, "recall", time.perf_counter() - began)
        began = time.perf_counter()
        answered, content = await run_in_threadpool(_write, opinion, memory) if aside else _write(opinion, memory)
        self._edge.meter.time(hook, "write", time.perf_counter() - began)
        keep = None
        if answered.decision is not None:
            keep = partial(self._keep, site, call, answered.decision, envelope, body)
        return Written(content, len(answered.response["cards"]), envelope.correlation, keep)

    def _keep(self, site: Site, call: Call, decision: Decision, envelope: Envelope, body: bytes) -> None:
        """Count, capture and record what was answered, behind the answer."""
        edge = self._edge
        for resource in decision.snapshot.quarantine:
            edge.meter.add("quarantined", edge.client, resource.key)
        captured = edge.captures.wants(edge.client, call.patient_id, edge.clock()) and edge.captures.keep(body)
        if edge.keeper is not None:
            edge.keeper.record(call, site.knowledge, decision, edge.client, envelope, captured=captured)

    def _assess(self, hook: str, body: bytes, scheme: str, headers: Mapping[bytes, bytes]) -> Pending | None:
        """None for a call that is not on behalf of a clinician."""
        edge = self._edge
        began = time.perf_counter()
        envelope = decode_envelope(body, hook)
        if not is_for_clinician(envelope):
            return None
        site = edge.sites.of(envelope.extension, sandbox=edge.sandbox)
        host, wanted = headers.get(b"host", b""), headers.get(b"accept-language", b"")
        voice = self._choose_voice(scheme, host, wanted, site.languages)
        call = gather(
            envelope,
            site.keys[hook],
            now=edge.clock(),
            sandbox=edge.sandbox,
            absent_sources=site.absent_sources,
        )
        switched = NOTHING_SWITCHED
        if edge.keeper is not None:
            switched = edge.keeper.switched(site.knowledge.tenant.name)
        gathered = time.perf_counter()
        edge.meter.time(hook, "gather", gathered - began)
        opinion = site.advise(call, voice, switched)
        edge.meter.time(hook, "decide", time.perf_counter() - gathered)
        return Pending(site, call, envelope, opinion)


def _write(opinion: Opinion, memory: Memory) -> tuple[Answered, bytes]:
    answered = opinion.answer(memory)
    return answered, orjson.dumps(answered.response)
