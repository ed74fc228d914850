"""A token is used once: among tasks, processes and restarts, and whatever state the database is in."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service.errors import StorageError
from cds_service.storage import spent_tokens
from cds_service.storage.database import FILE_NAME, Database, locate
from cds_service.storage.migrate import configuration
from cds_service.storage.retention import Retention, prune
from cds_service.storage.spent_tokens import PRUNE_SECONDS
from cds_service.storage.store import Store, open_store
from cds_service.storage.tables import issued_card, spent_token
from tests.architecture.tree import ROOT
from tests.storage.samples import rows
from tests.storage.trouble import locked

pytestmark = pytest.mark.anyio
NOW = 1_790_000_000.0
ISSUER = "https://ehr.example/fhir"
PROGRAM = """
import asyncio, sys
from pathlib import Path
from typing import Any
from cds_service.storage.store import open_store

async def run():
    store = open_store(sys.argv[1], data_dir=Path(sys.argv[2]))
    await store.start()
    taken = [n for n in range(200) if await store.spend_token("iss", f"jti-{n}", 1_790_000_300.0, 1_790_000_000.0)]
    print(*taken)
    await store.close()

asyncio.run(run())
"""


async def test_s_14_a_token_is_new_once(store: Store) -> None:
    """S-14: the same jti of the same iss a second time is known; keyed with iss; jti is opaque."""
    for jti in ("0f" * 32, "urn:uuid:1", "x" * 5000, "é\ud800"):
        assert await store.spend_token(ISSUER, jti, NOW + 300, NOW)
        assert not await store.spend_token(ISSUER, jti, NOW + 300, NOW)
    assert await store.spend_token("https://other.example", "urn:uuid:1", NOW + 300, NOW)


async def test_s_14_issuer_and_name_are_not_run_together(store: Store) -> None:
    """S-14: keyed with iss."""
    assert await store.spend_token("ab", "c", NOW, NOW)
    assert await store.spend_token("a", "bc", NOW, NOW)


async def test_s_14_of_many_calls_at_once_one_wins(store: Store) -> None:
    """S-14: inserted or refused in one step."""
    taken = await asyncio.gather(*(store.spend_token(ISSUER, "one", NOW + 300, NOW) for _ in range(50)))
    assert sum(taken) == 1


async def test_s_14_two_processes_share_what_they_know(url: str, tmp_path: Path) -> None:
    """S-14: shared by all nodes."""
    command = [sys.executable, "-c", PROGRAM, url, str(tmp_path / "data")]
    workers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
    taken = [worker.communicate(timeout=60)[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert sorted(int(n) for found in taken for n in found) == list(range(200))


async def test_s_14_a_restart_forgets_nothing(url: str, tmp_path: Path) -> None:
    """S-14: survives restarts."""
    for first in (True, False):
        store = open_store(url, data_dir=tmp_path / "data")
        await store.start()
        assert await store.spend_token(ISSUER, "one", NOW + 300, NOW) is first
        await store.close()


async def test_what_is_kept_tells_neither_issuer_nor_name(store: Store) -> None:
    await store.spend_token(ISSUER, "one", NOW + 300, NOW)
    (row,) = await rows(store, spent_token)
    assert len(row.digest) == 64
    assert row.expires_at == datetime.fromtimestamp(NOW + 300, UTC)


async def test_expired_tokens_are_forgotten_and_others_are_not(store: Store) -> None:
    await store.spend_token(ISSUER, "old", NOW - 1, NOW)
    await store.spend_token(ISSUER, "new", NOW + 300, NOW)
    deleted = await prune(store.database, Retention(), datetime.fromtimestamp(NOW, UTC), None)
    assert deleted["spent_token"] == 1
    assert not await store.spend_token(ISSUER, "new", NOW + 300, NOW)


async def test_a_service_forgets_expired_tokens_by_itself(store: Store) -> None:
    await store.spend_token(ISSUER, "old", NOW + 1, NOW)
    later = NOW + PRUNE_SECONDS
    await store.spend_token(ISSUER, "new", later + 300, later)
    async with asyncio.timeout(10):
        while len(await rows(store, spent_token)) > 1:
            await asyncio.sleep(0.01)
    assert len(await rows(store, issued_card)) == 0


async def test_a_sqlite_file_of_the_first_revision_is_upgraded_at_start(tmp_path: Path) -> None:
    from alembic import command

    database = Database(locate(f"sqlite:///{tmp_path / 'old.sqlite3'}", tmp_path))
    await database.load()
    config = configuration()

    def first(connection: object) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    async with database.writer.begin() as connection:
        await connection.run_sync(first)
    await database.close()
    store = open_store(f"sqlite:///{tmp_path / 'old.sqlite3'}", data_dir=tmp_path)
    await store.start()
    assert await store.spend_token(ISSUER, "one", NOW + 300, NOW)
    await store.close()


async def test_a_moment_of_lock_is_waited_for(tmp_path: Path) -> None:
    store = open_store(None, data_dir=tmp_path)
    await store.start()
    async with locked(f"sqlite:///{tmp_path / FILE_NAME}"):
        waiting = asyncio.ensure_future(store.spend_token(ISSUER, "one", NOW + 300, NOW))
        await asyncio.sleep(0.05)
        assert not waiting.done()
    assert await waiting
    await store.close()


async def test_a_database_that_stays_locked_cannot_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spent_tokens, "PATIENCE_SECONDS", 0.1)
    store = open_store(None, data_dir=tmp_path)
    await store.start()
    async with locked(f"sqlite:///{tmp_path / FILE_NAME}"):
        with pytest.raises(StorageError, match="locked"):
            await store.spend_token(ISSUER, "one", NOW + 300, NOW)
        assert (await store.health()).state == "unavailable"
    assert await store.spend_token(ISSUER, "one", NOW + 300, NOW)
    await store.close()


async def test_waiting_for_a_lock_leaves_the_event_loop_free(tmp_path: Path) -> None:
    store = open_store(None, data_dir=tmp_path)
    await store.start()
    beats = 0
    async with locked(f"sqlite:///{tmp_path / FILE_NAME}"):
        waiting = asyncio.ensure_future(store.spend_token(ISSUER, "one", NOW + 300, NOW))
        started = time.monotonic()
        while time.monotonic() - started < 0.2:
            await asyncio.sleep(0.001)
            beats += 1
    assert beats > 20
    assert await waiting
    await store.close()


@pytest.mark.parametrize("answers", [(StorageError("cut off"), 1), (StorageError("cut off"), 0)])
async def test_who_was_cut_off_does_not_take_its_own_mark_for_another_one(
    store: Store, monkeypatch: pytest.MonkeyPatch, answers: tuple[StorageError, int]
) -> None:
    waiting: list[Any] = list(answers)

    async def change(*_: object) -> int:
        answer = waiting.pop(0)
        if isinstance(answer, StorageError):
            raise answer
        return int(answer)

    monkeypatch.setattr(store.database, "change", change)
    if answers[1]:
        assert await store.spend_token(ISSUER, "one", NOW + 300, NOW)
    else:
        with pytest.raises(StorageError):
            await store.spend_token(ISSUER, "one", NOW + 300, NOW)
