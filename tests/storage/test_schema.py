"""The schema: the revisions make exactly the tables, one upgrade at a time, and an older schema is not written to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from cds_service.errors import SettingsError
from cds_service.storage.database import Database, locate
from cds_service.storage.migrate import HEAD
from cds_service.storage.store import Store
from cds_service.storage.tables import metadata

pytestmark = pytest.mark.anyio


async def test_the_revisions_make_exactly_the_tables(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with store.database.reader.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_two_upgrades_at_once_do_not_collide(empty_url: str, tmp_path: Path) -> None:
    databases = [Database(locate(empty_url, tmp_path)) for _ in range(4)]
    (tmp_path / "data").mkdir()
    assert await databases[0].revision() is None
    await asyncio.gather(*(database.upgrade() for database in databases))
    assert [await database.revision() for database in databases] == [HEAD] * 4
    for database in databases:
        await database.close()


@pytest.mark.parametrize(
    ("url", "driver", "query"),
    [
        ("postgresql://u:p@h/d?sslmode=require", "postgresql+asyncpg", {"ssl": "require"}),
        ("postgres://u:p@h/d", "postgresql+asyncpg", {}),
        ("sqlite:///some/file", "sqlite+aiosqlite", {}),
    ],
)
async def test_addresses_as_people_write_them(url: str, driver: str, query: dict[str, str]) -> None:
    found = locate(url, Path())
    assert (found.drivername, dict(found.query)) == (driver, query)


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "secret", "sqlite://", "postgresql://u:secret@h"])
async def test_an_address_of_no_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="IONWISE_DATABASE_URL") as refused:
        locate(url, Path())
    assert "secret" not in str(refused.value)
