"""What was shown to this patient's clinicians before, and what they overrode: an input of the decision.

Only the `as_of` of the decision that issued a card counts as its time; a client's clock is never compared.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from cds_service.errors import StorageError
from cds_service.facts.outcomes import Severity
from cds_service.storage.database import Database
from cds_service.storage.failures import RefusedRowError
from cds_service.storage.instants import read_instant
from cds_service.storage.recollection import parameters, statement
from cds_service.storage.records import Question

log = logging.getLogger("ionwise.storage")
REST_SECONDS = 2.0  # after a failure the database is not asked again for this long: calls do not queue up behind it


class Remembered(msgspec.Struct, frozen=True):
    """An earlier card of a rule, and `at` which decision it was issued.

    overridden  the last feedback received on it was an override, with `reason` when a code was given;
                otherwise it was shown to the user, and is the newest such card of its variant, severity and subject
    """

    rule: str
    variant: str
    severity: Severity
    subject: str
    at: datetime
    overridden: bool = False
    reason: str | None = None


class Memory:
    """Reads within a time budget, and gives up for a while when that fails."""

    def __init__(self, database: Database, budget: float) -> None:
        self._database = database
        self.budget = budget
        self.rest_until = 0.0
        self.failures = 0

    async def recall(self, question: Question) -> tuple[Remembered, ...] | None:
        """What is remembered; None when it cannot be told in time."""
        if time.monotonic() < self.rest_until:
            return None
        once = len(question.once_rules) if question.users else 0
        wanted = statement(len(question.rules), once, len(question.patients))
        try:
            rows = await self._database.look_up(wanted, parameters(question), self.budget)
        except (StorageError, RefusedRowError) as error:
            self._give_up(str(error))
            return None
        if rows is None:
            self._give_up("too slow")
            return None
        return remembered(rows)

    def _give_up(self, why: str) -> None:
        self.failures += 1
        self.rest_until = time.monotonic() + REST_SECONDS
        log.warning("memory is not available: %s", why)


def remembered(rows: Iterable[Any]) -> tuple[Remembered, ...]:
    """Rows of the statement as they are remembered: of a card's reports the last one received counts."""
    shown = []
    answered: dict[tuple[str, str], Any] = {}
    for row in rows:
        rule, card, report = row[0], row[5], row[6]
        if report is None:
            shown.append(_earlier(row))
        elif (rule, card) not in answered or answered[rule, card][6] < report:
            answered[rule, card] = row
    return (*shown, *(_earlier(row, overridden=True) for row in answered.values() if row[7] == "overridden"))


def _earlier(row: Any, *, overridden: bool = False) -> Remembered:
    rule, variant, severity, subject, at, *_, reason = row
    if isinstance(at, str):
        at = read_instant(at)
    return Remembered(rule, variant, Severity[severity.upper()], subject, at, overridden, reason)
