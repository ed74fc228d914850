"""A database that is locked, read-only, full, gone or slow: decisions go on, nothing acknowledged is lost, all heals.

In every test the ledger is handed decisions and feedback is offered while the trouble lasts; afterwards everything is
there exactly once.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from cds_service.errors import StorageError
from cds_service.storage import database
from cds_service.storage import store as store_module
from cds_service.storage.pseudonyms import Pseudonyms
from cds_service.storage.sqlite_file import prepare_file
from cds_service.storage.store import Store, open_store
from cds_service.storage.tables import feedback as feedback_table
from cds_service.storage.tables import issued_card
from tests.storage.samples import NOW, entry, issue, overridden, question, rows, until, written
from tests.storage.trouble import endure, locked, pragma, read_only, recover, replace_file

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("impatient")]


async def test_locked(store: Store, people: Pseudonyms, url: str) -> None:
    async with locked(url):
        await endure(store, people)
        assert await store.recall(question(people, "mg-low")) in ((), None)
    await recover(store)


async def test_read_only(store: Store, people: Pseudonyms, url: str) -> None:
    async with read_only(url, store):
        await endure(store, people)
    await recover(store)


async def test_only_feedback_met_the_trouble_and_yet_it_is_found_out_when_it_is_over(store: Store, url: str) -> None:
    async with read_only(url, store):
        with pytest.raises(StorageError):
            await store.add_feedback("t", "ehr", [overridden()], NOW)
        assert (await store.health()).state == "unavailable"
    await until(lambda: store.database.failing is None)
    assert (await store.health()).state == "ready"


async def test_a_store_that_starts_without_its_database_waits_for_it(
    empty_url: str, tmp_path: Path, people: Pseudonyms, monkeypatch: pytest.MonkeyPatch
) -> None:
    if empty_url.startswith("sqlite"):
        (tmp_path / "data").write_text("in the way of the folder")
    store = open_store(empty_url, data_dir=tmp_path, recall_seconds=5)
    await store.start()
    await endure(store, people)
    assert await store.recall(question(people, "mg-low")) is None
    if empty_url.startswith("sqlite"):
        (tmp_path / "data").unlink()
    else:
        assert "ionwise db upgrade" in (await store.health()).detail
        other = open_store(empty_url, data_dir=tmp_path)
        await other.database.upgrade()
        await other.close()
    await written(store)
    assert await store.refresh_switches()
    await recover(store)
    await store.close()


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
class TestSqlite:
    async def test_full(self, store: Store, people: Pseudonyms) -> None:
        await pragma(store, "max_page_count=1")  # SQLite raises it to the pages there are
        long = entry(people, *(issue(f"rule-{number}", subject="x" * 190) for number in range(200)))
        assert store.record(long)
        await until(lambda: store.database.failing is not None)
        with pytest.raises(StorageError):
            await store.add_feedback("t", "ehr", [overridden(str(n), comment="x" * 2000) for n in range(20)], NOW)
        assert (await store.health()).state == "unavailable"
        await pragma(store, "max_page_count=1000000")
        await written(store)
        assert len(await rows(store, issued_card)) == 200
        assert await store.add_feedback("t", "ehr", [overridden()], NOW) == 1
        assert (await store.health()).state == "ready"

    async def test_nothing_is_acknowledged_into_a_file_that_is_gone(
        self, store: Store, people: Pseudonyms, url: str
    ) -> None:
        assert await store.add_feedback("t", "ehr", [overridden()], NOW) == 1
        replace_file(Path(make_url(url).database or ""))
        assert await store.recall(question(people, "mg-low")) is None
        assert (await store.health()).state == "unavailable"
        assert await store.add_feedback("t", "ehr", [overridden("card-2")], NOW) == 1
        assert [row.card for row in await rows(store, feedback_table)] == ["card-2"]
        assert (await store.health()).state == "ready"

    async def test_whoever_asks_how_it_is_has_a_replaced_file_opened(
        self, store: Store, people: Pseudonyms, url: str
    ) -> None:
        replace_file(Path(make_url(url).database or ""))
        assert await store.recall(question(people, "mg-low")) is None
        assert (await store.health()).state == "unavailable"
        await until(lambda: store.database.failing is None)
        assert (await store.health()).state == "ready"

    async def test_a_start_that_takes_too_long_goes_on_behind_the_calls(
        self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun: list[Path] = []

        def slow(file: Path, busy_ms: int) -> bool:
            begun.append(file)
            time.sleep(0.3)
            return prepare_file(file, busy_ms)

        monkeypatch.setattr(database, "prepare_file", slow)
        monkeypatch.setattr(store_module, "START_SECONDS", 0.05)
        store = open_store(url, data_dir=tmp_path)
        await store.start()
        assert store.database.failing == "the database is too slow"
        await until(lambda: store.database.failing is None)
        assert len(begun) == 1
        await store.close()

    async def test_every_commit_is_on_disk_before_it_counts(self, store: Store) -> None:
        found = [await pragma(store, name) for name in ("synchronous", "journal_mode")]
        assert found == [(2,), ("wal",)]
