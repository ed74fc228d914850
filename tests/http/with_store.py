"""A running service with a store of its own, and what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.fixtures.service import FIXTURES, gist
from tests.http.client import JSON, Client, Reply
from tests.shipped import released

SEVERE = "severe_hypomagnesaemia_on_a_ppi"
HIDDEN = "hidden_deficiency_in_the_normal_range"
CODING = {"code": "or-specialist", "system": "https://ionwise.example/CodeSystem/override-reason"}


class Service:
    """A running sandbox with a store in a folder of its own."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def open_chart(
        self, name: str, user: str = "Practitioner/one", as_of: str | None = None, **more: Any
    ) -> Reply:
        """Send a recorded patient-view request; `more`: other members of it."""
        body = recorded(name) | more
        body["context"]["userId"] = user
        if as_of is not None:
            body["extension"]["org.ionwise.as-of"] = as_of
        return await self.post("ionwise-patient-view", body)

    async def override(self, card: dict[str, Any], **other: Any) -> Reply:
        """Report a card as overridden."""
        item = {
            "card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-21T09:00:00Z",
            "overrideReason": {"reason": CODING},
        } | other  # fmt: skip
        return await self.post("ionwise-patient-view/feedback", {"feedback": [item]})

    async def post(self, path: str, body: Any) -> Reply:
        """POST below /cds-services."""
        return await self._client.ask("POST", f"/cds-services/{path}", [orjson.dumps(body)], JSON)

    async def get(self, path: str) -> Reply:
        """GET."""
        return await self._client.ask("GET", path, [b""], {})

    async def settle(self) -> None:
        """Wait until everything is in the database."""
        while (await self.ready())["storage"]["waiting"]:
            await asyncio.sleep(0.05)

    async def ready(self) -> Any:
        """What /ready says."""
        reply = await self.get("/ready")
        assert reply.status == 200
        return reply.json


def recorded(name: str) -> Any:
    """A recorded patient-view request."""
    return orjson.loads((FIXTURES / f"hooks/patient-view/{name}.json").read_bytes())


Running = Callable[..., AbstractAsyncContextManager[Service]]


def runner(folder: Path) -> Running:
    """Starts the service with its data in a folder, and stops it."""

    @asynccontextmanager
    async def run(**given: Any) -> AsyncIterator[Service]:
        settings: dict[str, Any] = {
            "sandbox": True,
            "storage": True,
            "data_dir": folder,
            "memory_budget_ms": 5000,
        } | given
        app = create_app(Settings(**settings), released())
        async with app.router.lifespan_context(app):
            yield Service(Client(app))

    return run


def cards(reply: Reply) -> list[str]:
    """The cards in one line each."""
    assert reply.status == 200, reply.body
    return [gist(card) for card in reply.json["cards"]]


def said(reply: Reply) -> Any:
    """The decision extension."""
    return reply.json["extension"]["org.ionwise.decision"]
