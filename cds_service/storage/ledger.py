"""The ledger is written behind the answers: a bounded queue, small batches, retried until the database takes them.

An answer never waits for it. What does not fit in the queue is dropped and counted, loudly; what a kill -9 finds in the
queue (at most the last FLUSH_SECONDS when the database is well) is gone: it is a ledger of advice, not the advice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence

from cds_service.errors import StorageError
from cds_service.storage.audit import Trail
from cds_service.storage.database import Database
from cds_service.storage.failures import RefusedRowError
from cds_service.storage.records import Entry, Watch

log = logging.getLogger("ionwise.storage")
FLUSH_SECONDS = 1.0  # a transaction costs as much as twenty decisions in it
BATCH = 500
FIRST_PAUSE, LONGEST_PAUSE, LAST_PAUSE = 0.2, 10.0, 0.1
SETTLE_SECONDS = 0.01
COMPLAIN_SECONDS = 60.0


class Ledger:
    """A queue of entries and the task that writes them. `record` may be called from any thread."""

    def __init__(self, database: Database, capacity: int, trail: Trail | None, watch: Watch) -> None:
        self._database = database
        self._capacity = capacity
        self._trail = trail
        self._watch = watch
        self._queue: deque[Entry] = deque()
        self._in_hand = 0
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._complaints: dict[str, float] = {}
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many entries are not in the database yet."""
        return len(self._queue) + self._in_hand

    def start(self) -> None:
        """Start writing, in the running event loop."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._task = self._loop.create_task(self._run(), name="ionwise-ledger")

    def record(self, entry: Entry) -> bool:
        """Queue an entry; False when there is no room for it, or when the ledger is closed."""
        if self._stop.is_set() or self.waiting >= self._capacity:
            self._drop(1, "the service is stopping" if self._stop.is_set() else "the queue is full")
            return False
        self._queue.append(entry)
        self.wake()
        return True

    async def settle(self, patience: float) -> bool:
        """Write what is queued now instead of within FLUSH_SECONDS; False when that takes longer than `patience`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self.waiting:
                    self._hurry.set()
                    await asyncio.sleep(SETTLE_SECONDS)
        return not self.waiting

    def wake(self) -> None:
        """Have the writer look: at new entries, or at a database that failed somebody else."""
        if self._loop is None or self._wake.is_set():
            return
        if threading.get_ident() == self._thread:
            self._wake.set()
        else:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def close(self, patience: float) -> None:
        """Write what is queued, for at most `patience` seconds; what is left is counted as dropped."""
        self._stop.set()
        self._hurry.set()
        self._wake.set()
        if self._task is None:
            return
        try:
            await asyncio.wait_for(self._task, patience)
        except TimeoutError:
            self._drop(self.waiting, "the database did not take them before the service stopped")

    async def _run(self) -> None:
        while not self._stop.is_set() or self._queue:
            await self._wake.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), FLUSH_SECONDS)
            self._hurry.clear()
            self._wake.clear()
            while self._queue or (self._database.failing and not self._stop.is_set()):
                batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
                self._in_hand = len(batch)
                await self._settle(batch)
                self._in_hand = 0

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not through the end of the service: then everything has one more quick try."""
        if self._stop.is_set():
            await asyncio.sleep(min(seconds, LAST_PAUSE))
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _settle(self, batch: list[Entry]) -> None:
        """Write a batch however long it takes. What cannot be written is dropped, entry by entry."""
        pause = FIRST_PAUSE
        pending = deque([(uuid.uuid4().hex, batch)])
        while pending:
            batch_id, entries = pending[0]
            try:
                await self._write(batch_id, entries)
                pending.popleft()
            except StorageError as error:
                self._complain("wait", f"{self.waiting} ledger entries wait: {error}")
                await self._pause(pause * random.uniform(0.8, 1.2))  # noqa: S311 (spreads retries, no secret)
                pause = min(2 * pause, LONGEST_PAUSE)
            except Exception as error:  # refused, or a fault of ours: what comes after it is written all the same
                pending.popleft()
                if len(entries) == 1:
                    why = str(error) if isinstance(error, RefusedRowError) else type(error).__name__
                    self._drop(1, f"it cannot be written ({why})")
                else:
                    pending.extend((uuid.uuid4().hex, [entry]) for entry in entries)

    async def _write(self, batch_id: str, entries: Sequence[Entry]) -> None:
        async with self._database.writing() as connection:
            from cds_service.storage.ledger_rows import write_batch  # loaded by `writing`, not at start

            counts = await write_batch(connection, batch_id, entries)
            if counts is not None and self._trail is not None:
                from cds_service.storage.audit_rows import append, call_event

                await append(connection, self._trail, [call_event(entry) for entry in entries])
        if counts is not None:
            try:
                self._watch(entries, counts)
            except Exception as error:  # they are written: nothing may have them written again
                self._complain("watch", f"what was written is not counted: {type(error).__name__}")

    def _drop(self, count: int, why: str) -> None:
        self.dropped += count
        if count:
            self._complain("drop", f"{self.dropped} ledger entries dropped since the start: {why}")

    def _complain(self, about: str, message: str) -> None:
        """An error line, but not one per call while the database is away."""
        now = time.monotonic()
        if now >= self._complaints.get(about, now):
            self._complaints[about] = now + COMPLAIN_SECONDS
            log.error(message)
