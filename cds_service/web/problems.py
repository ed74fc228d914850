"""The only place where an exception becomes an HTTP answer. Every body is an OperationOutcome without patient data."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cds_service.errors import RequestError
from cds_service.web.log import record_crash

_CODES: Mapping[int, tuple[str, str]] = {
    404: ("not-found", "there is nothing here; GET /cds-services lists the services"),
    405: ("not-supported", "this method is not supported here; see the Allow header"),
}


def problem_response(error: Exception) -> Response:
    """The answer to an exception; anything unexpected is a 500 without details."""
    if isinstance(error, RequestError):
        return outcome_response(error.status, error.code, str(error), _headers(error))
    if isinstance(error, RequestValidationError):
        return outcome_response(400, "invalid", "a parameter is wrong; see /openapi.json")
    if isinstance(error, HTTPException):
        code, text = _CODES.get(error.status_code, ("processing", "the request cannot be processed"))
        return outcome_response(error.status_code, code, text, error.headers)
    return outcome_response(500, "exception", "an unexpected error; it has been logged")


def _headers(error: RequestError) -> Mapping[str, str]:
    if error.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}


def method_response(method: str, allow: str) -> Response:
    """The answer to a method other than those in `allow`: 204 to OPTIONS, 405 to all others."""
    if method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": allow})
    return outcome_response(405, *_CODES[405], {"Allow": allow})


def outcome_response(status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An OperationOutcome with one issue. `code` is from the FHIR issue-type value set."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code, "diagnostics": text}]}
    return Response(
        orjson.dumps(outcome),
        status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type="application/json",
    )


def install_problems(app: FastAPI) -> None:
    """Route every exception of `app` through `problem_response`."""

    async def handle(_: Request, error: Exception) -> Response:
        return problem_response(error)

    for kind in (HTTPException, RequestValidationError, RequestError):
        app.add_exception_handler(kind, handle)
    app.add_middleware(Guard)


class Guard:
    """Answers what nobody caught, inside CORS and without the traceback that a server would log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app; an exception before its answer began becomes a 500, a later one only a log line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            record_crash(error)
            if not started:
                await problem_response(error)(scope, receive, send)
