"""Schema upgrades with Alembic, over a connection that is already in a transaction."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

SCRIPTS = "cds_service.storage:migrations"


def configuration() -> Config:
    """Alembic's configuration: where the revisions are, no file."""
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return config


def upgrade(connection: sa.Connection) -> None:
    """Bring the schema to the newest revision; commits nothing by itself."""
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
