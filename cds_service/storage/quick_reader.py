"""The way of a call's one question to SQLite: asked at once, in the caller's thread.

Whoever reads in WAL mode waits for nobody, and the answer takes less time than handing the question to a thread. A
question that takes too long all the same, such as on a sick disk, is broken off.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from cds_service.storage.tables import Instant

STEPS = 1000  # of SQLite's machine between two looks at the clock: a tenth of a millisecond
_DIALECT = sqlite.dialect(paramstyle="named")
Statement = sa.Select[Any] | sa.CompoundSelect[Any]


class QuickReader:
    """Reads a file whose schema is up to date.

    check: runs before every question; StorageError when the file is not the one that was prepared.
    translated: makes a StorageError of what the driver raises.
    """

    def __init__(self, file: Path, check: Callable[[], None], translated: type[AbstractContextManager[None]]) -> None:
        self._file = file
        self._check = check
        self._translated = translated
        self._connection: sqlite3.Connection | None = None

    def ask(self, statement: Statement, values: Mapping[str, Any], budget: float) -> Sequence[Any]:
        """The rows, as tuples in the statement's order. StorageError also when it takes longer than `budget` seconds.

        Only in the thread of the event loop.
        """
        self._check()
        text, constants, instants = _compiled(statement)
        bound = dict(constants)
        for name, value in values.items():
            bound[name] = write_instant(value) if isinstance(value, datetime) else value
        deadline = time.monotonic() + budget
        with self._translated():
            if self._connection is None:
                self._connection = self._connect()
            self._connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
            found = self._connection.execute(text, bound).fetchall()
        return [
            tuple([read_instant(value) if place in instants else value for place, value in enumerate(row)])
            for row in found
        ]

    def close(self) -> None:
        """Close the connection; the next question opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> sqlite3.Connection:
        """Never makes a file, never waits for a lock."""
        connection = sqlite3.connect(f"{self._file.resolve().as_uri()}?mode=rw", timeout=0, uri=True)
        connection.execute("PRAGMA query_only=ON")
        return connection


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
