"""What was shown to this patient's clinicians before, and what they overrode: an input of the decision.

Only the `as_of` of the decision that issued a card counts as its time; a client's clock is never compared.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime
from typing import Any, cast

import msgspec
import sqlalchemy as sa

from cds_service.errors import StorageError
from cds_service.facts.outcomes import Severity
from cds_service.storage.database import Database, RefusedRowError
from cds_service.storage.records import FeedbackOutcome, Pseudonym
from cds_service.storage.tables import feedback, issued_card

log = logging.getLogger("ionwise.storage")
REST_SECONDS = 2.0  # after a failure the database is not asked again for this long: calls do not queue up behind it


class Remembered(msgspec.Struct, frozen=True):
    """Cards of one rule, variant, severity and subject with one answer: the newest of them.

    at          the `as_of` of the newest decision that issued such a card
    at_by_user  the same among the decisions of this user; None when there is none
    outcome     the last feedback received on it; None when there was none
    reason      the override code, when one was given
    absorbed    the rule was a line in another rule's card, not a card of its own
    """

    rule: str
    variant: str
    severity: Severity
    tier: str
    subject: str
    absorbed: bool
    at: datetime
    at_by_user: datetime | None = None
    outcome: FeedbackOutcome | None = None
    reason: str | None = None


class Memory:
    """Reads within a time budget, and gives up for a while when that fails."""

    def __init__(self, database: Database, budget: float) -> None:
        self._database = database
        self.budget = budget
        self.rest_until = 0.0
        self.failures = 0

    async def recall(
        self,
        tenant: str,
        patients: tuple[Pseudonym, ...],
        users: tuple[Pseudonym, ...],
        since: datetime,
    ) -> tuple[Remembered, ...] | None:
        """What is remembered of a patient since a moment, seen from one user; None when it cannot be told in time.

        patients, users: the pseudonyms under all keys; users is empty when the hook names no user.
        """
        if time.monotonic() < self.rest_until:
            return None
        question = asyncio.ensure_future(self._database.fetch(RECALL, _parameters(tenant, patients, users, since)))
        question.add_done_callback(_forget)
        # Cancelling may itself wait for a database that does not answer, so it is not waited for.
        await asyncio.wait((question,), timeout=self.budget)
        if not question.done():
            question.cancel()
            self._give_up("too slow")
            return None
        try:
            rows = question.result()
        except (StorageError, RefusedRowError) as error:
            self._give_up(str(error))
            return None
        return tuple(_remembered(row) for row in rows)

    def _give_up(self, why: str) -> None:
        self.failures += 1
        self.rest_until = time.monotonic() + REST_SECONDS
        log.warning("memory is not available: %s", why)


def _forget(question: asyncio.Future[Any]) -> None:
    """Take note of how an abandoned question ended, or the event loop complains that nobody did."""
    if not question.cancelled():
        question.exception()


def _parameters(
    tenant: str, patients: tuple[Pseudonym, ...], users: tuple[Pseudonym, ...], since: datetime
) -> dict[str, Any]:
    people = {"patient": patients, "user": users}
    return {"tenant": tenant, "since": since} | {
        f"{kind}_{place}": found[place].value if place < len(found) else ""
        for kind, found in people.items()
        for place in (0, 1)
    }


def _remembered(row: sa.Row[Any]) -> Remembered:
    return Remembered(
        rule=row.rule,
        variant=row.variant,
        severity=Severity[row.severity.upper()],
        tier=row.tier,
        subject=row.subject,
        absorbed=row.disposition == "absorbed",
        at=row.at,
        at_by_user=row.at_by_user,
        outcome=cast("FeedbackOutcome | None", row.outcome),
        reason=row.reason,
    )


def _recall_statement() -> sa.Select[Any]:
    """One query over the patient's rows: the index finds them, the grouping keeps the answer small."""
    card, answer, report = issued_card.c, feedback.c, feedback.alias("report")
    # The last report of each of the few cards that were found, one index look-up each. An anti-join would be shorter,
    # and PostgreSQL works that out for the whole table first.
    last = (
        sa.select(sa.func.max(report.c.id))
        .where(report.c.tenant == card.tenant, report.c.card == card.card)
        .correlate(issued_card)
        .scalar_subquery()
    )
    by_user = card.clinician.in_([sa.bindparam("user_0", type_=sa.Text), sa.bindparam("user_1", type_=sa.Text)])
    kept = (card.rule, card.variant, card.severity, card.tier, card.subject, card.disposition)
    patients = [sa.bindparam("patient_0", type_=sa.Text), sa.bindparam("patient_1", type_=sa.Text)]
    return (
        sa.select(
            *kept,
            answer.outcome,
            answer.reason,
            sa.func.max(card.as_of).label("at"),
            sa.func.max(sa.case((by_user, card.as_of), else_=None)).label("at_by_user"),
        )
        .select_from(issued_card.outerjoin(feedback, answer.id == last))
        .where(
            card.tenant == sa.bindparam("tenant", type_=sa.Text),
            card.patient.in_(patients),
            card.as_of >= sa.bindparam("since", type_=card.as_of.type),
            card.disposition.in_([sa.literal_column("'shown'"), sa.literal_column("'absorbed'")]),
        )
        .group_by(*kept, answer.outcome, answer.reason)
    )


RECALL = _recall_statement()
