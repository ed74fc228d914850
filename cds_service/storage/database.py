"""One database: an engine that reads, one that writes, and what is known about its state.

SQLite: WAL, every commit synced to disk before it returns, one writer per process, schema made or upgraded at start.
PostgreSQL: its schema is upgraded by `ionwise db upgrade` only; with an older one nothing is written.
SQLAlchemy is loaded when an engine is needed for the first time: a start with SQLite and its calls do without.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cds_service.errors import SettingsError, StorageError
from cds_service.storage.failures import translated
from cds_service.storage.instants import write_instant
from cds_service.storage.quick_connection import QuickConnection
from cds_service.storage.sqlite_file import HEAD, prepare_file

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.engine import URL
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

FILE_NAME = "ionwise.sqlite3"
UPGRADE_LOCK = 0x10_41_7E  # PostgreSQL advisory lock: of two upgrades at once the second waits
Answer = TypeVar("Answer")
BUSY_MS = 2000
TRY_AGAIN_SECONDS = 0.002
NEEDED = ("cds_service.storage.ledger_rows", "cds_service.storage.feedback")  # what a service writes with


def locate(url: str | None, data_dir: Path) -> URL | Path:
    """The database's address: SQLite in the data folder, or what the setting says. SettingsError for another kind."""
    if url is None:
        return data_dir / FILE_NAME
    from sqlalchemy import exc
    from sqlalchemy.engine import make_url

    try:
        found = make_url(url)
    except exc.ArgumentError:
        found = None
    kind = found.drivername.partition("+")[0] if found is not None else ""
    if found is None or kind not in ("sqlite", "postgresql", "postgres") or not found.database:
        raise SettingsError(
            "IONWISE_DATABASE_URL: is no address of a database -> postgresql://user:password@host/database, or leave"
            " it out for SQLite in IONWISE_DATA_DIR"
        )
    if kind == "sqlite":
        return found.set(drivername="sqlite+aiosqlite")
    query = dict(found.query)
    if "sslmode" in query:  # libpq's name; the driver calls it ssl
        query["ssl"] = query.pop("sslmode")
    return found.set(drivername="postgresql+asyncpg", query=query)


