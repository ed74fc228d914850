"""The store: one object that holds everything above the tables, opened by the composition root."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from cds_service.errors import StorageError
from cds_service.storage.audit import Trail
from cds_service.storage.database import Database, locate, within
from cds_service.storage.ledger import Ledger
from cds_service.storage.memory import Memory, Remembered
from cds_service.storage.records import Entry, Question, Report, Watch
from cds_service.storage.spent_tokens import SpentTokens
from cds_service.storage.switches import Switchboard, Switches

log = logging.getLogger("ionwise.storage")
CAPACITY = 10_000  # decisions that may wait for the database
RECALL_SECONDS = 0.05
START_SECONDS = 5.0
CLOSE_SECONDS = 5.0
HEALTH_SECONDS = 2.0


class Health(msgspec.Struct, frozen=True):
    """How storage is. Cards flow in every state.

    state     ready; degraded: something was lost or is not known; unavailable: feedback is refused, the ledger waits
    detail    why, in words; "" when ready
    waiting   decisions that are not in the database yet
    dropped   decisions that were lost since the start
    switches  whether the rule switches are known
    """

    state: Literal["ready", "degraded", "unavailable"]
    detail: str
    waiting: int
    dropped: int
    switches: bool


class Store:
    """Use it in one event loop: `await start()`, at the end `await close()`."""

    def __init__(
        self, database: Database, capacity: int, recall_seconds: float, trail: Trail | None, watch: Watch
    ) -> None:
        self.database = database
        self._trail = trail
        self._ledger = Ledger(database, capacity, trail, watch)
        self.memory = Memory(database, recall_seconds)
        self._switches = Switches(database)
        self._spent = SpentTokens(database)

    @property
    def waiting(self) -> int:
        """How many decisions are not in the database yet."""
        return self._ledger.waiting

    @property
    def backlog(self) -> tuple[int, int]:
        """How many decisions wait, and how many were lost since the start."""
        return self._ledger.waiting, self._ledger.dropped

    async def start(self) -> None:
        """Open the database and start writing. Never fails: a database that is away is waited for in the background."""
        try:
            opened = await within(START_SECONDS, self._open(), give_up=False)
            self.database.failing = None if opened else "the database is too slow"
        except StorageError as error:
            self.database.failing = str(error)
        if self.database.failing is not None:
            log.error("storage is not available: %s", self.database.failing)
        await self._switches.refresh()
        self._ledger.start()
        self._switches.start()
        self._ledger.wake()

    async def _open(self) -> bool:
        await self.database.prepare()
        return True

    async def close(self) -> None:
        """Write what waits, for a few seconds at most, and close."""
        await self._switches.close()
        await self._ledger.close(CLOSE_SECONDS)
        await self.database.close()

    def record(self, entry: Entry) -> bool:
        """Keep a decision, behind the answer: returns at once, from any thread. False when it was dropped."""
        return self._ledger.record(entry)

    async def settle(self, patience: float) -> bool:
        """Have everything recorded until now written; False when that takes longer."""
        return await self._ledger.settle(patience)

    async def recall(self, question: Question) -> tuple[Remembered, ...] | None:
        """What the decision must know about earlier cards; None when it cannot be told in time. See memory.py."""
        return await self.memory.recall(question)

    async def add_feedback(self, tenant: str, client: str, reports: Sequence[Report], received_at: datetime) -> int:
        """Store reports durably, all or none; how many are new. StorageError: answer 503 with its `retry_after`."""
        await self.database.load()
        from cds_service.storage import feedback

        try:
            return await feedback.add_feedback(self.database, tenant, client, reports, received_at, self._trail)
        except StorageError:
            self._ledger.wake()
            raise

    async def spend_token(self, issuer: str, jti: str, expires_at: float, now: float) -> bool:
        """Take note of a token that is used; False when it was before. StorageError: that cannot be told."""
        try:
            return await self._spent.spend(issuer, jti, expires_at, now)
        except StorageError:
            self._ledger.wake()
            raise

    def switches(self, tenant: str) -> Switchboard:
        """The rule switches in force, from memory."""
        return self._switches.of(tenant)

    async def refresh_switches(self) -> bool:
        """Read the rule switches now instead of within half a minute; False when the database is away."""
        return await self._switches.refresh()

    async def health(self) -> Health:
        """How storage is now; asks the database, for at most HEALTH_SECONDS."""
        trouble = self.database.failing
        if trouble is None:
            try:
                if await self.database.look_up("SELECT 1 FROM rule_switch LIMIT 1", {}, HEALTH_SECONDS) is None:
                    trouble = "the database is too slow"
            except StorageError as error:
                trouble = str(error)
        if trouble:
            self._ledger.wake()  # whose retries find out when the database is back
        detail = trouble or ""
        if not trouble and self._ledger.dropped:
            detail = f"{self._ledger.dropped} decisions are missing from the ledger"
        elif not trouble and not self._switches.known:
            detail = "the rule switches are not known yet"
        state: Literal["ready", "degraded", "unavailable"] = (
            "unavailable" if trouble else "degraded" if detail else "ready"
        )
        return Health(state, detail, self._ledger.waiting, self._ledger.dropped, self._switches.known)


def open_store(
    url: str | None,
    *,
    data_dir: Path,
    capacity: int = CAPACITY,
    recall_seconds: float = RECALL_SECONDS,
    trail: Trail | None = None,
    watch: Watch = lambda entries, counts: None,
) -> Store:
    """A store, not started yet. url None: SQLite in `data_dir`; trail None: no audit trail; watch: told of what was
    written.

    SettingsError for an address that is none.
    """
    return Store(Database(locate(url, data_dir)), capacity, recall_seconds, trail, watch)
