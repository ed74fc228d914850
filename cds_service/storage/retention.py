"""Forgetting: what is older than it may be kept, and everything of one patient."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from cds_service.storage.audit import Event, SealKeys, Trail
from cds_service.storage.audit_rows import append, empty_rows, prune_rows
from cds_service.storage.database import Database
from cds_service.storage.pseudonyms import Pseudonyms
from cds_service.storage.tables import (
    daily_count,
    feedback,
    feedback_comment,
    issued_card,
    ledger_batch,
    prefetch_count,
    spent_token,
)

CHUNK = 2000  # rows per transaction: nobody else waits long
BATCH_DAYS = 7  # long after the last retry of a batch


class Retention(msgspec.Struct, frozen=True):
    """For how many days what is kept."""

    ledger_days: int = 400
    comment_days: int = 90
    counter_days: int = 1096
    audit_days: int = 1827


class Erased(msgspec.Struct, frozen=True):
    """What was erased of a patient, and how many rows of the tenant are under keys that are not in the key file.

    audit  rows of the audit trail that were emptied; that they were there stays known
    """

    cards: int
    feedback: int
    audit: int
    out_of_reach: int


async def prune(database: Database, retention: Retention, now: datetime, keys: SealKeys | None) -> Mapping[str, int]:
    """Delete what is older than it may be kept, in small transactions; table -> rows deleted. Switches are kept.

    keys: those of the audit trail, which says anew where its chains begin; without them it is left as it is.
    """
    ledger_end = now - timedelta(days=retention.ledger_days)
    ends: tuple[tuple[sa.Table, sa.ColumnElement[bool]], ...] = (
        (feedback_comment, feedback_comment.c.received_at < now - timedelta(days=retention.comment_days)),
        (feedback, feedback.c.received_at < ledger_end),
        (issued_card, issued_card.c.as_of < ledger_end),
        (ledger_batch, ledger_batch.c.at < now - timedelta(days=BATCH_DAYS)),
    )
    deleted = {table.name: await _delete_in_chunks(database, table, old) for table, old in ends}
    deleted[spent_token.name] = await prune_spent_tokens(database, now)
    if keys is not None:
        async with database.writing() as connection:
            end = now - timedelta(days=retention.audit_days)
            deleted["audit_entry"] = await prune_rows(connection, keys, end)
    first_day = (now - timedelta(days=retention.counter_days)).date()
    for table in (daily_count, prefetch_count):
        async with database.writing() as connection:
            deleted[table.name] = (await connection.execute(table.delete().where(table.c.day < first_day))).rowcount
    return deleted


async def prune_spent_tokens(database: Database, now: datetime) -> int:
    """Delete the tokens that are refused anyway because they expired; how many."""
    return await _delete_in_chunks(database, spent_token, spent_token.c.expires_at < now)


async def _delete_in_chunks(database: Database, table: sa.Table, old: sa.ColumnElement[bool]) -> int:
    (key,) = table.primary_key
    chunk = table.delete().where(key.in_(sa.select(key).where(old).limit(CHUNK)))
    total = 0
    while True:
        async with database.writing() as connection:
            count = (await connection.execute(chunk)).rowcount
        total += count
        if count < CHUNK:
            return total


async def erase_patient(
    database: Database, pseudonyms: Pseudonyms, tenant: str, patient_id: str, trail: Trail, now: datetime
) -> Erased:
    """Erase the cards of one patient and all feedback on them, comments included, under all keys of the key file, and
    empty what the audit trail tells of the patient; the trail tells of the erasure, not of whom.

    Counts per day name nobody and stay. What a running service still has in its queue is written a moment later: erase
    again when the patient was seen within the last minute.
    """
    values = [pseudonym.value for pseudonym in pseudonyms.patient(tenant, patient_id)]
    theirs = sa.and_(issued_card.c.tenant == tenant, issued_card.c.patient.in_(values))
    cards = sa.select(issued_card.c.card).where(theirs, issued_card.c.card.is_not(None))
    on_their_cards = sa.and_(feedback.c.tenant == tenant, feedback.c.card.in_(cards))
    unknown = sa.and_(issued_card.c.tenant == tenant, issued_card.c.key_id.not_in(pseudonyms.key_ids))
    async with database.writing() as connection:
        reports = (await connection.execute(feedback.delete().where(on_their_cards))).rowcount
        rows = (await connection.execute(issued_card.delete().where(theirs))).rowcount
        emptied = await empty_rows(connection, tenant, values)
        await append(connection, trail, [Event("erasure", now, tenant, detail={"rows": emptied})])
        left = (
            await connection.execute(sa.select(sa.func.count()).select_from(issued_card).where(unknown))
        ).scalar_one()
    return Erased(rows, reports, len(emptied), left)
