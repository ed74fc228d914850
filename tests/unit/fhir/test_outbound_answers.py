"""What a healthy server does not send: each answer has its name, is read within bounds, and repeated only when told."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
import respx

from cds_service.fhir.addresses import AddressRules
from cds_service.fhir.client import TRIES, Access, FhirClient
from cds_service.fhir.failures import OutboundError, Outcomes
from cds_service.fhir.outbound import Room, open_client, read_body
from cds_service.fhir.pages import read_page
from cds_service.fhir.queries import Query
from cds_service.knowledge.model import KeyPlanEntry

BASE = "https://ehr.example/fhir"
PATIENT = Query("Patient/p1")
ENTRY = KeyPlanEntry("patient", "Patient/{{context.patientId}}", {}, {}, "Patient")
BODY = b'{"resourceType":"Patient","id":"p1"}'
PACKED = gzip.compress(BODY, mtime=0)
ROOM = 65536


class Endless(httpx.AsyncByteStream):
    """A body that begins with something and never ends; `sent` pieces were taken of it."""

    def __init__(self, first: bytes, then: bytes) -> None:
        self._first = first
        self._then = then
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._first
        while True:
            self.sent += 1
            yield self._then


def answer(status: int, body: bytes = b"", /, **told: str) -> httpx.Response:
    """One answer as it comes over a connection; `Retry_After` is the header Retry-After."""
    headers = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in told.items()]
    return httpx.Response(status, headers=headers, content=body)


def ask(*answers: httpx.Response, seconds: float = 5.0) -> tuple[str, int]:
    """What comes of one read, "ok" or the name of the failure; and how often it was asked for."""

    async def play() -> tuple[str, int]:
        with respx.mock(assert_all_called=False) as router:
            route = router.get(f"{BASE}/Patient/p1").mock(side_effect=[*answers])
            return await told(route)

    async def told(route: respx.Route) -> tuple[str, int]:
        async with open_client(AddressRules()) as http:
            access = Access("t", asyncio.get_running_loop().time() + seconds, None, Room(ROOM))
            try:
                _, body = await FhirClient(BASE, http, Outcomes()).ask(PATIENT, access)
                read_page(body, ENTRY)
            except OutboundError as error:
                return error.failure.value, route.call_count
            return "ok", route.call_count

    return asyncio.run(play())


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ({"Retry_After": "0"}, 2),
        ({"Retry_After": "Sun, 22 Nov 2026 10:00:00 GMT", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 2),
        ({"Retry_After": "Sun, 22 Nov 2026 09:00:00 GMT", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 2),
        ({}, 1),
        ({"Retry_After": "30"}, 1),
        ({"Retry_After": "9" * 400}, 1),
        ({"Retry_After": "\u00b2"}, 1),
        ({"Retry_After": "-1"}, 1),
        ({"Retry_After": "soon"}, 1),
        ({"Retry_After": "Sun, 22 Nov 2026 10:00:00 GMT"}, 1),
    ],
)
def test_a_busy_server_is_asked_again_only_when_it_says_a_time_that_fits(
    status: int, told: dict[str, str], asked: int
) -> None:
    expected = ("ok", 2) if asked == 2 else (f"status-{status}", 1)
    assert ask(answer(status, **told), answer(200, BODY)) == expected


def test_a_server_that_stays_busy_is_left_alone() -> None:
    busy = [answer(503, Retry_After="0") for _ in range(TRIES + 1)]
    assert ask(*busy) == ("status-503", TRIES)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 500, 501, 502, 504])
def test_another_refusal_is_told_and_not_repeated(status: int) -> None:
    names = {400: "status-4xx"}.get(status, f"status-{status}" if status < 500 else "status-5xx")
    assert ask(answer(status, BODY, Retry_After="0")) == (names, 1)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_no_redirect_is_followed_however_it_is_called(status: int) -> None:
    assert ask(answer(status, Location=f"{BASE}/Patient/p1")) == ("redirect", 1)


@pytest.mark.parametrize("kind", ["application/fhir+json", "text/html", "application/fhir+xml", "", "x"])
def test_what_is_said_of_the_content_does_not_matter_but_what_it_is(kind: str) -> None:
    assert ask(answer(200, BODY, Content_Type=kind)) == ("ok", 1)
    for odd in (b"<html>", b"", b"\xff\xfe{\x00}\x00", b"{} {}"):
        told, _ = ask(answer(200, odd, Content_Type=kind))
        assert told in ("not-json", "wrong-resource")


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        (PACKED, b"x" * 1024, "encoding"),  # nothing may follow the end of a stream
        (PACKED, PACKED, "encoding"),
        (gzip.compress(b"", mtime=0)[:10], b"\x00\x00\x00\xff\xff" * 1024, "too-large"),  # blocks that hold nothing
    ],
)
def test_a_packed_answer_without_end_is_not_read_on(first: bytes, then: bytes, told: str) -> None:
    endless = Endless(first, then)

    async def play() -> None:
        await read_body(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=endless), Room(ROOM))

    with pytest.raises(OutboundError) as refused:
        asyncio.run(asyncio.wait_for(play(), 20))
    assert (refused.value.failure, endless.sent <= ROOM // 1024) == (told, True)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://[fd00:ec2::254%25eth0]/", "refused-address"),
        ("https://[::1%25lo]/", "refused-address"), ("https://2130706433/", "refused-address"),
        ("https://me@ehr.example/", "refused-url"), ("http://ehr.example/", "refused-url"),
    ],
)  # fmt: skip
def test_an_address_that_readers_may_read_otherwise_is_not_called(url: str, told: str) -> None:
    async def play() -> None:
        async with open_client(AddressRules()) as client:
            await client.get(url)

    with pytest.raises(OutboundError) as refused:
        asyncio.run(play())
    assert refused.value.failure == told
