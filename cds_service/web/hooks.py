"""POST /cds-services/{id}: the hot path. Body in, envelope checked, call gathered, answer written."""

from __future__ import annotations

import logging
import time

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cds_service.errors import RequestError
from cds_service.service.envelope import CONTEXTS, decode_envelope
from cds_service.service.gather import gather, is_for_clinician
from cds_service.web.body import read_body
from cds_service.web.edge import Edge, Voice
from cds_service.web.headers import choose_voice, read_headers, require_json
from cds_service.web.log import record, record_crash
from cds_service.web.problems import method_response, outcome_response, problem_response

ALLOW = "POST, OPTIONS"
SERVICE_PREFIX = "ionwise-"

_INLINE_BYTES = 1024 * 1024
_HEADERS = {"Cache-Control": "no-store"}


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
        self._plans = {hook: edge.keys_of(hook) for hook in CONTEXTS}

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
            try:
                response = await self._post(hook, scope, receive)
            except ClientDisconnect:
                return
        await response(scope, receive, send)

    async def _post(self, hook: str, scope: Scope, receive: Receive) -> Response:
        started = time.perf_counter()
        cards = 0
        try:
            headers = read_headers(scope)
            require_json(headers)
            body = await read_body(receive, headers, self._edge.max_body_bytes)
            voice = choose_voice(self._edge, scope, headers)
            if len(body) > _INLINE_BYTES:
                content, cards = await run_in_threadpool(self.answer, hook, body, voice)
            else:
                content, cards = self.answer(hook, body, voice)
            response = Response(content, headers=_HEADERS, media_type="application/json")
        except ClientDisconnect:
            raise
        except Exception as error:
            if not isinstance(error, RequestError):
                record_crash(error, hook)
            response = problem_response(error)
        record(
            "call",
            logging.DEBUG if response.status_code == 200 else logging.INFO,
            hook=hook,
            status=response.status_code,
            ms=round((time.perf_counter() - started) * 1e3, 2),
            cards=cards,
        )
        return response

    def answer(self, hook: str, body: bytes, voice: Voice) -> tuple[bytes, int]:
        """The answer's JSON and its number of cards. Raises RequestError for a request that cannot be answered."""
        envelope = decode_envelope(body, hook)
        if not is_for_clinician(envelope):
            return b'{"cards":[]}', 0
        call = gather(
            envelope,
            self._plans[hook],
            now=self._edge.clock(),
            sandbox=self._edge.sandbox,
            absent_sources=self._edge.absent_sources,
        )
        answer = self._edge.answer(call, voice)
        return orjson.dumps(answer), len(answer["cards"])
