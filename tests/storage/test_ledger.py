"""The ledger: written behind the answer, counted, bounded, and never held up by one bad entry."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from cds_service.storage.ledger import BATCH
from cds_service.storage.pseudonyms import Pseudonyms
from cds_service.storage.records import Counts, Entry
from cds_service.storage.store import Store, open_store
from cds_service.storage.tables import daily_count, issued_card, ledger_batch, prefetch_count
from tests.storage.samples import NOW, cannot_tell, entry, issue, rows, written

pytestmark = pytest.mark.anyio


async def test_a_decision_becomes_rows_and_counts(store: Store, people: Pseudonyms) -> None:
    fired = (
        issue(suggestions=("s-1",)),
        issue("k-low", disposition="absorbed"),
        issue("x", None, disposition="silent"),
    )
    tallies = (cannot_tell("ca-low", "calcium"),)
    for _ in range(2):
        store.record(entry(people, *fired, tallies=tallies, prefetch={"magnesium": "data", "ecg": "missing"}))
    await written(store)
    cards = await rows(store, issued_card)
    assert len(cards) == 6
    assert (cards[0].rule, cards[0].severity, cards[0].suggestions) == ("mg-low", "warning", ["s-1"])
    assert (cards[0].as_of, cards[0].day, cards[0].patient) == (NOW, NOW.date(), people.patient("t", "one")[0].value)
    assert {(row.rule, row.kind, row.item): row.n for row in await rows(store, daily_count)} == {
        ("mg-low", "shown", ""): 2,
        ("k-low", "absorbed", ""): 2,
        ("x", "silent", ""): 2,
        ("ca-low", "cannot-tell", "calcium"): 2,
    }
    assert {(row.key, row.state): row.n for row in await rows(store, prefetch_count)} == {
        ("magnesium", "data"): 2,
        ("ecg", "missing"): 2,
    }


async def test_no_id_of_a_person_is_stored(store: Store, people: Pseudonyms) -> None:
    store.record(entry(people, issue(), patient="patient-4711", user="Practitioner/0815"))
    await written(store)
    assert "4711" not in str(await rows(store, issued_card))
    assert "0815" not in str(await rows(store, issued_card))


async def test_a_day_is_a_day_in_utc(store: Store, people: Pseudonyms) -> None:
    evening_in_honolulu = datetime(2026, 3, 1, 20, 0, tzinfo=timezone(timedelta(hours=-10)))
    store.record(entry(people, issue(), as_of=evening_in_honolulu))
    await written(store)
    (card,) = await rows(store, issued_card)
    assert (card.day, card.as_of) == (date(2026, 3, 2), datetime(2026, 3, 2, 6, 0, tzinfo=UTC))


async def test_many_decisions_take_few_transactions(store: Store, people: Pseudonyms) -> None:
    for number in range(3 * BATCH):
        store.record(entry(people, issue(card=f"card-{number}")))
    await written(store)
    assert len(await rows(store, issued_card)) == 3 * BATCH
    assert len(await rows(store, ledger_batch)) <= 4


async def test_an_entry_that_the_database_refuses_costs_itself_only(store: Store, people: Pseudonyms) -> None:
    good = entry(people, issue())
    store.record(good)
    store.record(msgspec.structs.replace(good, hook=None))  # what no caller should do
    store.record(good)
    await written(store)
    assert len(await rows(store, issued_card)) == 2
    health = await store.health()
    assert (health.state, health.dropped) == ("degraded", 1)


async def test_an_entry_that_nobody_can_write_costs_itself_only(store: Store, people: Pseudonyms) -> None:
    good = entry(people, issue())
    for one in (good, msgspec.structs.replace(good, issued=(issue(severity="none"),)), good):  # what no caller does
        store.record(one)
    await written(store)
    assert len(await rows(store, issued_card)) == 2
    assert (await store.health()).dropped == 1


async def test_a_watch_that_fails_has_nothing_written_twice(
    url: str, tmp_path: Path, people: Pseudonyms, caplog: pytest.LogCaptureFixture
) -> None:
    def watch(entries: Sequence[Entry], counts: Counts) -> None:
        raise KeyError("Mrs Secret")

    store = open_store(url, data_dir=tmp_path, watch=watch)
    await store.start()
    for _ in range(2):
        store.record(entry(people, issue()))
        await written(store)
    assert len(await rows(store, issued_card)) == 2
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert errors == ["what was written is not counted: KeyError"]
    await store.close()


async def test_a_full_queue_drops_what_is_new_and_says_so(
    url: str, tmp_path: Path, people: Pseudonyms, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(url, data_dir=tmp_path, capacity=2)
    answers = [store.record(entry(people, issue())) for _ in range(4)]
    assert answers == [True, True, False, False]
    assert [record.message for record in caplog.records if "dropped" in record.message] != []
    await store.start()
    await written(store)
    assert len(await rows(store, issued_card)) == 2
    assert (await store.health()).dropped == 2
    await store.close()


async def test_closing_writes_what_waits(url: str, tmp_path: Path, people: Pseudonyms) -> None:
    first = open_store(url, data_dir=tmp_path)
    await first.start()
    for _ in range(BATCH + 1):
        first.record(entry(people, issue()))
    await first.close()
    assert not first.record(entry(people, issue()))
    second = open_store(url, data_dir=tmp_path)
    await second.start()
    assert len(await rows(second, issued_card)) == BATCH + 1
    await second.close()


async def test_a_worker_thread_may_record(store: Store, people: Pseudonyms) -> None:
    thread = threading.Thread(target=store.record, args=(entry(people, issue()),))
    thread.start()
    thread.join()
    await written(store)
    assert len(await rows(store, issued_card)) == 1
