"""Tests that ask for `url` run on SQLite, and on PostgreSQL when there is a server to run them on."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from cds_service.storage import database, feedback, memory
from cds_service.storage.database import FILE_NAME
from cds_service.storage.pseudonyms import Pseudonyms, ephemeral_pseudonyms
from cds_service.storage.store import Store, open_store
from tests.storage.samples import migrate

SERVER = os.environ.get("IONWISE_TEST_POSTGRES_URL")
KINDS = ["sqlite", "postgresql"] if SERVER else ["sqlite"]
collect_ignore = [] if SERVER else ["test_outages_postgresql.py"]


@pytest.fixture(autouse=True)
def anyio_backend() -> str:
    """The event loop of the service."""
    return "asyncio"


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of its own, without a schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'data' / FILE_NAME}"
        return
    name = f"ionwise_test_{uuid.uuid4().hex[:12]}"
    asyncio.run(on_server(f"CREATE DATABASE {name}"))
    yield make_url(SERVER or "").set(database=name).render_as_string(hide_password=False)
    asyncio.run(on_server(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def url(empty_url: str) -> str:
    """The same with the schema in it."""
    asyncio.run(migrate(empty_url))
    return empty_url


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A started store on it."""
    store = open_store(url, data_dir=tmp_path / "data", recall_seconds=5)
    await store.start()
    yield store
    await store.close()


@pytest.fixture
def people() -> Pseudonyms:
    """Pseudonyms under a key of this test."""
    return ephemeral_pseudonyms()


async def on_server(statement: str, url: str | None = None) -> None:
    """Run one statement on the PostgreSQL server, by default in the database that the tests were given."""
    connection = await asyncpg.connect(url or SERVER)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same patience, in less time."""
    monkeypatch.setattr(feedback, "PATIENCE_SECONDS", 0.8)
    monkeypatch.setattr(memory, "REST_SECONDS", 0.05)
    monkeypatch.setattr(database, "BUSY_MS", 300)
