"""Ways to make a database fail and to mend it again, for SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from cds_service.errors import StorageError
from cds_service.storage.pseudonyms import Pseudonyms
from cds_service.storage.store import Store
from cds_service.storage.tables import daily_count, feedback, issued_card
from tests.storage.samples import NOW, entry, issue, overridden, rows, written


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Somebody else holds the lock that every writer needs."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(make_url(url).database or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
        other.close()
        return
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("LOCK TABLE feedback, ledger_batch IN ACCESS EXCLUSIVE MODE")
    yield
    await transaction.rollback()
    await connection.close()


@asynccontextmanager
async def read_only(url: str, store: Store) -> AsyncIterator[None]:
    """Nothing can be written: SQLite as with a full or write-protected disk, PostgreSQL as a standby."""
    if url.startswith("sqlite"):
        await pragma(store, "query_only=ON")
        yield
        await pragma(store, "query_only=OFF")
        return
    name = make_url(url).database
    connection = await asyncpg.connect(make_url(url).set(database="postgres").render_as_string(hide_password=False))
    for state in ("on", "off"):
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {state}")
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        if state == "on":
            yield
    await connection.close()


async def pragma(store: Store, setting: str) -> object:
    """Set or ask something on the one connection with which the store writes to SQLite."""
    async with store.database.writer.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        return await (await driver.execute(f"PRAGMA {setting}")).fetchone()


class Line:
    """A way to the PostgreSQL server that can be cut, and made to stall."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.port = 0

    async def mend(self) -> None:
        """Listen, at the same port as before, and let everything through."""
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def stall(self) -> None:
        """Stay connected and let nothing through."""
        self._flows.clear()

    async def cut(self) -> None:
        """Break every connection and accept no new one."""
        self._flows.set()
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()
        await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(OSError):
            there, back = await asyncio.open_connection(*self._target)
            self._open |= {writer, back}
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                await self._flows.wait()
                sink.write(data)
                await sink.drain()
        sink.close()


def replace_file(path: Path) -> None:
    """The database's file is gone, with its journal, as when the disk below it was changed."""
    for file in path.parent.iterdir():
        file.unlink()


async def endure(store: Store, people: Pseudonyms) -> None:
    """What must hold while the database takes nothing."""
    started = time.perf_counter()
    for number in range(50):
        assert store.record(entry(people, issue(card=f"card-{number}")))
    assert time.perf_counter() - started < 0.1
    with pytest.raises(StorageError) as refused:
        await store.add_feedback("t", "ehr", [overridden()], NOW)
    assert refused.value.retry_after > 0
    health = await store.health()
    assert (health.state, health.waiting) == ("unavailable", 50)
    assert health.detail


async def recover(store: Store) -> None:
    """What must hold soon after it works again, without anybody doing anything."""
    await written(store)
    assert len(await rows(store, issued_card)) == 50
    assert [row.n for row in await rows(store, daily_count)] == [50]
    # The client repeats what was not acknowledged: it may have been stored after all, and is there once.
    await store.add_feedback("t", "ehr", [overridden()], NOW)
    assert len(await rows(store, feedback)) == 1
    assert (await store.health()).state == "ready"
