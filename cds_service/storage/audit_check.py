"""Whether the audit trail is whole: every chain from its first row to its last, and what it says about the others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from cds_service.storage.audit import SealKeys
from cds_service.storage.audit_rows import chain_seal, seal_of
from cds_service.storage.database import Database
from cds_service.storage.tables import audit_chain, audit_entry

CHUNK = 5000  # rows in memory at a time


class AuditReport(msgspec.Struct, frozen=True):
    """What was found.

    rows, chains  looked at
    emptied       rows whose content was erased, by an erasure that the trail tells of
    unsealed      rows whose key is no longer in the key file: they are in place, their content cannot be vouched for
    problems      everything that is wrong, in words
    """

    rows: int
    chains: int
    emptied: int
    unsealed: int
    problems: tuple[str, ...]


class _Said(msgspec.Struct, frozen=True):
    """What a row may say about other rows, [worker, number] and worker -> [number, seal]; and whom it is about."""

    rows: tuple[tuple[str, int], ...] = ()
    chains: dict[str, tuple[int, str]] = {}
    patient: str | None = None


class _Finding:
    def __init__(self) -> None:
        self.rows = self.unsealed = 0
        self.emptied: set[tuple[str, int]] = set()
        self.erased: set[tuple[str, int]] = set()
        self.witnessed: dict[str, dict[int, str]] = {}
        self.seals: dict[str, dict[int, str]] = {}
        self.problems: list[str] = []


_SAID = msgspec.json.Decoder(_Said)


async def verify(database: Database, keys: SealKeys) -> AuditReport:
    """Check every row. StorageError when the database cannot be read."""
    found = _Finding()
    await _collect(database, found)
    chains = {chain.worker: chain for chain in await database.fetch(sa.select(audit_chain))}
    for worker in sorted(chains):
        await _follow(database, keys, chains[worker], found)
    count = sa.func.count().label("n")
    counted = await database.fetch(sa.select(audit_entry.c.worker, count).group_by(audit_entry.c.worker))
    for row in counted:
        if row.worker not in chains:
            found.problems.append(f"chain {row.worker}: {row.n} rows, and nothing says where it begins and ends")
    _compare_witnesses(chains, found)
    for worker, seq in sorted(found.emptied - found.erased):
        found.problems.append(f"chain {worker}, row {seq}: emptied, and no erasure tells of it")
    return AuditReport(found.rows, len(chains), len(found.emptied), found.unsealed, tuple(found.problems))


async def _collect(database: Database, found: _Finding) -> None:
    """What rows say about other rows: erasures, and how far other chains were."""
    wanted = sa.select(audit_entry.c.kind, audit_entry.c.body).where(
        audit_entry.c.kind.in_(("erasure", "start")), audit_entry.c.body.is_not(None)
    )
    for row in await database.fetch(wanted):
        said = _read(row.body)
        if row.kind == "erasure":
            found.erased.update(said.rows)
        for worker, (seq, seal) in said.chains.items():
            found.witnessed.setdefault(worker, {})[seq] = seal


async def _follow(database: Database, keys: SealKeys, chain: sa.Row[Any], found: _Finding) -> None:
    """One chain, row by row."""
    at = f"chain {chain.worker}"
    first, last = (chain.first_seq, chain.first_seal), (chain.last_seq, chain.last_seal)
    sealed = chain_seal(keys, chain.key_id, chain.worker, first, last)
    if sealed is not None and sealed != chain.seal:
        found.problems.append(f"{at}: what says where it begins and ends was changed")
    expected, before, vouched = chain.first_seq, chain.first_seal, False
    watched = found.witnessed.get(chain.worker, {})
    while rows := await _rows(database, chain.worker, expected):
        for row in rows:
            found.rows += 1
            if row.seq != expected:
                found.problems.append(f"{at}: {_span(expected, row.seq - 1)} removed")
            elif vouched and row.key_id not in keys:
                found.problems.append(f"{at}, row {row.seq}: under a key that is gone, after rows under keys in use")
            else:
                _judge(keys, row, before, found)
            vouched |= row.key_id in keys
            if row.seq in watched:
                found.seals.setdefault(chain.worker, {})[row.seq] = row.seal
            expected, before = row.seq + 1, row.seal
    if vouched and chain.key_id not in keys:
        found.problems.append(f"{at}: what says where it begins and ends is under a key that is gone")
    if expected <= chain.last_seq:
        found.problems.append(f"{at}: {_span(expected, chain.last_seq)} removed from the end")
    elif before != chain.last_seal or expected > chain.last_seq + 1:
        found.problems.append(f"{at}: rows after its end")


async def _rows(database: Database, worker: str, since: int) -> list[sa.Row[Any]]:
    wanted = sa.select(audit_entry).where(audit_entry.c.worker == worker, audit_entry.c.seq >= since)
    return list(await database.fetch(wanted.order_by(audit_entry.c.seq).limit(CHUNK)))


def _judge(keys: SealKeys, row: sa.Row[Any], before: str, found: _Finding) -> None:
    at = f"chain {row.worker}, row {row.seq}"
    place, what = (row.worker, row.seq), (row.kind, row.tenant)
    sealed = seal_of(keys, row.key_id, before, place, row.at, what, row.digest)
    if sealed is None:
        found.unsealed += 1
    elif sealed != row.seal:
        found.problems.append(f"{at}: changed or out of place")
        return
    if row.body is None:
        found.emptied.add((row.worker, row.seq))
    elif hashlib.sha256(row.body.encode()).hexdigest() != row.digest:
        found.problems.append(f"{at}: its content was changed")
    elif _read(row.body).patient != row.patient:
        found.problems.append(f"{at}: its patient was changed")


def _compare_witnesses(chains: Mapping[str, sa.Row[Any]], found: _Finding) -> None:
    for worker, ends in sorted(found.witnessed.items()):
        chain = chains.get(worker)
        if chain is None:
            found.problems.append(f"chain {worker}: removed, a later one tells of it")
            continue
        for seq, seal in ends.items():
            pruned = seq < chain.first_seq
            if not pruned and found.seals.get(worker, {}).get(seq) != seal:
                found.problems.append(f"chain {worker}, row {seq}: not what a later chain tells of it")


def _span(first: int, last: int) -> str:
    return f"row {first}" if first == last else f"rows {first} to {last}"


def _read(body: str) -> _Said:
    """A body that somebody wrote otherwise says nothing: that it was changed is found by its seal."""
    try:
        return _SAID.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return _Said()


async def history(database: Database, tenant: str, patients: Sequence[str]) -> list[str]:
    """What the trail holds about one patient (its pseudonyms under all keys), as written, oldest first."""
    theirs = (audit_entry.c.tenant == tenant, audit_entry.c.patient.in_(patients), audit_entry.c.body.is_not(None))
    wanted = sa.select(audit_entry.c.body).where(*theirs).order_by(audit_entry.c.at, audit_entry.c.seq)
    return [body for (body,) in await database.fetch(wanted)]
