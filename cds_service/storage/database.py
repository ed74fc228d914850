"""One database: an engine that reads, one that writes, and what is known about its state.

SQLite: WAL, every commit synced to disk before it returns, one writer per process, schema upgraded at start.
PostgreSQL: its schema is upgraded by `ionwise db upgrade` only; with an older one nothing is written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from cds_service.errors import SettingsError, StorageError
from cds_service.storage.migrate import HEAD, installed, upgrade
from cds_service.storage.quick_reader import QuickReader, Statement

FILE_NAME = "ionwise.sqlite3"
UPGRADE_LOCK = 0x10_41_7E  # PostgreSQL advisory lock: of two upgrades at once the second waits
CONNECT_SECONDS = 3
COMMAND_SECONDS = 10
BUSY_MS = 2000
CHECKPOINT = "wal_autocheckpoint=4000"  # pages (16 MB): the same pages of an index are written again and again
logging.getLogger("aiosqlite").setLevel(logging.INFO)  # at DEBUG it writes every statement with its values
BAD_DATA = frozenset({"22", "23"})  # SQLSTATE classes: data exception, integrity violation


class RefusedRowError(Exception):
    """The database works and refuses this data; trying again will not help."""


def locate(url: str | None, data_dir: Path) -> URL:
    """The database's address: SQLite in the data folder, or what the setting says. SettingsError for another kind."""
    if url is None:
        return URL.create("sqlite+aiosqlite", database=str(data_dir / FILE_NAME))
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


def insert_into(connection: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT, in the database's own dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


class Database:
    """`failing` tells in words why the last write failed, None when it succeeded."""

    def __init__(self, url: URL) -> None:
        self.is_sqlite = url.drivername.startswith("sqlite")
        self.failing: str | None = "not opened yet"
        self._file = Path(url.database or "") if self.is_sqlite else None
        self._prepared: int | None = None
        self._preparing = asyncio.Lock()
        self.reader = _engine(url, self.is_sqlite, writes=False)
        self.writer = _engine(url, self.is_sqlite, writes=True)
        self._quick: QuickReader | None = None
        if self._file is not None:
            self._quick = QuickReader(self._file, self._check, _translated)

    async def fetch(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Sequence[sa.Row[Any]]:
        """The rows of a query. StorageError at once when the database was not reached yet."""
        self._check()
        try:
            return await self._fetch(statement, values)
        except StorageError:
            return await self._fetch(statement, values)  # a connection that died while idle shows only when used

    async def look_up(self, statement: Statement, values: Mapping[str, Any], budget: float) -> Sequence[Any] | None:
        """`fetch` for the question that is asked in calls, by the shortest way; None when `budget` seconds are over.

        On SQLite too long is an error like any other.
        """
        if self._quick is not None:
            return self._quick.ask(statement, values, budget)
        reading = asyncio.ensure_future(self.fetch(statement, values))
        reading.add_done_callback(_forget)
        # Cancelling may itself wait for a database that does not answer, so it is not waited for.
        await asyncio.wait((reading,), timeout=budget)
        if reading.done():
            return reading.result()
        reading.cancel()
        return None

    def _check(self) -> None:
        if self._prepared is None or self._prepared != self._identity():
            self.failing = self.failing or "the database was replaced"
            raise StorageError(self.failing)

    async def _fetch(self, statement: Statement, values: Mapping[str, Any] | None) -> Sequence[sa.Row[Any]]:
        with _translated():
            async with self.reader.connect() as connection:
                found: Sequence[sa.Row[Any]] = (await connection.execute(statement, values)).all()
        return found

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed and on disk when the block ends. StorageError or RefusedRowError when not."""
        try:
            await self.prepare()
            with _translated():
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

    async def prepare(self) -> None:
        """Bring the schema up to date (SQLite) or check that it is. Cheap when nothing changed."""
        if self._prepared is not None and self._prepared == self._identity():
            return
        async with self._preparing:
            if self._prepared is not None and self._prepared != self._identity():
                await self.close()  # the file was removed or replaced: what is open belongs to nobody any more
            with _translated():
                if self._file is not None:
                    self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    await self.upgrade()
                elif await self.revision() != HEAD:
                    raise StorageError("the schema is not up to date -> run `ionwise db upgrade`")
            self._prepared = self._identity()

    async def upgrade(self) -> None:
        """Bring the schema up to date, in one transaction that a second upgrade waits for."""
        with _translated():
            async with self.writer.begin() as connection:
                if not self.is_sqlite:
                    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADE_LOCK)))
                await connection.run_sync(upgrade)

    async def revision(self) -> str | None:
        """The revision of the schema as installed; None when there is none. StorageError when it cannot be asked."""
        with _translated():
            async with self.reader.connect() as connection:
                return await connection.run_sync(installed)

    async def close(self) -> None:
        """Close all connections. The next use opens new ones."""
        self._prepared = None
        if self._quick is not None:
            self._quick.close()
        await self.reader.dispose()
        await self.writer.dispose()

    def _identity(self) -> int | None:
        """What tells this database from one put in its place: the file's inode; None when it is gone."""
        if self._file is None:
            return 0
        try:
            return self._file.stat().st_ino
        except OSError:
            return None


def _forget(reading: asyncio.Future[Any]) -> None:
    """Take note of how an abandoned question ended, or the event loop complains that nobody did."""
    if not reading.cancelled():
        reading.exception()


def _engine(url: URL, is_sqlite: bool, *, writes: bool) -> AsyncEngine:
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_timeout": CONNECT_SECONDS,
        "max_overflow": 0,
        "pool_size": 5,
    }
    if is_sqlite:
        options |= {"pool_size": 1 if writes else 3, "connect_args": {"timeout": BUSY_MS / 1000}}
    else:
        options["connect_args"] = {"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}
    if not writes:
        options |= {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
    engine = create_async_engine(url, **options)
    if is_sqlite:
        event.listen(engine.sync_engine, "connect", _open_writer if writes else _open_reader)
    if is_sqlite and writes:
        event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _open_reader(connection: Any, _record: Any) -> None:
    _pragmas(connection, "query_only=ON")


def _open_writer(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours: the driver's own would come too late to wait for a lock
    _pragmas(connection, "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", CHECKPOINT)


def _pragmas(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class _translated:
    """Turns whatever a driver raises into StorageError or RefusedRowError, without the statement and its values."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if error is None or isinstance(error, StorageError | RefusedRowError):
            return
        if _is_about_data(error):
            raise RefusedRowError(_name(error)) from None
        if isinstance(error, exc.SQLAlchemyError | OSError | TimeoutError) or _is_of_driver(error):
            raise StorageError(f"the database does not answer as it should ({_name(error)})") from None


def _is_about_data(error: BaseException) -> bool:
    if isinstance(error, exc.IntegrityError | exc.DataError | ValueError | TypeError | OverflowError):
        return not isinstance(error, OSError)
    if isinstance(error, exc.DBAPIError):
        return str(getattr(error.orig, "sqlstate", None) or "")[:2] in BAD_DATA
    return isinstance(error, exc.StatementError)


def _is_of_driver(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in ("asyncpg", "sqlite3", "aiosqlite")


def _name(error: BaseException) -> str:
    """The kind of error. Never its text: that may quote the values of a row."""
    cause = getattr(error, "orig", None) or error
    inner = cause.__cause__ or cause
    return getattr(inner, "sqlite_errorname", None) or type(inner).__name__
