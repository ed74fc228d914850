"""CORS for browser clients: preflight without authentication, headers on every answer, never credentials."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware


def headers_without_origin(origins: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """What the layer below adds to the answer to a client that is no browser: that a browser's would differ."""
    return [(b"vary", b"Origin")] if origins else []


def install_cors(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Admit browser clients from `origins` (`*` for any). Call it last: it must be the outermost layer."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "OPTIONS"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Accept",
                "Accept-Language",
                "Content-Encoding",
                "X-Requested-With",
            ],
            allow_credentials=False,
            expose_headers=["ETag", "Retry-After"],
            max_age=3600,
        )
