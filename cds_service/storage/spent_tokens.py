"""Which tokens were used: each may be used once, whichever process it reaches and however often these restart."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from datetime import UTC, datetime

from cds_service.errors import StorageError
from cds_service.storage.database import Database

PATIENCE_SECONDS = 1.0
PRUNE_SECONDS = 300.0
_SPEND = "INSERT INTO spent_token (digest, expires_at) VALUES (:digest, :expires_at) ON CONFLICT DO NOTHING"


class SpentTokens:
    """Remembers tokens until they expire. A token is kept as a digest of its issuer and its `jti`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pruned: float | None = None
        self._pruning: asyncio.Task[None] | None = None

    async def spend(self, issuer: str, jti: str, expires_at: float, now: float) -> bool:
        """Take note of a token; False when that was done before. Times in seconds since the epoch.

        StorageError when it cannot be told: then the token must not be taken.
        """
        values = {"digest": _digest(issuer, jti), "expires_at": datetime.fromtimestamp(expires_at, UTC)}
        try:
            fresh = await self._database.change(_SPEND, values, PATIENCE_SECONDS) == 1
        except StorageError:
            # A connection that died while idle shows only now. Who finds the token there then may be oneself.
            if await self._database.change(_SPEND, values, PATIENCE_SECONDS) == 0:
                raise
            fresh = True
        self._prune_sometimes(now)
        return fresh

    def _prune_sometimes(self, now: float) -> None:
        """Forget expired tokens every few minutes, beside the calls."""
        if self._pruned is None:
            self._pruned = now
        if now - self._pruned >= PRUNE_SECONDS and (self._pruning is None or self._pruning.done()):
            self._pruned = now
            self._pruning = asyncio.ensure_future(self._prune(datetime.fromtimestamp(now, UTC)))

    async def _prune(self, now: datetime) -> None:
        await self._database.load()
        from cds_service.storage.retention import prune_spent_tokens

        with contextlib.suppress(StorageError):  # they do no harm, and the next time comes
            await prune_spent_tokens(self._database, now)


def _digest(issuer: str, jti: str) -> str:
    """A token's own name, of one length whatever its issuer chose."""
    parts = [part.encode("utf-8", "surrogatepass") for part in (issuer, jti)]
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).hexdigest()
