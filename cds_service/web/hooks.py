"""POST /cds-services/{id}: the hot path. Body in, envelope checked, call gathered, answer written, then kept."""

from __future__ import annotations

import logging
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
from cds_service.fhir.prefetch import require_answers
from cds_service.service.decide import NOTHING_SWITCHED, Decision
from cds_service.service.envelope import CONTEXTS, Envelope, decode_envelope
from cds_service.service.fetch import Fetcher
from cds_service.service.gather import is_for_clinician, read_call
from cds_service.service.meter import Lap
from cds_service.trust.clients import Client
from cds_service.web.body import read_body
from cds_service.web.caller import ANYBODY, Caller
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


class Begun(NamedTuple):
    """A call as it came, before anything that it did not bring was fetched."""

    site: Site
    envelope: Envelope
    call: Call


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
        self._gate = edge.gate
        self._endpoints = {
            hook: edge.gate.endpoints(f"/cds-services/{service}") if edge.gate else frozenset[str]()
            for service, hook in self._hooks.items()
        }
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
        lap = Lap(self._edge.meter, hook)
        written = NOTHING
        try:
            written = await self._answer(hook, scope, receive, lap)
            content = written.content
            status = 200
            headers = [*self._headers, (b"content-length", b"%d" % len(content))]
        except ClientDisconnect:
            return
        except Exception as error:
            if not isinstance(error, RequestError):
                self._edge.meter.add("crashes", hook)
                record_crash(error, hook)
            response = problem_response(error)
            status, content = response.status_code, bytes(response.body)
            headers = [*response.raw_headers, *self._more_headers]
        taken = lap.end()
        self._edge.meter.add("calls", lap.client, hook, str(status))
        level = logging.DEBUG if status == 200 else logging.INFO
        if is_recorded(level):
            ms, cards = round(taken * 1e3, 2), written.cards
            who, instance = lap.client, written.instance
            record("call", level, hook=hook, client=who, instance=instance, status=status, ms=ms, cards=cards)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
        if written.keep is not None:
            written.keep()

    async def _answer(self, hook: str, scope: Scope, receive: Receive, lap: Lap) -> Written:
        """Answer a call; large charts are worked on in a thread. Raises RequestError for one that cannot be answered.

        The store is asked for earlier cards only when there is something that they could keep back.
        """
        headers = read_headers(scope)
        caller = ANYBODY
        if self._gate is not None:
            caller = await self._gate.admit(scope, headers, self._endpoints[hook])
            lap("admit")
        lap.client = caller.name
        require_json(headers)
        body = await read_body(receive, headers, self._edge.max_body_bytes)
        lap("read")
        aside = len(body) > _INLINE_BYTES
        begin = partial(self._begin, hook, body, caller)
        begun = await run_in_threadpool(begin) if aside else begin()
        if begun is None:
            return NOTHING
        lap("gather")
        if begun.envelope.fhir_server is not None and self._edge.fetcher is not None:
            begun, size = await self._fetch(self._edge.fetcher, begun, caller.client, lap.elapsed)
            aside = aside or size > _INLINE_BYTES
            lap("fetch")
        assess = partial(self._assess, begun, scope["scheme"], headers)
        opinion = await run_in_threadpool(assess) if aside else assess()
        lap("decide")
        site, envelope, call = begun
        keeper = self._edge.keeper
        memory = NO_MEMORY
        if keeper is not None and opinion.repeatable:
            memory = await keeper.recall(site.knowledge, call, opinion.repeatable)
            lap("recall")
        answered, content = await run_in_threadpool(_write, opinion, memory) if aside else _write(opinion, memory)
        lap("write")
        keep = None
        if answered.decision is not None:
            keep = partial(self._keep, begun, answered.decision, caller, body)
        return Written(content, len(answered.response["cards"]), envelope.correlation, keep)

    def _begin(self, hook: str, body: bytes, caller: Caller) -> Begun | None:
        """None for a call that is not on behalf of a clinician."""
        edge = self._edge
        envelope = decode_envelope(body, hook)
        if not is_for_clinician(envelope):
            return None
        site = caller.site or edge.sites.of(envelope.extension, sandbox=edge.sandbox)
        call = read_call(
            envelope, site.keys[hook], now=edge.clock(), sandbox=edge.sandbox, absent_sources=site.absent_sources
        )
        return Begun(site, envelope, call)

    async def _fetch(self, fetcher: Fetcher, begun: Begun, client: Client | None, elapsed: float) -> tuple[Begun, int]:
        """The call with what its FHIR server gave besides, and how many bytes that were."""
        site, envelope, call = begun
        anybody = client is None and self._edge.sandbox
        servers = None if anybody else client.fhir_servers if client else ()
        fetched = await fetcher.complete(call, envelope, site.keys[call.hook], servers, elapsed)
        return Begun(site, envelope, fetched.call), fetched.size

    def _assess(self, begun: Begun, scheme: str, headers: Mapping[bytes, bytes]) -> Opinion:
        """Raises RequestError 412 when something required is neither sent nor fetched."""
        site, _, call = begun
        edge = self._edge
        require_answers(call.answers, site.keys[call.hook], call.hook)
        host, wanted = headers.get(b"host", b""), headers.get(b"accept-language", b"")
        voice = self._choose_voice(scheme, host, wanted, site.languages)
        switched = NOTHING_SWITCHED
        if edge.keeper is not None:
            switched = edge.keeper.switched(site.knowledge.tenant.name)
        return site.advise(call, voice, switched)

    def _keep(self, begun: Begun, decision: Decision, caller: Caller, body: bytes) -> None:
        """Count, capture and record what was answered, behind the answer."""
        edge = self._edge
        site, envelope, call = begun
        for resource in decision.snapshot.quarantine:
            edge.meter.add("quarantined", caller.name, resource.key)
        captured = edge.captures.wants(caller.name, call.patient_id, edge.clock()) and edge.captures.keep(body)
        if edge.keeper is not None:
            edge.keeper.record(call, site.knowledge, decision, caller.name, envelope, captured=captured)


def _write(opinion: Opinion, memory: Memory) -> tuple[Answered, bytes]:
    answered = opinion.answer(memory)
    return answered, orjson.dumps(answered.response)
