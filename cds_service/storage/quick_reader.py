"""The way of a call's one question to SQLite: one connection in one thread, so that asking costs a single hop.

The drivers for async engines take a hop for each step of a query, which costs a call more than the query itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from cds_service.storage.tables import Instant

_DIALECT = sqlite.dialect(paramstyle="named")
Statement = sa.Select[Any] | sa.CompoundSelect[Any]


class QuickReader:
    """Reads a file whose schema is up to date.

    check: runs before every question, in the thread; StorageError when the file is not the one that was prepared.
    translated: makes a StorageError of what the driver raises.
    """

    def __init__(
        self, file: Path, busy_seconds: float, check: Callable[[], None], translated: type[AbstractContextManager[None]]
    ) -> None:
        self._file = file
        self._busy_seconds = busy_seconds
        self._check = check
        self._translated = translated
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    def ask(self, statement: Statement, values: Mapping[str, Any]) -> asyncio.Future[Sequence[Any]]:
        """The rows, as tuples in the statement's order."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="ionwise-recall")
        return asyncio.get_running_loop().run_in_executor(self._thread, self._ask, statement, values)

    def close(self) -> None:
        """Close the connection; the next question opens another one."""
        if self._thread is not None:
            self._thread.submit(self._disconnect)
            self._thread.shutdown(wait=False)
            self._thread = None

    def _ask(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        self._check()
        text, constants, instants = _compiled(statement)
        bound = dict(constants)
        for name, value in values.items():
            bound[name] = write_instant(value) if isinstance(value, datetime) else value
        with self._translated():
            if self._connection is None:
                self._connection = self._connect()
            found = self._connection.execute(text, bound).fetchall()
        return [
            tuple([read_instant(value) if place in instants else value for place, value in enumerate(row)])
            for row in found
        ]

    def _connect(self) -> sqlite3.Connection:
        """Never makes a file."""
        connection = sqlite3.connect(f"{self._file.resolve().as_uri()}?mode=rw", timeout=self._busy_seconds, uri=True)
        connection.execute("PRAGMA query_only=ON")
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@lru_cache(maxsize=256)
def _compiled(statement: Statement) -> tuple[str, Mapping[str, Any], frozenset[int]]:
    """The statement's text, its own values, and at which places of its rows there are instants."""
    compiled = statement.compile(dialect=_DIALECT)
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    places = [place for place, column in enumerate(statement.selected_columns) if isinstance(column.type, Instant)]
    return str(compiled), constants, frozenset(places)


def write_instant(moment: datetime) -> str:
    """An aware datetime as SQLAlchemy writes it into SQLite."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def read_instant(text: str) -> datetime:
    """The reverse."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
