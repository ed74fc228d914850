"""The short way to SQLite for what a call or the start waits for: asked at once, in the caller's thread.

Whoever reads in WAL mode waits for nobody, and the answer takes less time than handing the question to a thread. A
question that takes too long all the same, such as on a sick disk, is broken off. Tokens are written over the same
connection as questions are asked: what another connection writes empties this one's memory of the file.

A commit is in the file when it returns, so a killed process loses nothing and other processes see it; it is on disk
when the ledger commits next, within a second or so.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cds_service.storage.failures import translated

STEPS = 1000  # of SQLite's machine between two looks at the clock: a tenth of a millisecond
_BUSY = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_BUSY_SNAPSHOT", "SQLITE_BUSY_RECOVERY"})


class QuickConnection:
    """One connection to a file whose schema is up to date. Only in the thread of the event loop.

    check: runs before every question; StorageError when the file is not the one that was prepared.
    """

    def __init__(self, file: Path, check: Callable[[], None]) -> None:
        self._file = file
        self._check = check
        self._connection: sqlite3.Connection | None = None
        self._deadline = math.inf

    def ask(self, statement: str, values: Mapping[str, Any], budget: float) -> list[tuple[Any, ...]]:
        """The rows, instants as text. StorageError also when it takes longer than `budget` seconds."""
        self._check()
        self._deadline = time.monotonic() + budget
        with translated():
            return self._open().execute(statement, values).fetchall()

    def run(self, statement: str, values: Mapping[str, Any]) -> int | None:
        """Run one statement as a transaction: how many rows it changed, None when somebody else is writing now.

        StorageError when the database does not work. Waits for no lock: who finds one tries again.
        """
        self._deadline = math.inf
        with translated():
            try:
                return self._open().execute(statement, values).rowcount
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname in _BUSY:
                    return None
                self.close()
                raise

    def close(self) -> None:
        """Close the connection; the next use opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        """Never makes a file. Checkpoints, which wait for the disk, are left to the engine that writes the ledger."""
        if self._connection is None:
            address = f"{self._file.resolve().as_uri()}?mode=rw"
            connection = sqlite3.connect(address, timeout=0, uri=True, isolation_level=None)
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA wal_autocheckpoint=0")
            connection.set_progress_handler(lambda: time.monotonic() > self._deadline, STEPS)
            self._connection = connection
        return self._connection
