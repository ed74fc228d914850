"""Writing the audit trail: rows and where each chain ends, in the transaction of whatever they tell about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.storage.audit import Event, SealKeys, Trail
from cds_service.storage.engines import insert_into
from cds_service.storage.instants import write_instant
from cds_service.storage.records import Entry, clip
from cds_service.storage.tables import audit_chain, audit_entry

WITNESSED = 50  # chains whose end the first row of a new chain tells
LONGEST_NAME = 200
BEGINNING = "0" * 64
COLUMNS = ("worker", "seq", "at", "kind", "tenant", "patient", "body", "digest", "key_id", "seal")


async def append(connection: AsyncConnection, trail: Trail, events: Sequence[Event]) -> None:
    """Append rows for the events, in order. The first row of a chain tells of the other chains."""
    if not events:
        return
    end = await _end(connection, trail.worker)
    if end.last_seq == 0:
        detail = {"release": trail.release, "chains": await _ends(connection)}
        events = [Event("start", events[0].at, detail=detail), *events]
    rows, seq, seal = [], end.last_seq, end.last_seal
    for event in events:
        seq += 1
        row = _row(trail, event, seq, seal, as_text=connection.dialect.name == "sqlite")
        seal = row[-1]
        rows.append(row)
    await connection.exec_driver_sql(_insert(connection.dialect), rows)
    await write_chain(connection, trail.keys, trail.worker, (end.first_seq, end.first_seal), (seq, seal))


def call_event(entry: Entry) -> Event:
    """An answered call as it is told in the trail."""
    cards = [[issue.rule, issue.card] for issue in entry.issued if issue.disposition == "shown"]
    detail = {
        "hook": entry.hook,
        "instance": entry.instance,
        "knowledge": entry.knowledge,
        "overlay": entry.overlay,
        "cards": cards,
        "captured": entry.captured or None,
    }
    return Event("call", entry.as_of, entry.tenant, entry.client, entry.patient, entry.clinician, detail)


async def _end(connection: AsyncConnection, worker: str) -> sa.Row[Any]:
    """Where a chain stands; nobody else appends to it before the transaction ends."""
    beginning = {"worker": worker, "first_seq": 1, "first_seal": BEGINNING, "last_seq": 0}
    first = insert_into(connection, audit_chain).values(**beginning, last_seal=BEGINNING, key_id="", seal="")
    await connection.execute(first.on_conflict_do_nothing())
    mine = sa.select(audit_chain).where(audit_chain.c.worker == worker).with_for_update()
    return (await connection.execute(mine)).one()


def _row(trail: Trail, event: Event, seq: int, before: str, *, as_text: bool) -> tuple[Any, ...]:
    body = _body(event)
    digest = hashlib.sha256(body).hexdigest()
    key_id = trail.keys.newest
    at = event.at.astimezone(UTC)
    seal = seal_of(trail.keys, key_id, before, (trail.worker, seq), at, (event.kind, event.tenant), digest)
    patient = event.patient.value if event.patient else None
    when = write_instant(at) if as_text else at
    return (trail.worker, seq, when, event.kind, event.tenant, patient, body.decode(), digest, key_id, seal)


def _body(event: Event) -> bytes:
    """The event as canonical JSON, without what is empty."""
    said = {
        "kind": event.kind,
        "at": event.at.astimezone(UTC).isoformat(),
        "tenant": event.tenant,
        "client": clip(event.client, LONGEST_NAME),
        "patient": event.patient.value if event.patient else None,
        "clinician": event.clinician.value if event.clinician else None,
        "key": event.patient.key_id if event.patient else None,
        **event.detail,
    }
    filled = {name: value for name, value in said.items() if value is not None and value != ""}
    return orjson.dumps(filled, option=orjson.OPT_SORT_KEYS)


def seal_of(
    keys: SealKeys, key_id: str, before: str, place: tuple[str, int], at: datetime, what: tuple[str, str], digest: str
) -> str | None:
    """The seal of the row at a `place` (worker, number) after the seal `before`; `what`: kind and tenant. None when
    its key is gone."""
    return keys.seal(key_id, before, place[0], str(place[1]), write_instant(at), *what, digest)


def chain_seal(keys: SealKeys, key_id: str, worker: str, first: tuple[int, str], last: tuple[int, str]) -> str | None:
    """The seal of a row of `audit_chain`; `first` is its first row's number and the seal before it."""
    return keys.seal(key_id, "chain", worker, str(first[0]), first[1], str(last[0]), last[1])


async def write_chain(
    connection: AsyncConnection, keys: SealKeys, worker: str, first: tuple[int, str], last: tuple[int, str]
) -> None:
    """Say where a chain begins and ends."""
    seal = chain_seal(keys, keys.newest, worker, first, last)
    ends = {"first_seq": first[0], "first_seal": first[1], "last_seq": last[0], "last_seal": last[1]}
    change = audit_chain.update().where(audit_chain.c.worker == worker)
    await connection.execute(change.values(**ends, key_id=keys.newest, seal=seal))


async def empty_rows(connection: AsyncConnection, tenant: str, patients: Iterable[str]) -> list[list[Any]]:
    """Empty the rows about a patient; [worker, seq] of each."""
    theirs = sa.and_(audit_entry.c.tenant == tenant, audit_entry.c.patient.in_(list(patients)))
    found = (await connection.execute(sa.select(audit_entry.c.worker, audit_entry.c.seq).where(theirs))).all()
    await connection.execute(audit_entry.update().where(theirs).values(body=None, patient=None))
    return [[worker, seq] for worker, seq in sorted(found)]


async def prune_rows(connection: AsyncConnection, keys: SealKeys, end: datetime) -> int:
    """Delete what is older than `end` from the beginning of every chain, which then says where it begins now."""
    total = 0
    for chain in (await connection.execute(sa.select(audit_chain).with_for_update())).all():
        mine = audit_entry.c.worker == chain.worker
        kept = sa.select(sa.func.min(audit_entry.c.seq)).where(mine, audit_entry.c.at >= end)
        first = (await connection.execute(kept)).scalar() or chain.last_seq + 1
        if first <= chain.first_seq:
            continue
        last_gone = sa.select(audit_entry.c.seal).where(mine, audit_entry.c.seq == first - 1)
        seal = (await connection.execute(last_gone)).scalar() or chain.first_seal
        total += (await connection.execute(audit_entry.delete().where(mine, audit_entry.c.seq < first))).rowcount
        await write_chain(connection, keys, chain.worker, (first, seal), (chain.last_seq, chain.last_seal))
    return total


async def _ends(connection: AsyncConnection) -> dict[str, list[Any]]:
    """How far the other chains are: worker -> [sequence number, seal] of its last row."""
    newest = (
        sa.select(audit_entry.c.worker).group_by(audit_entry.c.worker).order_by(sa.func.max(audit_entry.c.at).desc())
    )
    ends = sa.select(audit_chain.c.worker, audit_chain.c.last_seq, audit_chain.c.last_seal)
    found = await connection.execute(ends.where(audit_chain.c.worker.in_(newest.limit(WITNESSED))))
    return {worker: [seq, seal] for worker, seq, seal in found.all()}


@lru_cache(maxsize=4)
def _insert(dialect: Dialect) -> str:
    return str(audit_entry.insert().inline().compile(dialect=dialect, column_keys=COLUMNS))
