"""The audit trail: what was answered stands in it, and whoever changes it is found out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from cds_service.storage.audit import OPERATOR, Event, SealKeys, Trail, worker_trail
from cds_service.storage.audit_check import AuditReport, history, verify
from cds_service.storage.audit_rows import append
from cds_service.storage.pseudonyms import Key, Pseudonyms
from cds_service.storage.retention import Retention, erase_patient, prune
from cds_service.storage.store import Store, open_store
from cds_service.storage.switches import Switch, set_switch
from cds_service.storage.tables import audit_chain, audit_entry
from tests.storage.samples import NOW, entry, issue, overridden, rows

pytestmark = pytest.mark.anyio
FIRST = "a" * 16
PEOPLE = Pseudonyms((Key("k1", b"x" * 32),))
KEYS = PEOPLE.seal_keys()
OPERATORS = Trail(OPERATOR, KEYS, "1.0")


@pytest.fixture
async def audited(url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A store whose trail holds a start and five calls about two patients."""
    store = open_store(url, data_dir=tmp_path / "data", recall_seconds=5, trail=Trail(FIRST, KEYS, "1.0"))
    await store.start()
    for number in range(5):
        about = {"patient": "one" if number % 2 else "two", "instance": f"call-{number}"}
        store.record(entry(PEOPLE, issue(card=f"card-{number}"), as_of=NOW + timedelta(days=number), **about))
    assert await store.settle(20)
    yield store
    await store.close()


async def check(store: Store) -> AuditReport:
    """The trail as it is now."""
    return await verify(store.database, KEYS)


async def tamper(store: Store, *statements: sa.Executable) -> None:
    """What somebody does who can write to the database and has no key."""
    async with store.database.writing() as connection:
        for statement in statements:
            await connection.execute(statement)


def row(seq: int) -> sa.ColumnElement[bool]:
    """One row of the first chain."""
    return sa.and_(audit_entry.c.worker == FIRST, audit_entry.c.seq == seq)


async def test_every_answered_call_is_told_once_and_the_trail_is_whole(audited: Store) -> None:
    told = [orjson.loads(one.body) for one in await rows(audited, audit_entry)]
    assert [one["kind"] for one in told] == ["start", *["call"] * 5]
    assert [one.get("instance") for one in told[1:]] == [f"call-{number}" for number in range(5)]
    assert told[1]["cards"] == [["mg-low", "card-0"]]
    assert await check(audited) == AuditReport(rows=6, chains=1, emptied=0, unsealed=0, problems=())


async def test_no_patient_id_is_in_the_trail(audited: Store) -> None:
    written = " ".join(str(tuple(one)) for one in await rows(audited, audit_entry))
    assert '"one"' not in written
    assert '"two"' not in written
    assert PEOPLE.patient("t", "one")[0].value in written


@pytest.mark.parametrize(
    "values",
    [
        {"body": '{"kind":"call"}'},
        {"digest": "0" * 64},
        {"kind": "start"},
        {"tenant": "another"},
        {"at": NOW + timedelta(days=900)},
        {"patient": "f" * 64},
        {"patient": None},
        {"seal": "0" * 64},
    ],
)
async def test_a_changed_row_is_found(audited: Store, values: dict[str, Any]) -> None:
    await tamper(audited, audit_entry.update().where(row(3)).values(**values))
    problems = (await check(audited)).problems
    assert [one for one in problems if "row 3" in one and "chang" in one]


async def test_a_row_emptied_without_an_erasure_is_found(audited: Store) -> None:
    await tamper(audited, audit_entry.update().where(row(3)).values(body=None, patient=None))
    assert (await check(audited)).problems == (f"chain {FIRST}, row 3: emptied, and no erasure tells of it",)


@pytest.mark.parametrize(("gone", "words"), [((2,), "row 2 removed"), ((3, 4), "rows 3 to 4 removed")])
async def test_a_removed_row_is_found(audited: Store, gone: tuple[int, ...], words: str) -> None:
    await tamper(audited, *[audit_entry.delete().where(row(seq)) for seq in gone])
    assert f"chain {FIRST}: {words}" in (await check(audited)).problems


async def test_rows_removed_from_the_end_are_found(audited: Store) -> None:
    await tamper(audited, audit_entry.delete().where(row(6)))
    assert (await check(audited)).problems == (f"chain {FIRST}: row 6 removed from the end",)


async def test_rows_removed_from_the_end_are_found_when_the_end_is_told_anew(audited: Store) -> None:
    (fifth,) = [one for one in await rows(audited, audit_entry) if one.seq == 5]
    await tamper(
        audited, audit_entry.delete().where(row(6)), audit_chain.update().values(last_seq=5, last_seal=fifth.seal)
    )
    assert (await check(audited)).problems == (f"chain {FIRST}: what says where it begins and ends was changed",)


async def test_rows_that_changed_places_are_found(audited: Store) -> None:
    await tamper(
        audited,
        audit_entry.update().where(row(2)).values(seq=99),
        audit_entry.update().where(row(3)).values(seq=2),
        audit_entry.update().where(row(99)).values(seq=3),
    )
    problems = (await check(audited)).problems
    assert any("row 2" in one for one in problems)
    assert any("row 3" in one for one in problems)


async def test_a_row_that_was_put_in_is_found(audited: Store) -> None:
    made_up = {"worker": FIRST, "seq": 7, "at": NOW, "kind": "call", "tenant": "t", "digest": "0" * 64}
    await tamper(audited, audit_entry.insert().values(**made_up, key_id="k1", seal="0" * 64))
    assert any("row 7" in one for one in (await check(audited)).problems)


