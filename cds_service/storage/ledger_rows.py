"""What a batch of ledger entries becomes in the tables: issued cards as rows, everything as counts.

Rows go to the driver as they are: those of a busy second would cost more on their way through the types of SQLAlchemy
than in the database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.facts.outcomes import Severity
from cds_service.storage.engines import insert_into
from cds_service.storage.instants import write_instant
from cds_service.storage.records import Counts, Entry, Tally, clip
from cds_service.storage.tables import daily_count, issued_card, ledger_batch, prefetch_count

NAME = 200  # characters of a name that came from outside
COLUMNS = tuple(column.name for column in issued_card.columns if column.name != "id")
_SEVERITIES = {severity: str(severity) for severity in Severity}
Caller = tuple[date, str, str]  # day, tenant, client
Row = tuple[Any, ...]


async def write_batch(connection: AsyncConnection, batch_id: str, entries: Sequence[Entry]) -> Counts | None:
    """Write them, in the transaction of the connection, and tell what was counted; None when the batch was written
    before."""
    first = insert_into(connection, ledger_batch).values(id=batch_id).on_conflict_do_nothing()
    if not (await connection.execute(first)).rowcount:
        return None
    return await _write_entries(connection, entries)


async def _write_entries(connection: AsyncConnection, entries: Sequence[Entry]) -> Counts:
    dialect = connection.dialect
    as_text = dialect.name == "sqlite"
    batch = [(_caller(entry), entry) for entry in entries]
    cards = [row for caller, entry in batch for row in _cards(caller, entry, as_text=as_text)]
    if cards:
        await connection.exec_driver_sql(_insert(dialect), cards)
    # In order, so that two writers never lock crosswise.
    counts = Counts(sorted(_daily(batch)), sorted(_prefetch(batch)))
    for table, counted in ((daily_count, counts.daily), (prefetch_count, counts.prefetch)):
        rows = [(day.isoformat() if as_text else day, *rest) for day, *rest in counted]
        if rows:
            await connection.exec_driver_sql(_add(connection, table), rows)
    return counts


def _caller(entry: Entry) -> Caller:
    return entry.as_of.astimezone(UTC).date(), entry.tenant, clip(entry.client, NAME)


def _daily(batch: Sequence[tuple[Caller, Entry]]) -> Iterator[Row]:
    """What is to be added to daily_count."""
    issued: defaultdict[tuple[Any, ...], Counter[Row]] = defaultdict(Counter)
    tallied: defaultdict[tuple[Any, ...], Counter[Tally]] = defaultdict(Counter)
    for caller, entry in batch:
        at = (*caller, entry.hook)
        tallied[at].update(entry.tallies)
        issued[at].update([(one.rule, one.version, one.disposition, clip(one.reason, NAME)) for one in entry.issued])
    for at, tallies in tallied.items():
        for one, n in tallies.items():
            issued[at][one.rule, one.version, one.kind, clip(one.item, NAME)] += n
    for at, counts in issued.items():
        for key, n in counts.items():
            yield (*at, *key, n)


def _prefetch(batch: Sequence[tuple[Caller, Entry]]) -> Iterator[Row]:
    """What is to be added to prefetch_count."""
    found: defaultdict[Caller, Counter[tuple[str, str]]] = defaultdict(Counter)
    for caller, entry in batch:
        found[caller].update(entry.prefetch.items())
    for caller, counts in found.items():
        for key, n in counts.items():
            yield (*caller, *key, n)


@lru_cache(maxsize=4)
def _insert(dialect: Dialect) -> str:
    return str(issued_card.insert().inline().compile(dialect=dialect, column_keys=COLUMNS))


def _add(connection: AsyncConnection, table: sa.Table) -> str:
    """The statement that adds a number to a row of counts, or makes the row."""
    insert = insert_into(connection, table)
    names = [column.name for column in table.primary_key]
    add = insert.on_conflict_do_update(index_elements=names, set_={"n": table.c.n + insert.excluded.n})
    return str(add.compile(dialect=connection.dialect, column_keys=[*names, "n"]))


def _cards(caller: Caller, entry: Entry, *, as_text: bool) -> list[Row]:
    """One row per issue, in the order of COLUMNS. as_text: times as SQLite keeps them."""
    if not entry.issued:
        return []
    day, tenant, client = caller
    when = (write_instant(entry.as_of), day.isoformat()) if as_text else (entry.as_of, day)
    before = (*when, tenant, client, entry.hook)
    clinician = entry.clinician.value if entry.clinician else None
    after = (entry.patient.value, clinician, entry.patient.key_id)
    return [
        (
            *before,
            issue.card,
            orjson.dumps(issue.suggestions).decode() if issue.suggestions else "[]",
            issue.rule,
            issue.version,
            entry.knowledge,
            entry.overlay,
            issue.tier,
            _SEVERITIES[issue.severity],
            issue.variant,
            clip(issue.subject, NAME),
            issue.disposition,
            clip(issue.reason, NAME),
            *after,
        )
        for issue in entry.issued
    ]
