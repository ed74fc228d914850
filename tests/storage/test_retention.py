"""Forgetting: by age, and by patient."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from cds_service.storage import retention
from cds_service.storage.audit import OPERATOR, Trail
from cds_service.storage.pseudonyms import Key, Pseudonyms
from cds_service.storage.retention import Erased, Retention, erase_patient, prune
from cds_service.storage.store import Store
from cds_service.storage.switches import Switch, set_switch
from cds_service.storage.tables import (
    daily_count,
    feedback,
    feedback_comment,
    issued_card,
    ledger_batch,
    prefetch_count,
    rule_switch,
)
from tests.storage.samples import NOW, entry, issue, overridden, rows, written

pytestmark = pytest.mark.anyio
KEEP = Retention()


async def days_ago(store: Store, people: Pseudonyms, *days: int) -> None:
    """A decision and its override on each of these days before NOW."""
    for number in days:
        at = NOW - timedelta(days=number)
        store.record(entry(people, issue(card=f"card-{number}"), as_of=at, prefetch={"k": "data"}))
        await store.add_feedback("t", "ehr", [overridden(f"card-{number}", comment="why")], at)
    await written(store)


async def test_each_kind_is_kept_for_its_own_time(store: Store, people: Pseudonyms) -> None:
    await days_ago(store, people, 89, 91, 399, 401, 1095, 1097)
    deleted = await prune(store.database, KEEP, NOW, None)
    assert [row.card for row in await rows(store, issued_card)] == ["card-89", "card-91", "card-399"]
    assert [row.card for row in await rows(store, feedback)] == ["card-89", "card-91", "card-399"]
    assert len(await rows(store, feedback_comment)) == 1
    assert len(await rows(store, daily_count)) == len(await rows(store, prefetch_count)) == 5
    assert (deleted["issued_card"], deleted["feedback_comment"], deleted["daily_count"]) == (3, 5, 1)


async def test_much_is_deleted_in_small_pieces(
    store: Store, people: Pseudonyms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    monkeypatch.setattr(retention, "BATCH_DAYS", -10_000)
    await days_ago(store, people, 500, 501, 502, 503, 504)
    assert (await prune(store.database, KEEP, NOW, None))["issued_card"] == 5
    assert await rows(store, issued_card) == []


async def test_switches_and_recent_batches_are_not_pruned(store: Store, people: Pseudonyms) -> None:
    await set_switch(store.database, Switch("t", "mg-low", "off", "a", "b", NOW - timedelta(days=4000)))
    await days_ago(store, people, 0)
    await prune(store.database, KEEP, NOW, None)
    assert len(await rows(store, rule_switch)) == 1
    assert len(await rows(store, ledger_batch)) >= 1


async def test_a_patient_is_erased_under_all_keys_and_nobody_else(store: Store) -> None:
    old, new, gone = Key("old", b"o" * 32), Key("new", b"n" * 32), Key("gone", b"g" * 32)
    people = Pseudonyms((new, old))
    trail = Trail(OPERATOR, people.seal_keys(), "1.0")
    store.record(entry(Pseudonyms((old,)), issue(card="a")))
    store.record(entry(people, issue(card="b"), issue("k-low", "b", disposition="absorbed")))
    store.record(entry(people, issue(card="c"), patient="two"))
    store.record(entry(people, issue(card="b"), tenant="other"))
    store.record(entry(Pseudonyms((gone,)), issue(card="d")))
    await store.add_feedback("t", "ehr", [overridden(card, comment="why") for card in "abcd"], NOW)
    await store.add_feedback("other", "ehr", [overridden("b")], NOW)
    await written(store)
    assert await erase_patient(store.database, people, "t", "one", trail, NOW) == Erased(3, 2, 0, 1)
    assert [(row.tenant, row.card) for row in await rows(store, feedback)] == [("t", "c"), ("t", "d"), ("other", "b")]
    assert len(await rows(store, feedback_comment)) == 2
    assert sorted(row.card for row in await rows(store, issued_card)) == ["b", "c", "d"]
    assert await erase_patient(store.database, people, "t", "one", trail, NOW) == Erased(0, 0, 0, 1)


async def test_a_comment_never_outlives_its_report(store: Store) -> None:
    await store.add_feedback("t", "ehr", [overridden(comment="why")], NOW)
    async with store.database.writing() as connection:
        await connection.execute(sa.delete(feedback))
    assert await rows(store, feedback_comment) == []
