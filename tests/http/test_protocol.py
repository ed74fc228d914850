"""A head of any length would be kept by the server's parser: it is bounded, and what is no attack is not hindered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from cds_service.web.protocol import MOST_HEAD_BYTES, BoundedHead

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The event loop of the service."""
    return "asyncio"


async def count(_: Scope, receive: Receive, send: Send) -> None:
    """Answers with how many bytes the body had."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    told = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(told))]})
    await send({"type": "http.response.body", "body": told})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that counts."""
    config = uvicorn.Config(count, http=BoundedHead, lifespan="off", log_config=None)
    config.load()
    made = await asyncio.get_running_loop().create_server(
        lambda: BoundedHead(config=config, server_state=ServerState(), app_state={}), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*made.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        made.close()


@pytest.mark.parametrize("head", [b"X-A: ", b"X-A: b\r\n", b""])
async def test_a_head_without_end_is_cut_off(head: bytes) -> None:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST /" + (b" HTTP/1.1\r\nHost: x\r\n" if head else b""))
        for _ in range(10_000):
            writer.write((head if head.endswith(b"\n") else b"a") * 8192)
            await writer.drain()

    async with connected() as (_, writer):
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(send(writer), 60)


async def test_a_head_that_is_too_long_is_told_so() -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nX-A: " + b"a" * MOST_HEAD_BYTES)
        assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 400 ")


async def test_large_bodies_and_many_requests_on_one_connection_are_no_heads() -> None:
    async with connected() as (reader, writer):
        for size in (4 * MOST_HEAD_BYTES, 0, 3, 2 * MOST_HEAD_BYTES):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + b"b" * size)
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).startswith(b"HTTP/1.1 200 ")
            assert await reader.readexactly(len(str(size))) == str(size).encode()