class Database:
    """`failing` tells in words why the last write failed, None when it succeeded."""

    def __init__(self, address: URL | Path) -> None:
        self._address = address
        self.is_sqlite = isinstance(address, Path) or address.drivername.startswith("sqlite")
        self.failing: str | None = "not opened yet"
        self._prepared: int | None = None
        self._preparing = asyncio.Lock()
        self._file: Path | None = None
        self._quick: QuickConnection | None = None
        if isinstance(address, Path):
            self._file = address
        elif self.is_sqlite:
            self._file = Path(address.database or "")
        if self._file is not None:
            self._quick = QuickConnection(self._file, self._check)

    @cached_property
    def reader(self) -> AsyncEngine:
        """The engine for questions."""
        return self._engine(writes=False)

    @cached_property
    def writer(self) -> AsyncEngine:
        """The engine for everything else."""
        return self._engine(writes=True)

    def _engine(self, *, writes: bool) -> AsyncEngine:
        from cds_service.storage.engines import make_engine, sqlite_url

        url = sqlite_url(self._address) if isinstance(self._address, Path) else self._address
        return make_engine(url, BUSY_MS, writes=writes)

    async def load(self) -> None:
        """Load what writing takes, beside the calls: half a second, once in a process."""
        if NEEDED[-1] not in sys.modules:
            for name in NEEDED:
                await asyncio.to_thread(importlib.import_module, name)
            gc.freeze()  # it stays for good, and came after the server settled its memory

    async def fetch(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Sequence[sa.Row[Any]]:
        """The rows of a query. StorageError at once when the database was not reached yet."""
        self._check()
        try:
            return await self._fetch(statement, values)
        except StorageError:
            return await self._fetch(statement, values)  # a connection that died while idle shows only when used

    async def look_up(self, statement: str, values: Mapping[str, Any], budget: float) -> Sequence[Any] | None:
        """The rows of a query that service and start wait for, by the shortest way; None when `budget` seconds are
        over.

        On SQLite too long is an error like any other, and instants in the rows are text (`read_instant`).
        """
        if self._quick is not None:
            return self._quick.ask(statement, _as_text(values), budget)
        from sqlalchemy import text

        return await within(budget, self.fetch(text(statement), values))

    def _check(self) -> None:
        if self._prepared is None or self._prepared != self._identity():
            self.failing = self.failing or "the database was replaced"
            raise StorageError(self.failing)

    async def _fetch(self, statement: sa.Executable, values: Mapping[str, Any] | None) -> Sequence[sa.Row[Any]]:
        await self.load()
        with translated():
            async with self.reader.connect() as connection:
                found: Sequence[sa.Row[Any]] = (await connection.execute(statement, values)).all()
        return found

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed and on disk when the block ends. StorageError or RefusedRowError when not."""
        try:
            await self.load()
            await self.prepare()
            with translated():
                async with self.writer.begin() as connection:
                    yield connection
            if self._prepared != self._identity():
                raise StorageError("the database was replaced")
        except StorageError as error:
            self.failing = str(error)
            raise
        except asyncio.CancelledError:
            self.failing = "the database is too slow"
            raise
        self.failing = None

    async def change(self, statement: str, values: Mapping[str, Any], budget: float) -> int:
        """Run one statement that a call waits for, as a transaction of its own; how many rows it changed.

        StorageError when it is not done within `budget` seconds. On SQLite it survives the process at once, and the
        machine from the next commit of `writing` on.
        """
        try:
            await self.prepare()
            if self._quick is not None:
                return await self._change_quickly(self._quick, statement, _as_text(values), budget)
            changed = await within(budget, self._change(statement, values))
            if changed is None:
                raise StorageError("the database is too slow")
            return changed
        except StorageError as error:
            self.failing = str(error)
            raise

    async def _change(self, statement: str, values: Mapping[str, Any]) -> int:
        from sqlalchemy import text

        with translated():
            async with self.reader.connect() as connection:  # whose every statement is a transaction
                return (await connection.execute(text(statement), values)).rowcount

    async def _change_quickly(
        self, quick: QuickConnection, statement: str, values: Mapping[str, Any], budget: float
    ) -> int:
        end = time.monotonic() + budget
        while (changed := quick.run(statement, values)) is None:
            if time.monotonic() >= end:
                raise StorageError("the database is locked")
            await asyncio.sleep(TRY_AGAIN_SECONDS)
        return changed

    async def prepare(self) -> None:
        """Bring the schema up to date (SQLite) or check that it is. Cheap when nothing changed."""
        if self._prepared is not None and self._prepared == self._identity():
            return
        async with self._preparing:
            if self._prepared is not None and self._prepared != self._identity():
                await self.close()  # the file was removed or replaced: what is open belongs to nobody any more
            with translated():
                if self._file is not None:
                    if not await asyncio.to_thread(prepare_file, self._file, BUSY_MS):
                        await self.upgrade()
                elif await self.revision() != HEAD:
                    raise StorageError("the schema is not up to date -> run `ionwise db upgrade`")
            self._prepared = self._identity()

    async def upgrade(self) -> None:
        """Bring the schema up to date, in one transaction that a second upgrade waits for."""
        await self.load()
        migrate = await asyncio.to_thread(importlib.import_module, "cds_service.storage.migrate")
        with translated():
            if self._file is not None:
                self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            async with self.writer.begin() as connection:
                if not self.is_sqlite:
                    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
                await connection.run_sync(migrate.upgrade)

    async def revision(self) -> str | None:
        """The revision of the schema as installed; None when there is none. StorageError when it cannot be asked."""
        await self.load()
        with translated():
            async with self.reader.connect() as connection:
                from cds_service.storage.engines import installed

                return await connection.run_sync(installed)

    async def close(self) -> None:
        """Close all connections. The next use opens new ones."""
        self._prepared = None
        if self._quick is not None:
            self._quick.close()
        for name in ("reader", "writer"):
            if name in self.__dict__:  # it was needed
                await getattr(self, name).dispose()

    def _identity(self) -> int | None:
        """What tells this database from one put in its place: the file's inode; None when it is gone."""
        if self._file is None:
            return 0
        try:
            return os.stat(self._file).st_ino  # noqa: PTH116 (once a call: half the time of a Path's own)
        except OSError:
            return None


async def within(budget: float, asked: Coroutine[Any, Any, Answer], *, give_up: bool = True) -> Answer | None:
    """The answer, or None when `budget` seconds are over. give_up: whether it is then cancelled.

    A transaction on SQLite must not be: what it was reading keeps its connection open unseen, and with it the lock,
    until the collector comes by.
    """
    asking = asyncio.ensure_future(asked)
    asking.add_done_callback(_forget)
    # Cancelling may itself wait for a database that does not answer, so it is not waited for.
    await asyncio.wait((asking,), timeout=budget)
    if asking.done():
        return asking.result()
    if give_up:
        asking.cancel()
    return None


def _as_text(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as SQLite takes them."""
    return {name: write_instant(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _forget(asking: asyncio.Future[Any]) -> None:
    """Take note of how an abandoned question ended, or the event loop complains that nobody did."""
    if not asking.cancelled():
        asking.exception()
