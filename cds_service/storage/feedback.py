"""Feedback is in the database, on disk, before it is acknowledged; a repeated report is stored once."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.errors import StorageError
from cds_service.storage.audit import Event, Trail
from cds_service.storage.audit_rows import append
from cds_service.storage.database import Database, within
from cds_service.storage.engines import insert_into
from cds_service.storage.records import Report, clip
from cds_service.storage.tables import feedback, feedback_comment

LONGEST_COMMENT = 2000  # characters; what is longer is cut
LONGEST_NAME = 200
MOST_SUGGESTIONS = 20
PATIENCE_SECONDS = 5.0


async def add_feedback(
    database: Database,
    tenant: str,
    client: str,
    reports: Sequence[Report],
    received_at: datetime,
    trail: Trail | None = None,
) -> int:
    """Store reports, all or none; returns how many are new. StorageError (tell the client to repeat) when it cannot, or
    takes too long: then they may be stored all the same.

    A report is a repeat when tenant, client, card, outcome and the client's own time are those of an earlier one.
    """
    add = partial(_add, database, tenant, client, reports, received_at, trail)
    added = await within(PATIENCE_SECONDS, _or_again(add), give_up=False)
    if added is None:
        database.failing = "the database is too slow"
        raise StorageError(database.failing)
    return added


async def _or_again(add: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """A connection that died while idle shows only when used; adding again is safe, see above."""
    try:
        return await add()
    except StorageError:
        return await add()


async def _add(
    database: Database,
    tenant: str,
    client: str,
    reports: Sequence[Report],
    received_at: datetime,
    trail: Trail | None,
) -> int:
    new = []
    async with database.writing() as connection:
        if not database.is_sqlite:
            await connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
        for report in reports:
            if await _add_one(connection, _row(tenant, client, report, received_at), report.comment):
                new.append(report)
        if trail is not None:
            told = [{"card": clip(report.card, LONGEST_NAME), "outcome": report.outcome} for report in new]
            events = [Event("feedback", received_at, tenant, client, detail=one) for one in told]
            await append(connection, trail, events)
    return len(new)


async def _add_one(connection: AsyncConnection, row: dict[str, Any], comment: str | None) -> bool:
    insert = insert_into(connection, feedback).values(row).on_conflict_do_nothing().returning(feedback.c.id)
    number = (await connection.execute(insert)).scalar_one_or_none()
    if number is None:
        return False
    if comment:
        text = clip(comment, LONGEST_COMMENT)
        values = {"feedback_id": number, "text": text, "received_at": row["received_at"]}
        await connection.execute(feedback_comment.insert().values(values))
    return True


def _row(tenant: str, client: str, report: Report, received_at: datetime) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "client": clip(client, LONGEST_NAME),
        "card": clip(report.card, LONGEST_NAME),
        "outcome": report.outcome,
        "suggestions": [clip(suggestion, LONGEST_NAME) for suggestion in report.suggestions[:MOST_SUGGESTIONS]],
        "reason": report.reason and clip(report.reason, LONGEST_NAME),
        "reason_system": report.reason_system and clip(report.reason_system, LONGEST_NAME),
        "reported_at": report.reported_at,
        "received_at": received_at,
    }
