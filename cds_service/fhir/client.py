"""The only module that asks FHIR servers: one pooled client per server, which learns how the server wants to be asked.

POST `_search` is tried first (ids of patients then stay out of access logs on the way), GET when the server does not
know it. Repeated are only 429 and 503 that say when, and a kept connection that the server had closed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import httpx

from cds_service.fhir.addresses import AddressRules, Network, Resolver, resolve_by_system
from cds_service.fhir.failures import Failure, OutboundError, Outcomes, failure_of
from cds_service.fhir.outbound import Room, open_client, read_body, read_tls
from cds_service.fhir.queries import Query
from cds_service.fhir.servers import FhirServer, next_page, read_base

MOST_SERVERS = 64
TRIES = 3
_NEEDS_OF_A_CALL = 4  # that may be as large as can be
_MOST_OF_A_REFUSAL = 65536  # bytes
_NO_POST_SEARCH = frozenset({404, 405, 415, 501})
_SEARCH_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_ACCEPT = {"Accept": "application/fhir+json, application/json;q=0.9"}


class Access:
    """What one call may use at a server, and until when (times of the event loop). Gone with the call.

    deadline: when the call stops asking. expires: when the token does, None when that was not said.
    """

    def __init__(self, token: str | None, deadline: float, expires: float | None, room: Room) -> None:
        self._token = token
        self._expires = expires
        self.deadline = deadline
        self.room = room

    def for_one_need(self) -> Access:
        """The same with a part of the room: one answer without end must not leave the others none."""
        return Access(self._token, self.deadline, self._expires, Room(self.room.size // _NEEDS_OF_A_CALL, self.room))

    def headers(self, now: float) -> dict[str, str]:
        """The headers that open the server. Raises OutboundError once the token has expired."""
        if self._expires is not None and now >= self._expires:
            raise OutboundError(Failure.TOKEN_EXPIRED)
        return _ACCEPT if self._token is None else {**_ACCEPT, "Authorization": f"Bearer {self._token}"}


class FhirClient:
    """One server. All methods raise OutboundError. `calls`: how many use it now."""

    def __init__(self, base_url: str, http: httpx.AsyncClient, outcomes: Outcomes) -> None:
        self._base = read_base(base_url)
        self.root = str(self._base).rstrip("/")
        self.calls = 0
        self._http = http
        self._outcomes = outcomes
        self._method = ""  # how it searches: POST or GET, once one has worked

    async def ask(self, query: Query, access: Access) -> tuple[str, bytes]:
        """Address and answer of a read, or of the first page of a search; links in it are relative to the address."""
        url = f"{self.root}/{query.path}"
        if query.is_read:
            return url, await self._send("GET", url, access)
        form = urlencode(query.parameters)
        if self._method != "GET":
            try:
                body = await self._send("POST", f"{url}/_search", access, form)
            except OutboundError as error:
                if self._method == "POST" or error.status not in _NO_POST_SEARCH:
                    raise
            else:
                self._method = "POST"
                return url, body
        body = await self._send("GET", f"{url}?{form}", access)
        self._method = self._method or "GET"
        return url, body

    async def follow(self, link: str, page: str, access: Access) -> tuple[str, bytes]:
        """The address and content of the next page, where it is on this server below its base path."""
        url = str(next_page(link, page, self._base))
        return url, await self._send("GET", url, access)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def _send(self, method: str, url: str, access: Access, form: str | None = None) -> bytes:
        """One request, repeated while that makes sense and there is time."""
        clock = asyncio.get_running_loop().time
        for left in reversed(range(TRIES)):
            headers = access.headers(clock())
            try:
                body = await self._once(method, url, headers, form, access.room)
            except OutboundError as error:
                self._outcomes.requests[error.failure] += 1
                unanswered = error.failure is Failure.CLOSED and not error.status
                pause = 0.0 if unanswered else error.retry_after
                if pause is None or not left or clock() + pause >= access.deadline:
                    raise
            else:
                self._outcomes.requests["ok"] += 1
                return body
            await asyncio.sleep(pause)
        raise OutboundError(Failure.CLOSED)

    async def _once(self, method: str, url: str, headers: dict[str, str], form: str | None, room: Room) -> bytes:
        content = None if form is None else form.encode()
        given = headers if form is None else {**headers, **_SEARCH_FORM}
        async with self._http.stream(method, url, headers=given, content=content) as response:
            if response.status_code // 100 != 2:
                with suppress(OutboundError):  # a connection is kept only when its answer was read
                    await read_body(response, Room(_MOST_OF_A_REFUSAL))
                raise OutboundError(failure_of(response.status_code), response.status_code, _retry_after(response))
            return await read_body(response, room)


class FhirClients:
    """The clients of one process, opened when first needed. For one event loop.

    Kept are MOST_SERVERS of them, more only while more are in use: none is closed under a call.
    sandbox: whether plain http, this machine and `networks` may be called.
    """

    def __init__(
        self, *, sandbox: bool = False, networks: tuple[Network, ...] = (), resolve: Resolver = resolve_by_system
    ) -> None:
        self.outcomes = Outcomes()
        self._sandbox = sandbox
        self._networks = networks
        self._resolve = resolve
        self._open: OrderedDict[FhirServer, FhirClient] = OrderedDict()

    @asynccontextmanager
    async def of(self, server: FhirServer) -> AsyncIterator[FhirClient]:
        """The client of a server, for one call. Raises OutboundError when its certificates cannot be read."""
        client = self._open.get(server) or await self._add(server)
        self._open.move_to_end(server)
        client.calls += 1
        try:
            yield client
        finally:
            client.calls -= 1
            await self._close_unused()

    async def aclose(self) -> None:
        """Close all connections."""
        while self._open:
            await self._open.popitem()[1].aclose()

    async def _add(self, server: FhirServer) -> FhirClient:
        try:
            tls = await asyncio.to_thread(read_tls, server.ca_bundle, server.client_certificate, server.client_key)
        except OSError:
            raise OutboundError(Failure.TLS) from None
        if server not in self._open:  # another call may have been quicker
            rules = AddressRules(loopback=self._sandbox, networks=(*server.private_networks, *self._networks))
            http = open_client(rules, plain_http=self._sandbox, tls=tls, proxy=server.proxy, resolve=self._resolve)
            self._open[server] = FhirClient(server.base_url, http, self.outcomes)
        return self._open[server]

    async def _close_unused(self) -> None:
        """Close the clients that were not used for longest, as far as there are too many."""
        while len(self._open) > MOST_SERVERS:
            unused = next((server for server, client in self._open.items() if not client.calls), None)
            if unused is None:
                return
            await self._open.pop(unused).aclose()


def _retry_after(response: httpx.Response) -> float | None:
    """After how many seconds a server that is busy wants to be asked again; None when it is not, or does not say."""
    told = response.headers.get("retry-after", "").strip()
    if response.status_code not in (429, 503) or not told:
        return None
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        until, sent = (parsedate_to_datetime(text) for text in (told, response.headers.get("date", "")))
        return max((until - sent).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None
