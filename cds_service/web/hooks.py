"""POST /cds-services/{id}: the hot path. Body in, envelope checked, call gathered, answer written, then kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cds_service.engine.suppress import Memory
from cds_service.errors import RequestError
from cds_service.fhir.call import Call
from cds_service.service.envelope import CONTEXTS, Envelope, decode_envelope
from cds_service.service.gather import gather, is_for_clinician, read_as_of
from cds_service.web.body import read_body
from cds_service.web.edge import Edge
from cds_service.web.headers import choose_voice, read_headers, require_json
from cds_service.web.log import record, record_crash
from cds_service.web.problems import method_response, outcome_response, problem_response
from cds_service.web.sites import Answered, Known, Site
from cds_service.web.voice import Voice

ALLOW = "POST, OPTIONS"
SERVICE_PREFIX = "ionwise-"

_INLINE_BYTES = 1024 * 1024
_HEADERS = {"Cache-Control": "no-store"}
_NOTHING = Known(Memory(), {})


def hook_routes(edge: Edge) -> list[Route]:
    """The service endpoint, with and without trailing slash."""
    endpoint = HookEndpoint(edge)
    return [
        Route(path, endpoint, name="hook") for path in ("/cds-services/{service_id}", "/cds-services/{service_id}/")
    ]


class HookEndpoint:
    """A plain ASGI endpoint: no dependency injection and no request model stand between the socket and the rules."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._hooks = {SERVICE_PREFIX + hook: hook for hook in CONTEXTS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every failure becomes an OperationOutcome."""
        hook = self._hooks.get(scope["path_params"]["service_id"])
        keep = None
        if hook is None:
            response = outcome_response(
                404, "not-found", "no service has this id; GET /cds-services lists the services"
            )
        elif scope["method"] != "POST":
            response = method_response(scope["method"], ALLOW)
        else:
            try:
                response, keep = await self._post(hook, scope, receive)
            except ClientDisconnect:
                return
        await response(scope, receive, send)
        if keep is not None:
            keep()

    async def _post(self, hook: str, scope: Scope, receive: Receive) -> tuple[Response, Callable[[], None] | None]:
        started = time.perf_counter()
        cards, keep = 0, None
        try:
            headers = read_headers(scope)
            require_json(headers)
            body = await read_body(receive, headers, self._edge.max_body_bytes)
            speak = partial(choose_voice, self._edge, scope, headers)
            content, cards, keep = await self._answer(hook, body, speak)
            response = Response(content, headers=_HEADERS, media_type="application/json")
        except ClientDisconnect:
            raise
        except Exception as error:
            if not isinstance(error, RequestError):
                record_crash(error, hook)
            response = problem_response(error)
        record(
            "call",
            hook=hook,
            status=response.status_code,
            ms=round((time.perf_counter() - started) * 1e3, 2),
            cards=cards,
        )
        return response, keep

    async def _answer(
        self, hook: str, body: bytes, speak: Callable[[Sequence[str]], Voice]
    ) -> tuple[bytes, int, Callable[[], None] | None]:
        """The answer's JSON, its number of cards, and what is to be kept of it once it is sent.

        speak: from the languages of the site to how this caller is spoken to. Large bodies are worked on in a thread.
        Raises RequestError for a request that cannot be answered.
        """
        edge, keeper = self._edge, self._edge.keeper
        aside = run_in_threadpool if len(body) > _INLINE_BYTES else _here
        envelope = await aside(decode_envelope, body, hook)
        if not is_for_clinician(envelope):
            return b'{"cards":[]}', 0, None
        site = edge.sites.of(envelope.extension, sandbox=edge.sandbox)
        now = edge.clock()
        recall = self._recall(envelope, site, now)
        try:
            call = await aside(
                partial(gather, now=now, sandbox=edge.sandbox, absent_sources=site.absent_sources),
                envelope,
                site.keys[hook],
            )
        except BaseException:
            if recall is not None:
                recall.cancel()
            raise
        knowledge = site.knowledge
        known = _NOTHING
        if keeper is not None and recall is not None:
            known = Known(await recall, keeper.switched(knowledge.tenant.name))
        content, answered = await aside(_decide, site, call, speak(site.languages), known)
        keep = None
        if keeper is not None and answered.decision is not None:
            keep = partial(keeper.record, call, knowledge, answered.decision, edge.client, envelope.prefetch)
        return content, len(answered.response["cards"]), keep

    def _recall(self, envelope: Envelope, site: Site, now: datetime) -> asyncio.Task[Memory] | None:
        """Starts asking for the memory, so that the store works while the request is taken apart."""
        edge = self._edge
        if edge.keeper is None:
            return None
        as_of = read_as_of(envelope, now, edge.sandbox)
        return asyncio.create_task(
            edge.keeper.recall(site.knowledge, envelope.patient_id, envelope.user_id, as_of), name="ionwise-recall"
        )


async def _here(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


def _decide(site: Site, call: Call, voice: Voice, known: Known) -> tuple[bytes, Answered]:
    answered = site.decide(call, voice, known)
    return orjson.dumps(answered.response), answered
