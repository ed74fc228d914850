"""Reading a request body without trusting its size: a bound on what is sent and on what it inflates to."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from cds_service.errors import RequestError

_ENCODINGS: Mapping[bytes, bool] = {b"": False, b"identity": False, b"gzip": True, b"x-gzip": True}  # -> packed?
_GZIP = 31  # zlib's window bits for "gzip header required"


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The whole body, inflated when it is gzip.

    Raises RequestError: 413 as soon as Content-Length, what was received or what it inflates to exceeds `limit` bytes;
    415 for another Content-Encoding; 400 for broken gzip. Raises ClientDisconnect when the client goes away.
    """
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding not in _ENCODINGS:
        raise RequestError(415, "not-supported", "Content-Encoding: only gzip or none is supported")
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    body = await _receive_all(receive, limit)
    return inflate(body, limit) if _ENCODINGS[encoding] else body


def inflate(packed: bytes, limit: int) -> bytes:
    """Unpack one gzip member of at most `limit` bytes. Raises RequestError 413 or 400."""
    inflater = zlib.decompressobj(_GZIP)
    try:
        body = inflater.decompress(packed, limit + 1)
    except zlib.error as error:
        raise _broken_gzip() from error
    if len(body) > limit:
        raise _too_large(limit)
    if not inflater.eof or inflater.unused_data:
        raise _broken_gzip()
    return body


async def _receive_all(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(limit: int) -> RequestError:
    return RequestError(
        413, "too-long", f"the request body is larger than {limit} bytes; send fewer resources per prefetch key"
    )


def _broken_gzip() -> RequestError:
    return RequestError(400, "structure", "the request body is not one complete gzip stream")
