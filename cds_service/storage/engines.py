"""The engines of SQLAlchemy: one that reads, one that writes. Loaded when the first of them is needed, not at start."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

CONNECT_SECONDS = 3
COMMAND_SECONDS = 10
CHECKPOINT = "wal_autocheckpoint=4000"  # pages (16 MB): the same pages of an index are written again and again
logging.getLogger("aiosqlite").setLevel(logging.INFO)  # at DEBUG it writes every statement with its values


def insert_into(connection: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT, in the database's own dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def sqlite_url(file: Path) -> URL:
    """The address of a SQLite file."""
    return URL.create("sqlite+aiosqlite", database=str(file))


def installed(connection: sa.Connection) -> str | None:
    """The revision that is installed; None when the database holds no schema of ours."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def make_engine(url: URL, busy_ms: int, *, writes: bool) -> AsyncEngine:
    """An engine that connects when it is used. busy_ms: how long SQLite waits for a lock."""
    is_sqlite = url.drivername.startswith("sqlite")
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_timeout": CONNECT_SECONDS,
        "max_overflow": 0,
        "pool_size": 5,
    }
    if is_sqlite:
        options |= {"pool_size": 1 if writes else 3, "connect_args": {"timeout": busy_ms / 1000}}
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
