"""What FHIR servers do wrong, each as the bytes they send, with the name that we give it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from tests.faults.chart import find, product, result, searchset, subject
from tests.faults.ehr import Answering, Asked, written

HURRIED = {"fetch_budget_ms": 1500}
HUGE = 10**9
ENDLESS = "http://{host}/fhir/{path}?patient=p-67&_page={number}"
DEEP = b'{"resourceType": "Bundle", "x": ' + b"[" * 10**5 + b"]" * 10**5 + b"}"
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}


class Fault(NamedTuple):
    """A way to answer, and which failures may be told of it; none when the answer still counts.

    settings: of the service; where the fault is that it takes for ever, it should not.
    """

    answer: Answering
    told: frozenset[str]
    settings: Mapping[str, int] = {}


async def _slow_headers(_: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def _slow_body(asked: Asked, writer: asyncio.StreamWriter) -> None:
    content = written(200, find(asked.path, asked.query))
    for place in range(0, len(content), 7):
        writer.write(content[place : place + 7])
        await writer.drain()
        await asyncio.sleep(0.1)


async def _huge(_: Asked, writer: asyncio.StreamWriter) -> None:
    """A gigabyte without a length; the client has to hang up."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\n\r\n")
    for _piece in range(HUGE // 65536):
        writer.write(b" " * 65536)
        await writer.drain()


def _bomb() -> bytes:
    """A hundred megabytes of blanks in a hundred kilobytes."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([packer.compress(b" " * 1_000_000) for _ in range(100)]) + packer.flush()


async def _cut(asked: Asked, writer: asyncio.StreamWriter) -> None:
    content = written(200, find(asked.path, asked.query))
    writer.write(content[: len(content) // 2])
    await writer.drain()
    writer.close()


async def _half_json(asked: Asked, writer: asyncio.StreamWriter) -> None:
    content = orjson.dumps(find(asked.path, asked.query))
    writer.write(written(200, content[: len(content) // 2]))


async def _hang_up(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _misnamed(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(written(200, find(asked.path, asked.query), content_type="text/plain"))


def _paged(next_of: str) -> Answering:
    """Every search is cut after its first page; what the next link says."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if "/" in asked.path:
            writer.write(written(200, find(asked.path, asked.query)))
            return
        number = int(asked.query.partition("_page=")[2] or "0") + 1
        url = next_of.format(host=asked.headers["host"], path=asked.path or "Observation", number=number)
        whole = find(asked.path, asked.query.partition("&_page=")[0]) or {}
        page = {**whole, "total": 10**6, "link": [{"relation": "next", "url": url}]}
        writer.write(written(200, page))

    return answer


def _always(status: int, body: Any = OUTCOME, **headers: str) -> Answering:
    content = written(status, body, **headers)

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(content)

    return answer


async def _other_patient(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Somebody else's chart, whoever is asked for."""
    severe = [result(n, code, 0.2, subject=subject("p-99")) for n, code in enumerate(("2601-3", "2823-3"))]
    person = {"resourceType": "Patient", "id": "p-99", "birthDate": "1990-01-01"}
    found = person if asked.path.startswith("Patient/") else searchset(severe if asked.path == "Observation" else [])
    writer.write(written(200, found))


FAULTS: dict[str, Fault] = {
    "slow headers": Fault(_slow_headers, frozenset({"timeout"}), HURRIED),
    "slow body": Fault(_slow_body, frozenset({"timeout"}), HURRIED),
    "hangs up": Fault(_hang_up, frozenset({"closed"})),
    "cut in the body": Fault(_cut, frozenset({"closed"})),
    "half of the JSON": Fault(_half_json, frozenset({"not-json"})),
    "HTML": Fault(_always(200, b"<html>Welcome</html>", content_type="text/html"), frozenset({"not-json"})),
    "a number": Fault(_always(200, b"7"), frozenset({"wrong-resource"})),
    "nested too deeply": Fault(_always(200, DEEP), frozenset({"too-deep"})),
    "wrong content type": Fault(_misnamed, frozenset()),
    "another encoding": Fault(_always(200, b"x", content_encoding="br"), frozenset({"encoding"})),
    "broken gzip": Fault(_always(200, b"no gzip", content_encoding="gzip"), frozenset({"encoding"})),
    "gzip bomb": Fault(_always(200, _bomb(), content_encoding="gzip"), frozenset({"too-large"})),
    "a gigabyte": Fault(_huge, frozenset({"too-large"})),
    "a gigabyte announced": Fault(
        _always(200, b"{", content_length=str(HUGE)), frozenset({"too-large"})
    ),
    "endless pages": Fault(_paged(ENDLESS), frozenset({"too-many"})),
    "a page that is its own next": Fault(_paged("http://{host}/fhir/{path}?again"), frozenset({"too-many"})),
    "next page elsewhere": Fault(_paged("http://127.0.0.2/fhir/{path}?_page={number}"), frozenset({"elsewhere"})),
    "next page outside the base": Fault(_paged("http://{host}/fhir/../admin"), frozenset({"elsewhere"})),
    "next page nowhere": Fault(_paged(""), frozenset({"elsewhere"})),
    "redirect elsewhere": Fault(_always(302, b"", location="http://127.0.0.2/fhir"), frozenset({"redirect"})),
    "redirect to link-local": Fault(
        _always(307, b"", location="http://169.254.169.254/latest/meta-data"), frozenset({"redirect"})
    ),
    "401": Fault(_always(401), frozenset({"status-401"})),
    "403": Fault(_always(403), frozenset({"status-403"})),
    "404": Fault(_always(404), frozenset({"status-404"})),
    "410": Fault(_always(410), frozenset({"status-410"})),
    "400": Fault(_always(400), frozenset({"status-4xx"})),
    "429 for an hour": Fault(_always(429, retry_after="3600"), frozenset({"status-429"})),
    "429 for good": Fault(_always(429, retry_after="0"), frozenset({"status-429"})),
    "500": Fault(_always(500), frozenset({"status-5xx"})),
    "503": Fault(_always(503), frozenset({"status-503"})),
    "an error told with 200": Fault(_always(200, OUTCOME), frozenset({"outcome"})),
    "other resources": Fault(_always(200, product("om-1", "A02BC01", "x")), frozenset({"wrong-resource"})),
    "another patient's": Fault(_other_patient, frozenset({"wrong-resource"})),
}  # fmt: skip
