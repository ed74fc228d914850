"""Requests to servers that somebody else named: where they may go is decided here, for every connection anew.

A name is resolved once, all its addresses are judged, and the connection goes to one of exactly these: what the name
leads to a moment later does not matter. TLS and the Host header keep the name. No redirects, no cookies, nothing from
the environment (proxies, .netrc). Every failure is an OutboundError.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpcore
import httpx

from cds_service.fhir.addresses import AddressRules, Resolver, is_allowed, is_disguised, resolve_by_system
from cds_service.fhir.failures import Failure, OutboundError

MAX_CONNECTIONS = 64
KEEP_ALIVE_SECONDS = 30.0
CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0  # without a byte; how long all of it may take is the caller's to bound
_GZIP = 31  # zlib's window bits for "gzip header required"
_PIECE = 65536


def open_client(
    rules: AddressRules,
    *,
    plain_http: bool = False,
    tls: ssl.SSLContext | None = None,
    proxy: str | None = None,
    resolve: Resolver = resolve_by_system,
) -> httpx.AsyncClient:
    """A client with a connection pool of its own that goes nowhere else than `rules` allow; close it when done.

    plain_http: whether http is admitted beside https. tls: default the system's authorities. proxy: its address, which
    the operator chose; only the proxy then sees what the names lead to, so that only written-out addresses are judged.
    A pool has one TLS identity: use one client per server. The first call reads the system's authorities from disk.
    """
    _quieten_libraries()
    shared: dict[str, Any] = {
        "ssl_context": tls or system_tls(),
        "max_connections": MAX_CONNECTIONS,
        "max_keepalive_connections": MAX_CONNECTIONS,
        "keepalive_expiry": KEEP_ALIVE_SECONDS,
    }
    if proxy is None:
        pool: httpcore.AsyncConnectionPool = _Pool(network_backend=GuardedBackend(rules, resolve), **shared)
    else:
        address = httpx.URL(proxy)
        auth = (address.username, address.password) if address.userinfo else None
        pool = _ProxyPool(str(address.copy_with(userinfo=b"")), auth, **shared)
    return httpx.AsyncClient(
        transport=GuardedTransport(pool, rules, plain_http=plain_http),
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        headers={"User-Agent": "ionwise", "Accept-Encoding": "gzip"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        trust_env=False,
    )


def _quieten_libraries() -> None:
    for name in ("httpx", "httpcore"):  # they log addresses, and ours name patients
        logging.getLogger(name).setLevel(logging.WARNING)


@lru_cache(maxsize=1)
def system_tls() -> ssl.SSLContext:
    """The system's authorities, read once: it takes tens of milliseconds."""
    return ssl.create_default_context()


