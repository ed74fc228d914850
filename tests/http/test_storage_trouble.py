"""The service while its database is slow, locked, full or gone: cards flow, feedback is refused, `/ready` tells.

Nothing is restarted and nobody helps: it heals by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service import app
from cds_service.storage import database, feedback, memory, switches
from cds_service.storage.database import FILE_NAME, Database, locate
from cds_service.storage.store import Store, open_store
from cds_service.storage.switches import Switch, set_switch
from tests.http.client import Reply
from tests.http.kill import kill_often
from tests.http.with_store import SEVERE, Running, Service, cards, runner, said
from tests.storage.trouble import locked, pragma, replace_file

PATIENCE = 30


@pytest.fixture(autouse=True)
def anyio_backend() -> str:
    """The event loop of the service."""
    return "asyncio"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same patience, in less time."""
    monkeypatch.setattr(feedback, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(memory, "REST_SECONDS", 0.0)
    monkeypatch.setattr(database, "BUSY_MS", 200)


@pytest.fixture
def running(tmp_path: Path) -> Running:
    """Starts the service, and stops it."""
    return runner(tmp_path)


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> list[Store]:
    """The stores that services opened."""
    opened: list[Store] = []

    def open_known(*given: Any, **named: Any) -> Store:
        opened.append(open_store(*given, **named))
        return opened[-1]

    monkeypatch.setattr(app, "open_store", open_known)
    return opened


async def endure(service: Service, first: Reply) -> None:
    """What must hold while the database takes nothing."""
    refused = await service.override(first.json["cards"][0])
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert "later" in refused.complaint
    assert cards(await service.open_chart(SEVERE)) == cards(first)
    state = await service.ready()
    assert (state["status"], state["storage"]["state"]) == ("degraded", "unavailable")


async def recover(service: Service, first: Reply) -> None:
    """What must hold soon afterwards: the client's repetition is stored, and counts."""
    async with asyncio.timeout(PATIENCE):
        while (await service.override(first.json["cards"][0])).status != 200:
            await asyncio.sleep(0.05)
        while (await service.ready())["storage"]["state"] != "ready":  # the rule switches are read a little later
            await asyncio.sleep(0.05)
        while cards(await service.open_chart(SEVERE)) != cards(first)[1:]:  # the ledger tries again a little later
            await asyncio.sleep(0.05)


async def test_locked(running: Running, tmp_path: Path) -> None:
    async with running() as service:
        first = await service.open_chart(SEVERE)
        async with locked(f"sqlite:///{tmp_path / FILE_NAME}"):
            await endure(service, first)
        await recover(service, first)


async def test_full(running: Running, stores: list[Store]) -> None:
    async with running() as service:
        first = await service.open_chart(SEVERE)
        await pragma(stores[0], "max_page_count=1")  # SQLite raises it to the pages there are
        long = {"overrideReason": {"userComment": "x" * 2000}}
        async with asyncio.timeout(PATIENCE):
            while (await service.override({"uuid": f"card-{len(long)}"}, **long)).status == 200:
                long[f"more {len(long)}"] = {}
        await endure_full(service, first)
        await pragma(stores[0], "max_page_count=1000000")
        await recover(service, first)


async def endure_full(service: Service, first: Reply) -> None:
    """As `endure`, but a report may be so short that it finds room in a page."""
    assert cards(await service.open_chart(SEVERE)) == cards(first)
    assert (await service.ready())["storage"]["state"] == "unavailable"


async def test_gone_while_it_runs(running: Running, tmp_path: Path) -> None:
    async with running() as service:
        first = await service.open_chart(SEVERE)
        replace_file(tmp_path / FILE_NAME)
        reply = await service.open_chart(SEVERE)
        assert cards(reply) == cards(first)
        assert said(reply)["memory"] == "unavailable"
        assert (await service.ready())["storage"]["state"] == "unavailable"
        await recover(service, await service.open_chart(SEVERE))


async def test_slow(running: Running, stores: list[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    async def too_slow(_: object, _values: Mapping[str, Any], budget: float) -> Sequence[Any] | None:
        await asyncio.sleep(budget)
        return None

    async with running(memory_budget_ms=20) as service:
        first = await service.open_chart(SEVERE)
        assert (await service.override(first.json["cards"][0])).status == 200
        with monkeypatch.context() as slow:
            slow.setattr(stores[0].database, "look_up", too_slow)
            reply = await service.open_chart(SEVERE)
        assert cards(reply) == cards(first)
        assert said(reply)["memory"] == "unavailable"
        stores[0].memory.budget = 5.0
        assert cards(await service.open_chart(SEVERE)) == cards(first)[1:]


async def test_cards_flow_and_feedback_is_refused_while_the_store_is_gone(running: Running, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    async with running(database_url=f"sqlite:///{tmp_path}/file/{FILE_NAME}") as service:
        reply = await service.open_chart(SEVERE)
        assert cards(reply)
        assert said(reply)["memory"] == "unavailable"
        refused = await service.override(reply.json["cards"][0])
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert "later" in refused.complaint
        state = await service.ready()
        assert (state["status"], state["storage"]["state"]) == ("degraded", "unavailable")
        (tmp_path / "file").unlink()
        await recover(service, reply)
        async with asyncio.timeout(PATIENCE):
            while (await service.ready())["status"] != "ready":
                await asyncio.sleep(0.05)


async def test_a_running_service_follows_a_switch(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert switches.REFRESH_SECONDS + switches.READ_SECONDS < 60
    monkeypatch.setattr(switches, "REFRESH_SECONDS", 0.05)
    other = Database(locate(f"sqlite:///{tmp_path / FILE_NAME}", tmp_path))
    async with running() as service:
        first = cards(await service.open_chart(SEVERE))
        for state in ("off", "on"):
            switch = Switch("default", "mg-hypomagnesaemia", state, "A. Pharmacist", "wrong unit", datetime.now(UTC))
            await set_switch(other, switch)
            async with asyncio.timeout(PATIENCE):
                while (cards(await service.open_chart(SEVERE)) == first) is (state == "off"):
                    await asyncio.sleep(0.05)
    await other.close()


def test_nothing_acknowledged_is_lost_or_doubled_when_the_service_is_killed(tmp_path: Path) -> None:
    tally = kill_often(tmp_path, rounds=2)
    assert tally.acknowledged > 10
    assert (tally.lost, tally.doubled, tally.without_comment) == (0, 0, 0)
