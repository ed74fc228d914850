"""Keeping the requests about a test patient for a quarter of an hour, to see why a card came or did not.

An operator orders a capture for one client and listed patient ids. The order is a file in the data folder, so that all
workers see it; what they keep lies beside it, readable for the service's user only, and goes when the order ends. This
is chart data, without the token for the FHIR server: only for test patients. The order, and each request that was kept,
stand in the audit trail.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import msgspec

from cds_service.errors import SettingsError

log = logging.getLogger("ionwise.capture")
MINUTES = 15
MOST_REQUESTS = 200
FOLDER = "captures"
ORDER = "order.json"
REQUESTS = "request-*.json"
LOOK_SECONDS = 2.0
PRIVATE = 0o600
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class CaptureOrder(msgspec.Struct, frozen=True):
    """Whose requests are kept, for which client, until when, by whose order and why."""

    client: str
    patients: frozenset[str]
    until: datetime
    author: str
    reason: str


class Captures:
    """The orders and captures of one data folder, as one worker sees them; without a folder there are none."""

    def __init__(self, data_dir: Path | None = None) -> None:
        self._folder = None if data_dir is None else data_dir / FOLDER
        self._order: CaptureOrder | None = None

    def wants(self, client: str, patient_id: str, now: datetime) -> bool:
        """Whether a request is to be kept."""
        order = self._order
        return order is not None and order.client == client and patient_id in order.patients and now < order.until

    def keep(self, body: bytes) -> bool:
        """Write one request, without the access token in it; False when there are enough, or it cannot be written."""
        assert self._folder is not None  # noqa: S101 (nothing is wanted without a folder)
        try:
            if len(list(self._folder.glob(REQUESTS))) >= MOST_REQUESTS:
                return False
            _write(self._folder / f"request-{time.time_ns()}-{secrets.token_hex(4)}.json", _without_token(body))
        except (OSError, msgspec.DecodeError):
            return False
        return True

    def look(self, now: datetime) -> None:
        """See what is ordered; delete what an order left that has ended."""
        if self._folder is None:
            return
        self._order = current_order(self._folder)
        if self._order is not None and now >= self._order.until:
            self._order = None
            try:
                sweep(self._folder)
            except OSError as error:
                log.error("captures cannot be deleted: %s", type(error).__name__)

    async def tend(self, clock: Callable[[], datetime]) -> NoReturn:
        """Look every LOOK_SECONDS, as long as the service runs."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look(clock())


def order_capture(
    data_dir: Path, client: str, patients: frozenset[str], now: datetime, author: str, reason: str
) -> CaptureOrder:
    """Order a capture of MINUTES; an earlier one ends, and what it kept goes. SettingsError when it cannot be written
    down."""
    folder = data_dir / FOLDER
    order = CaptureOrder(client, patients, now + timedelta(minutes=MINUTES), author, reason)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep(folder)
        draft = folder / f"{ORDER}.{secrets.token_hex(4)}"
        _write(draft, msgspec.json.encode(order))
        draft.replace(folder / ORDER)
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be written ({type(error).__name__}) -> set IONWISE_DATA_DIR") from None
    return order


def current_order(folder: Path) -> CaptureOrder | None:
    """The order as it stands, also one that has ended; None when there is none or it cannot be read."""
    try:
        return msgspec.json.decode((folder / ORDER).read_bytes(), type=CaptureOrder)
    except (OSError, msgspec.DecodeError):
        return None


def end_capture(data_dir: Path) -> int:
    """End whatever is ordered and delete what was kept; how many requests."""
    return sweep(data_dir / FOLDER)


def sweep(folder: Path) -> int:
    """Delete the order and everything that was kept; how many requests."""
    (folder / ORDER).unlink(missing_ok=True)
    kept = list(folder.glob(REQUESTS))
    for file in kept:
        file.unlink(missing_ok=True)
    return len(kept)


def _without_token(body: bytes) -> bytes:
    """A request as sent but for `fhirAuthorization`: the token opens the chart of the patient, and is never kept."""
    members = _MEMBERS.decode(body.removeprefix(_BYTE_ORDER_MARK))
    members.pop("fhirAuthorization", None)
    return msgspec.json.encode(members)


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