def read_tls(ca_bundle: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """A TLS identity from PEM files; the system's when there are none. Reads files: call it in a thread.

    Raises OSError (ssl.SSLError among them) when a file is missing or no PEM.
    """
    if ca_bundle is None and certificate is None:
        return system_tls()
    context = ssl.create_default_context(cafile=ca_bundle)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


class Room:
    """How many bytes may still be read. `whole`: a larger room that they also take from."""

    def __init__(self, size: int, whole: Room | None = None) -> None:
        self.size = self.left = size
        self._whole = whole

    @property
    def taken(self) -> int:
        """How many bytes were read."""
        return self.size - self.left

    def take(self, count: int) -> None:
        """Raises OutboundError when there is no room for `count` more bytes."""
        if count > self.left:
            raise OutboundError(Failure.TOO_LARGE)
        if self._whole is not None:
            self._whole.take(count)
        self.left -= count


async def read_body(response: httpx.Response, room: Room) -> bytes:
    """The whole body of a streamed response, inflated when it is gzip: never more than there is room for.

    Raises OutboundError: too large as sent or inflated, another encoding, or what the connection does.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise OutboundError(Failure.ENCODING)
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > room.left:
        raise OutboundError(Failure.TOO_LARGE)
    inflater = zlib.decompressobj(_GZIP) if encoding != "identity" else None
    parts: list[bytes] = []
    packed = Room(room.size)
    async for chunk in response.aiter_raw():
        packed.take(len(chunk))
        for piece in (chunk,) if inflater is None else _inflated(inflater, chunk):
            room.take(len(piece))
            parts.append(piece)
    if inflater is not None and not inflater.eof:
        raise OutboundError(Failure.ENCODING)
    return b"".join(parts)


def _inflated(inflater: Any, packed: bytes) -> Iterator[bytes]:
    """Little by little: a few bytes may stand for very many. Nothing may follow the end: it would pile up unseen."""
    while packed:
        if inflater.eof:
            raise OutboundError(Failure.ENCODING)
        try:
            yield inflater.decompress(packed, _PIECE)
        except zlib.error:
            raise OutboundError(Failure.ENCODING) from None
        packed = inflater.unconsumed_tail


class _Pool(httpcore.AsyncConnectionPool):
    """A pool that gives up a connection with the request that it was made for: httpcore keeps one whose request was
    cancelled before it began, busy for ever, until there is no room for others."""

    def _assign_requests_to_connections(self) -> list[httpcore.AsyncConnectionInterface]:
        wanted = {request.connection for request in self._requests}
        left = [one for one in self._connections if not (one in wanted or one.is_idle() or one.is_closed())]
        self._connections = [one for one in self._connections if one not in left]
        return left + super()._assign_requests_to_connections()


class _ProxyPool(_Pool, httpcore.AsyncHTTPProxy):
    """The same by way of a proxy."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to judged addresses only."""

    def __init__(self, rules: AddressRules, resolve: Resolver) -> None:
        self._rules = rules
        self._resolve = resolve
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve once, judge every address, connect to the first that answers. Raises OutboundError."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError:
            raise OutboundError(Failure.TIMEOUT) from None
        except OSError:
            raise OutboundError(Failure.DNS) from None
        if not all(is_allowed(address, self._rules) for address in addresses):
            raise OutboundError(Failure.REFUSED_ADDRESS)
        failed: Exception = OutboundError(Failure.DNS)
        for address in addresses:
            try:
                return await self._plain.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def sleep(self, seconds: float) -> None:
        """As the pool wants it."""
        await asyncio.sleep(seconds)


class GuardedTransport(httpx.AsyncBaseTransport):
    """What stands between httpx and the pool: judges the address as written, names the failures."""

    def __init__(self, pool: httpcore.AsyncConnectionPool, rules: AddressRules, *, plain_http: bool) -> None:
        self._pool = pool
        self._rules = rules
        self._plain_http = plain_http

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises OutboundError."""
        check_url(request.url, self._rules, plain_http=self._plain_http)
        sent = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _named_failures():
            response = await self._pool.handle_async_request(sent)
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


def check_url(url: httpx.URL, rules: AddressRules, *, plain_http: bool = False) -> None:
    """Raises OutboundError for what can be told from an address alone."""
    if url.scheme not in (("http", "https") if plain_http else ("https",)) or not url.host or url.userinfo:
        raise OutboundError(Failure.REFUSED_URL)
    if is_disguised(url.host) or "%" in url.host:
        raise OutboundError(Failure.REFUSED_ADDRESS)
    try:
        literal = ip_address(url.host)
    except ValueError:
        return
    if not is_allowed(literal, rules):
        raise OutboundError(Failure.REFUSED_ADDRESS)


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _named_failures(self._response.status):
            async for part in self._response.aiter_stream():
                yield part

    async def aclose(self) -> None:
        await self._response.aclose()


@contextmanager
def _named_failures(status: int = 0) -> Iterator[None]:
    """Turn what the pool raises into OutboundError, without the original: its text may hold what we sent.

    status: of the answer that had begun.
    """
    try:
        yield
    except httpcore.TimeoutException:
        raise OutboundError(Failure.TIMEOUT) from None
    except httpcore.ConnectError as error:
        tls = isinstance(error.__context__, ssl.SSLError)
        raise OutboundError(Failure.TLS if tls else Failure.CONNECT) from None
    except httpcore.ProxyError:
        raise OutboundError(Failure.CONNECT) from None
    except (httpcore.NetworkError, httpcore.ProtocolError):
        raise OutboundError(Failure.CLOSED, status) from None