async def test_a_chain_that_is_gone_is_found_by_the_next_one(audited: Store) -> None:
    async with audited.database.writing() as connection:
        await append(connection, worker_trail(KEYS, "1.0"), [Event("call", NOW, "t")])
    assert not (await check(audited)).problems
    mine = audit_entry.c.worker == FIRST
    await tamper(audited, audit_entry.delete().where(mine), audit_chain.delete().where(audit_chain.c.worker == FIRST))
    assert (await check(audited)).problems == (f"chain {FIRST}: removed, a later one tells of it",)


async def test_rows_that_no_chain_tells_of_are_found(audited: Store) -> None:
    await tamper(audited, audit_chain.delete())
    assert (await check(audited)).problems == (f"chain {FIRST}: 6 rows, and nothing says where it begins and ends",)


async def test_an_erased_patient_is_gone_from_the_trail_which_stays_whole(audited: Store) -> None:
    erased = await erase_patient(audited.database, PEOPLE, "t", "one", OPERATORS, NOW)
    assert erased.audit == 2
    pseudonym = PEOPLE.patient("t", "one")[0].value
    assert pseudonym not in " ".join(str(tuple(one)) for one in await rows(audited, audit_entry))
    report = await check(audited)
    assert (report.emptied, report.problems) == (2, ())
    assert await history(audited.database, "t", [pseudonym]) == []
    assert len(await history(audited.database, "t", [PEOPLE.patient("t", "two")[0].value])) == 3


async def test_pruning_keeps_the_trail_whole(audited: Store) -> None:
    deleted = await prune(audited.database, Retention(audit_days=10), NOW + timedelta(days=12), KEYS)
    assert deleted["audit_entry"] == 3  # the start and the calls of the first two days
    report = await check(audited)
    assert (report.rows, report.problems) == (3, ())
    await tamper(audited, audit_entry.delete().where(row(4)))
    assert (await check(audited)).problems


async def test_pruning_without_the_keys_leaves_the_trail(audited: Store) -> None:
    assert "audit_entry" not in await prune(audited.database, Retention(), NOW + timedelta(days=9000), None)
    assert (await check(audited)).rows == 6


async def test_a_rotated_key_still_vouches_and_a_lost_one_is_said(audited: Store) -> None:
    rotated = Pseudonyms((Key("k2", b"y" * 32), Key("k1", b"x" * 32))).seal_keys()
    assert (await verify(audited.database, rotated)).unsealed == 0
    lost = await verify(audited.database, SealKeys({"k2": b"y" * 32}))
    assert (lost.unsealed, lost.problems) == (6, ())


async def test_rows_cannot_be_changed_under_a_key_that_never_was(audited: Store) -> None:
    await tamper(audited, audit_entry.update().where(row(3)).values(body="{}", key_id="gone"))
    assert "row 3: under a key that is gone" in (await check(audited)).problems[0]


async def test_an_end_cannot_be_told_anew_under_a_key_that_never_was(audited: Store) -> None:
    (fifth,) = [one for one in await rows(audited, audit_entry) if one.seq == 5]
    anew = audit_chain.update().values(last_seq=5, last_seal=fifth.seal, key_id="gone")
    await tamper(audited, audit_entry.delete().where(row(6)), anew)
    assert "begins and ends is under a key that is gone" in (await check(audited)).problems[0]


@pytest.mark.parametrize("body", ["5", "[1]", "{", '{"rows": 5}', '{"rows": [[1]]}', '{"chains": {"a": 1}}'])
async def test_whatever_a_row_was_made_to_say_the_check_ends(audited: Store, body: str) -> None:
    await tamper(audited, audit_entry.update().where(row(1)).values(body=body))
    assert any("row 1" in one for one in (await check(audited)).problems)


async def test_feedback_and_switches_are_told(audited: Store) -> None:
    assert await audited.add_feedback("t", "ehr", [overridden(), overridden()], NOW) == 1
    await set_switch(audited.database, Switch("t", "mg-low", "off", "an operator", "too many", NOW), OPERATORS)
    told = [orjson.loads(one.body) for one in await rows(audited, audit_entry)]
    assert [one["outcome"] for one in told if one["kind"] == "feedback"] == ["overridden"]
    assert [(one["rule"], one["reason"]) for one in told if one["kind"] == "switch"] == [("mg-low", "too many")]
    assert not (await check(audited)).problems


async def test_writers_of_one_chain_wait_for_each_other(audited: Store) -> None:
    async def add(number: int) -> None:
        async with audited.database.writing() as connection:
            await append(connection, OPERATORS, [Event("capture", NOW, detail={"number": number})])

    await asyncio.gather(*(add(number) for number in range(8)))
    report = await check(audited)
    assert (report.rows, report.problems) == (6 + 1 + 8, ())


async def test_a_batch_that_is_written_twice_is_told_once(audited: Store) -> None:
    from cds_service.storage.ledger_rows import write_batch

    async with audited.database.writing() as connection:
        assert await write_batch(connection, "batch", [entry(PEOPLE, issue())])
        assert not await write_batch(connection, "batch", [entry(PEOPLE, issue())])


async def test_without_a_trail_nothing_is_told(store: Store) -> None:
    store.record(entry(PEOPLE, issue()))
    assert await store.settle(20)
    assert await rows(store, audit_entry) == []
