"""The short way to write one row into SQLite for a call that waits for it: in the caller's thread, without a sync.

A commit is in the file when it returns, so a killed process loses nothing and other processes see it; it is on disk
when the ledger commits next, within a second or so. Nothing here waits for a lock: who finds one tries again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cds_service.storage.failures import translated

_BUSY = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_BUSY_SNAPSHOT", "SQLITE_BUSY_RECOVERY"})


class QuickWriter:
    """Writes into a file whose schema is up to date. Only in the thread of the event loop."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None

    def run(self, statement: str, values: Mapping[str, Any]) -> int | None:
        """Run one statement as a transaction: how many rows it changed, None when somebody else is writing now.

        StorageError when the database does not work.
        """
        with translated():
            try:
                if self._connection is None:
                    self._connection = self._connect()
                return self._connection.execute(statement, values).rowcount
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname in _BUSY:
                    return None
                self.close()
                raise

    def close(self) -> None:
        """Close the connection; the next statement opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> sqlite3.Connection:
        """Never makes a file. Checkpoints, which wait for the disk, are left to the engine that writes the ledger."""
        address = f"{self._file.resolve().as_uri()}?mode=rw"
        connection = sqlite3.connect(address, timeout=0, uri=True, isolation_level=None)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        return connection
