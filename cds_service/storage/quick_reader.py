"""The short way to SQLite for the questions of a call and of the start: asked at once, in the caller's thread.

Whoever reads in WAL mode waits for nobody, and the answer takes less time than handing the question to a thread. A
question that takes too long all the same, such as on a sick disk, is broken off.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cds_service.storage.failures import translated

STEPS = 1000  # of SQLite's machine between two looks at the clock: a tenth of a millisecond


class QuickReader:
    """Reads a file whose schema is up to date.

    check: runs before every question; StorageError when the file is not the one that was prepared.
    """

    def __init__(self, file: Path, check: Callable[[], None]) -> None:
        self._file = file
        self._check = check
        self._connection: sqlite3.Connection | None = None
        self._deadline = 0.0

    def ask(self, statement: str, values: Mapping[str, Any], budget: float) -> list[tuple[Any, ...]]:
        """The rows, instants as text. StorageError also when it takes longer than `budget` seconds.

        Only in the thread of the event loop.
        """
        self._check()
        self._deadline = time.monotonic() + budget
        with translated():
            if self._connection is None:
                self._connection = self._connect()
            return self._connection.execute(statement, values).fetchall()

    def close(self) -> None:
        """Close the connection; the next question opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> sqlite3.Connection:
        """Never makes a file, never waits for a lock."""
        connection = sqlite3.connect(f"{self._file.resolve().as_uri()}?mode=rw", timeout=0, uri=True)
        connection.execute("PRAGMA query_only=ON")
        connection.set_progress_handler(lambda: time.monotonic() > self._deadline, STEPS)
        return connection
