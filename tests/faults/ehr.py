"""A FHIR server on loopback in the test's own event loop, which sends what the test says, and a service beside it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import orjson
from fastapi import FastAPI

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.faults.chart import AS_OF, PATIENT, find, prescription
from tests.http.client import JSON, Client, Reply
from tests.shipped import released

PATIENCE = 60.0  # seconds after which a call counts as hung
TOKEN = "made-up-token-of-the-tests"


class Asked(NamedTuple):
    """One request: `path` below the base, `query` from the address and the form together, headers in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @property
    def token(self) -> str | None:
        """The Authorization header."""
        return self.headers.get("authorization")


DRAFT = prescription(9, medicationReference={"reference": "Medication/di-2"}, status="draft")
Answering = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def written(status: int, body: bytes | Any = b"", /, **headers: str) -> bytes:
    """An HTTP answer; a body that is no bytes is written as FHIR JSON."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    given = {"content-type": "application/fhir+json", "content-length": str(len(content))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} Told\r\n{head}\r\n".encode() + content


async def tell_chart(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """What a sound server answers."""
    found = find(asked.path, asked.query)
    writer.write(written(404) if found is None else written(200, found))


class Ehr:
    """The server. `asked`: all requests so far; `connections`: how many were opened; `base`: its FHIR address."""

    def __init__(self, answer: Answering = tell_chart, path: str = "/fhir", tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.connections = 0
        self._path = path
        self._tls = tls

    async def __aenter__(self) -> Ehr:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.base = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}{self._path}"
        self._open: set[asyncio.Task[Any]] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError, ssl.SSLError):
            while not writer.is_closing():
                asked = await self._read(reader)
                self.asked.append(asked)
                await self.answer(asked, writer)
                await writer.drain()
        writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Asked:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        form = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        below = path.removeprefix(self._path).lstrip("/").removesuffix("/_search")
        return Asked(method, below, "&".join(filter(None, (query, form))), headers)


KNOWLEDGE = released()


class Service(NamedTuple):
    """The running service, seen by an EHR."""

    app: FastAPI
    client: Client

    async def call(self, base: str | None, hook: str = "patient-view", **members: Any) -> Reply:
        """One hook call about the patient; with `base`, and no prefetch but what `members` holds."""
        body = request(hook, base) | members
        async with asyncio.timeout(PATIENCE):
            return await self.client.ask("POST", f"/cds-services/ionwise-{hook}", [orjson.dumps(body)], JSON)

    @property
    def failures(self) -> dict[str, int]:
        """How the needs of all calls ended."""
        return dict(self.app.state.fetched.keys)


def request(hook: str = "patient-view", base: str | None = None) -> dict[str, Any]:
    """A call that brings no prefetch."""
    context: dict[str, Any] = {"userId": "Practitioner/u-1", "patientId": PATIENT}
    if hook.startswith("order"):
        context["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": DRAFT}]}
    body = {
        "hook": hook,
        "hookInstance": "0f0e0d0c-0b0a-1908-8706-050403020100",
        "context": context,
        "extension": {"org.ionwise.as-of": AS_OF.isoformat()},
    }
    if base is not None:
        body |= {"fhirServer": base, "fhirAuthorization": authorization()}
    return body


def authorization(**members: Any) -> dict[str, Any]:
    """What opens the FHIR server; `members` replace."""
    return {
        "access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.rs", "subject": "ionwise",
        "patient": PATIENT,
    } | members  # fmt: skip


def prefetch(hook: str = "patient-view") -> dict[str, Any]:
    """What an EHR that prefetches everything sends about the same chart, Medications among it."""
    sent: dict[str, Any] = {}
    for entry in KNOWLEDGE.key_plan:
        if hook not in entry.hooks or "encounterId" in entry.query:
            continue
        path, _, query = entry.query.replace("{{context.patientId}}", PATIENT).partition("?")
        sent[entry.key] = find(path, query)
    products = find("Medication", "")
    assert products is not None
    for entry in products["entry"]:
        sent["medications"]["entry"].append(entry | {"search": {"mode": "include"}})
    return sent


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Service]:
    """The service in sandbox mode with all rules, keeping nothing; `settings` as in Settings."""
    patient = {"fetch_budget_ms": 15_000, "response_budget_ms": 20_000}  # a busy machine fails no test
    app = create_app(Settings(**{"sandbox": True, "storage": False} | patient | settings), KNOWLEDGE)
    async with app.router.lifespan_context(app):
        yield Service(app, Client(app))


def advice(reply: Reply) -> list[tuple[str, str, str]]:
    """What an answer advises: rule, severity and the whole text of each card."""
    return [(card["source"]["topic"]["code"], card["indicator"], card["detail"]) for card in reply.json["cards"]]


def unjudged(reply: Reply) -> set[str]:
    """What the answer says it lacked."""
    return {entry["missing"] for entry in reply.json["extension"]["org.ionwise.decision"].get("cannot_tell", ())}
