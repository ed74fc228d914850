"""The schema: the revisions make exactly the tables, one upgrade at a time, and an older schema is not written to."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from cds_service.errors import SettingsError, StorageError
from cds_service.storage.database import Database, locate
from cds_service.storage.migrate import configuration
from cds_service.storage.sqlite_file import HEAD, prepare_file
from cds_service.storage.tables import metadata

pytestmark = pytest.mark.anyio


async def test_the_revisions_make_exactly_the_tables(empty_url: str, tmp_path: Path) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    (tmp_path / "data").mkdir()
    database = Database(locate(empty_url, tmp_path))
    await database.upgrade()
    async with database.reader.connect() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


async def test_a_new_sqlite_file_is_what_the_revisions_make(tmp_path: Path) -> None:
    made, upgraded = tmp_path / "made", tmp_path / "upgraded"
    assert prepare_file(made, 1000)
    database = Database(upgraded)
    await database.upgrade()
    assert await database.revision() == HEAD == ScriptDirectory.from_config(configuration()).get_current_head()
    await database.close()
    assert schema_of(made) == schema_of(upgraded)


async def test_a_sqlite_file_with_an_older_schema_is_left_to_an_upgrade(tmp_path: Path) -> None:
    prepare_file(tmp_path / "file", 1000)
    with closing(sqlite3.connect(tmp_path / "file")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'older'")
        connection.commit()
    assert not prepare_file(tmp_path / "file", 1000)


async def test_a_sqlite_file_that_lacks_an_index_of_its_revision_is_refused(tmp_path: Path) -> None:
    prepare_file(tmp_path / "file", 1000)
    with closing(sqlite3.connect(tmp_path / "file")) as connection:
        connection.execute("DROP INDEX ix_issued_card_patient")
        connection.execute("CREATE INDEX ix_issued_card_patient ON issued_card (tenant, patient, as_of)")
        connection.commit()
    with pytest.raises(StorageError, match="lacks 1 of its tables and indices"):
        prepare_file(tmp_path / "file", 1000)


def schema_of(file: Path) -> set[str]:
    """The statements that made a file's tables and indices, whatever their layout."""
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {"".join(sql.split()) for (sql,) in found}


async def test_an_upgrade_makes_the_folder_of_a_sqlite_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "not" / "there" / "file")
    await database.upgrade()
    assert await database.revision() == HEAD
    await database.close()


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
    assert not isinstance(found, Path)
    assert (found.drivername, dict(found.query)) == (driver, query)


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "secret", "sqlite://", "postgresql://u:secret@h"])
async def test_an_address_of_no_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="IONWISE_DATABASE_URL") as refused:
        locate(url, Path())
    assert "secret" not in str(refused.value)
