"""Schema upgrades with Alembic, over a connection that is already in a transaction."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

SCRIPTS = "cds_service.storage:migrations"


def configuration() -> Config:
    """Alembic's configuration: where the revisions are, no file."""
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return config


HEAD = ScriptDirectory.from_config(configuration()).get_current_head()
"""The newest revision, which this version of the program needs."""


def upgrade(connection: sa.Connection) -> None:
    """Bring the schema to HEAD; commits nothing by itself."""
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def installed(connection: sa.Connection) -> str | None:
    """The revision that is installed; None when the database holds no schema of ours."""
    return MigrationContext.configure(connection).get_current_revision()
