"""Alembic's entry: uses the connection it is handed, or writes the statements of an upgrade for a database manager."""

from __future__ import annotations

from alembic import context

from cds_service.storage.tables import metadata

connection = context.config.attributes.get("connection")
if connection is not None:
    context.configure(connection=connection, target_metadata=metadata)
else:
    context.configure(dialect_name="postgresql", target_metadata=metadata, as_sql=True, literal_binds=True)
with context.begin_transaction():
    context.run_migrations()
