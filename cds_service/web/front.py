"""The way in: the hook calls of servers go straight to their endpoint, everything else through FastAPI's layers.

Nothing of what those layers do (CORS, routing, error pages) is needed for a POST to a known service by a client that is
no browser, and for a small chart they cost as much as reading it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from cds_service.web.log import record_crash


class Front(FastAPI):
    """A FastAPI application with a short way to some paths; the same paths must also be among its routes.

    short: path -> ASGI application for a POST without an Origin header.
    """

    def __init__(self, short: Mapping[str, ASGIApp], **given: Any) -> None:
        super().__init__(**given)
        self._short = short

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; on the short way, too, an exception that nobody caught is only a log line."""
        endpoint = self._short.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if endpoint is None or b"origin" in dict(scope["headers"]):
            await super().__call__(scope, receive, send)
            return
        try:
            await endpoint(scope, receive, send)
        except Exception as error:
            record_crash(error)
