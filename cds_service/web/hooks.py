"""POST /cds-services/{id}: the hot path. Body in, envelope checked, call gathered, answer written."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from functools import partial

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cds_service.errors import RequestError
from cds_service.service.envelope import CONTEXTS, decode_envelope
from cds_service.service.gather import gather, is_for_clinician
from cds_service.web.body import read_body
from cds_service.web.edge import Edge, Voice
from cds_service.web.headers import read_headers, require_json, voice_chooser
from cds_service.web.log import is_recorded, record, record_crash
from cds_service.web.problems import method_response, outcome_response, problem_response

ALLOW = "POST, OPTIONS"
SERVICE_PREFIX = "ionwise-"

_INLINE_BYTES = 1024 * 1024
_PATHS = ("/cds-services/{service_id}", "/cds-services/{service_id}/")

Header = tuple[bytes, bytes]


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
        self._plans = {hook: edge.keys_of(hook) for hook in CONTEXTS}
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
        cards = 0
        try:
            content, cards = await self._answer_body(hook, scope, receive)
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
        level = logging.DEBUG if status == 200 else logging.INFO
        if is_recorded(level):
            taken = round((time.perf_counter() - started) * 1e3, 2)
            record("call", level, hook=hook, status=status, ms=taken, cards=cards)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer_body(self, hook: str, scope: Scope, receive: Receive) -> tuple[bytes, int]:
        headers = read_headers(scope)
        require_json(headers)
        body = await read_body(receive, headers, self._edge.max_body_bytes)
        voice = self._choose_voice(scope["scheme"], headers.get(b"host", b""), headers.get(b"accept-language", b""))
        if len(body) > _INLINE_BYTES:
            return await run_in_threadpool(self.answer, hook, body, voice)
        return self.answer(hook, body, voice)

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
