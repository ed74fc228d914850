"""The short way of a server's calls answers as the way through FastAPI's layers does."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from cds_service.web.front import Front
from tests.http.calls import request, url
from tests.http.client import JSON, Client
from tests.http.conftest import Make
from tests.http.trusted import signed

BODY = orjson.dumps(request())
PATH = url("patient-view")
SITE: dict[str, Any] = {"sandbox": False}


def long_way(client: Client) -> Client:
    """The same application without its short way."""
    app = client.app
    assert isinstance(app, Front)

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        await FastAPI.__call__(app, scope, receive, send)

    return Client(run)


@pytest.mark.parametrize("given", [{}, SITE, SITE | {"cors_origins": "https://ehr.example"}])
@pytest.mark.parametrize("path", [PATH, PATH + "/"])
@pytest.mark.parametrize(("body", "headers"), [(BODY, JSON), (b"{", JSON), (BODY, {"Content-Type": "text/plain"})])
def test_both_ways_give_the_same_answer(
    make: Make, given: dict[str, Any], path: str, body: bytes, headers: dict[str, str]
) -> None:
    client = make(**given)
    short, long = (way.post(path, body, signed() | headers) for way in (client, long_way(client)))
    assert (short.status, short.headers) == (long.status, long.headers)
    if short.status != 200:  # a good answer tells when it was given
        assert short.body == long.body


def test_a_browser_takes_the_way_through_cors(client: Client) -> None:
    reply = client.post(PATH, BODY, {**JSON, "Origin": "https://ehr.example"})
    assert reply.headers["access-control-allow-origin"] == "*"


def test_a_server_that_fails_to_send_is_a_log_line_without_its_message(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Message) -> None:
        raise OSError("the line broke")

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "scheme": "http", "path": PATH, "headers": headers}
    asyncio.run(client.app(scope, receive, send))
    lines = [record for record in caplog.records if record.name == "ionwise.web" and record.levelno > logging.DEBUG]
    assert [line.getMessage().partition(" ")[0] for line in lines] == ["crash"]
    assert "the line broke" not in caplog.text
