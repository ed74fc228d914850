"""What a batch of ledger entries becomes in the tables: issued cards as rows, everything as counts.

The cards go to the driver as they are: the many rows of a busy second would cost more on their way through the types of
SQLAlchemy than in the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.database import insert_into
from cds_service.storage.quick_reader import write_instant
from cds_service.storage.records import Entry, clip
from cds_service.storage.tables import daily_count, issued_card, prefetch_count

NAME = 200  # characters of a name that came from outside
COLUMNS = tuple(column.name for column in issued_card.columns if column.name != "id")


async def write_entries(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Write them, in the transaction of the connection."""
    dialect = connection.dialect
    cards = [row for entry in entries for row in _cards(entry, as_text=dialect.name == "sqlite")]
    if cards:
        await connection.exec_driver_sql(_insert(dialect), cards)
    counts: Counter[tuple[Any, ...]] = Counter()
    prefetch: Counter[tuple[Any, ...]] = Counter()
    for entry in entries:
        caller = (_day(entry), entry.tenant, clip(entry.client, NAME))
        counts.update(_counted(entry, caller))
        prefetch.update([(*caller, key, state) for key, state in entry.prefetch.items()])
    for table, found in ((daily_count, counts), (prefetch_count, prefetch)):
        if not found:
            continue
        names = [column.name for column in table.primary_key]
        insert = insert_into(connection, table)
        add = insert.on_conflict_do_update(index_elements=names, set_={"n": table.c.n + insert.excluded.n})
        # In order, so that two writers never lock crosswise.
        await connection.execute(
            add, [dict(zip(names, key, strict=True)) | {"n": n} for key, n in sorted(found.items())]
        )


def _day(entry: Entry) -> date:
    return entry.as_of.astimezone(UTC).date()


def _counted(entry: Entry, caller: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    caller = (*caller, entry.hook)
    for issue in entry.issued:
        yield (*caller, issue.rule, issue.version, issue.disposition, clip(issue.reason, NAME))
    for tally in entry.tallies:
        yield (*caller, tally.rule, tally.version, tally.kind, clip(tally.item, NAME))


@lru_cache(maxsize=4)
def _insert(dialect: Dialect) -> str:
    return str(issued_card.insert().inline().compile(dialect=dialect, column_keys=COLUMNS))


def _cards(entry: Entry, *, as_text: bool) -> list[tuple[Any, ...]]:
    """One row per issue, in the order of COLUMNS. as_text: times as SQLite keeps them."""
    day = _day(entry)
    when = (write_instant(entry.as_of), day.isoformat()) if as_text else (entry.as_of, day)
    caller = (*when, entry.tenant, clip(entry.client, NAME), entry.hook)
    knowledge = (entry.knowledge, entry.overlay)
    clinician = entry.clinician.value if entry.clinician else None
    people = (entry.patient.value, clinician, entry.patient.key_id)
    return [
        (
            *caller,
            issue.card,
            orjson.dumps(issue.suggestions).decode(),
            issue.rule,
            issue.version,
            *knowledge,
            issue.tier,
            str(issue.severity),
            issue.variant,
            clip(issue.subject, NAME),
            issue.disposition,
            clip(issue.reason, NAME),
            *people,
        )
        for issue in entry.issued
    ]
