"""The audit trail: which call was answered about whom, and what operators did. One chain of sealed rows per writer.

A row's seal is an HMAC over the row and the seal before it, under a key that is not in the database: whoever changes,
removes or reorders rows cannot make the seals fit. `audit_chain` says where each chain begins and ends, and the first
row of a chain tells how far the others were: so a cut end and a chain that is gone are found too.

Erasing a patient empties the rows' bodies and leaves their digests: the chain still holds, and the erasure is a row of
its own that names every row it emptied.

Here is what a start needs; audit_rows.py writes, audit_check.py verifies.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from cds_service.storage.records import Pseudonym

Kind = Literal["start", "call", "feedback", "switch", "erasure", "capture"]
OPERATOR = "operator"
"""The chain of the command line: what operators do, in the order in which they do it."""


class Event(msgspec.Struct, frozen=True):
    """What happened. `at` is aware; `detail` is plain JSON and tells of people by pseudonym only."""

    kind: Kind
    at: datetime
    tenant: str = ""
    client: str = ""
    patient: Pseudonym | None = None
    clinician: Pseudonym | None = None
    detail: Mapping[str, Any] = {}


class SealKeys:
    """The keys that seal, by id, the newest first."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        self.newest = next(iter(self._keys))

    def __contains__(self, key_id: str) -> bool:
        """Whether there is a key of this id."""
        return key_id in self._keys

    def seal(self, key_id: str, *words: str) -> str | None:
        """The seal over some words, 64 hexadecimal digits; None when the key is gone."""
        key = self._keys.get(key_id)
        if key is None:
            return None
        message = b"".join(len(word).to_bytes(4, "big") + word for word in map(str.encode, words))
        return hmac.digest(key, message, "sha256").hex()


class Trail(msgspec.Struct, frozen=True):
    """One writer's chain: its name, the keys that seal its rows, and the release that writes them."""

    worker: str
    keys: SealKeys
    release: str


def worker_trail(keys: SealKeys, release: str) -> Trail:
    """A chain of its own for a process that serves."""
    return Trail(uuid.uuid4().hex[:16], keys, release)
