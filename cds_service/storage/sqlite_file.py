"""A new SQLite file, made by plain statements: a first start need not wait for the machinery of upgrades.

They say what the revisions say; a test compares the two, and HEAD with the newest revision.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from cds_service.errors import StorageError

HEAD = "0003"
"""The newest revision, which this version of the program needs."""
_STATEMENTS = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY
    (version_num));
CREATE TABLE audit_chain (worker TEXT NOT NULL, first_seq BIGINT NOT NULL, first_seal TEXT NOT NULL, last_seq BIGINT
    NOT NULL, last_seal TEXT NOT NULL, key_id TEXT NOT NULL, seal TEXT NOT NULL, PRIMARY KEY (worker));
CREATE TABLE audit_entry (worker TEXT NOT NULL, seq INTEGER NOT NULL, at DATETIME NOT NULL, kind TEXT NOT NULL, tenant
    TEXT NOT NULL, patient TEXT, body TEXT, digest TEXT NOT NULL, key_id TEXT NOT NULL, seal TEXT NOT NULL, PRIMARY
    KEY (worker, seq));
CREATE INDEX ix_audit_entry_patient ON audit_entry (patient);
CREATE TABLE daily_count (day DATE NOT NULL, tenant TEXT NOT NULL, client TEXT NOT NULL, hook TEXT NOT NULL, rule
    TEXT NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL, item TEXT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY
    (day, tenant, client, hook, rule, version, kind, item));
CREATE TABLE feedback (id INTEGER NOT NULL, tenant TEXT NOT NULL, client TEXT NOT NULL, card TEXT NOT NULL, outcome
    TEXT NOT NULL, suggestions JSON NOT NULL, reason TEXT, reason_system TEXT, reported_at DATETIME NOT NULL,
    received_at DATETIME NOT NULL, PRIMARY KEY (id), CONSTRAINT uq_feedback_report UNIQUE (tenant, client, card,
    outcome, reported_at));
CREATE INDEX ix_feedback_card ON feedback (tenant, card, id);
CREATE INDEX ix_feedback_received_at ON feedback (received_at);
CREATE TABLE issued_card (id INTEGER NOT NULL, as_of DATETIME NOT NULL, day DATE NOT NULL, tenant TEXT NOT NULL,
    client TEXT NOT NULL, hook TEXT NOT NULL, card TEXT, suggestions JSON NOT NULL, rule TEXT NOT NULL, version
    INTEGER NOT NULL, knowledge TEXT NOT NULL, overlay TEXT NOT NULL, tier TEXT NOT NULL, severity TEXT NOT NULL,
    variant TEXT NOT NULL, subject TEXT NOT NULL, disposition TEXT NOT NULL, reason TEXT NOT NULL, patient TEXT NOT
    NULL, clinician TEXT, key_id TEXT NOT NULL, PRIMARY KEY (id));
CREATE INDEX ix_issued_card_as_of ON issued_card (as_of);
CREATE INDEX ix_issued_card_card ON issued_card (tenant, card);
CREATE INDEX ix_issued_card_patient ON issued_card (patient, rule, as_of, card);
CREATE TABLE ledger_batch (id TEXT NOT NULL, at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, PRIMARY KEY (id));
CREATE INDEX ix_ledger_batch_at ON ledger_batch (at);
CREATE TABLE prefetch_count (day DATE NOT NULL, tenant TEXT NOT NULL, client TEXT NOT NULL, "key" TEXT NOT NULL,
    state TEXT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (day, tenant, client, "key", state));
CREATE TABLE rule_switch (id INTEGER NOT NULL, tenant TEXT NOT NULL, rule TEXT NOT NULL, state TEXT NOT NULL, author
    TEXT NOT NULL, reason TEXT NOT NULL, at DATETIME NOT NULL, PRIMARY KEY (id));
CREATE INDEX ix_rule_switch_latest ON rule_switch (tenant, rule, id);
CREATE TABLE spent_token (digest TEXT NOT NULL, expires_at DATETIME NOT NULL, PRIMARY KEY (digest));
CREATE INDEX ix_spent_token_expires_at ON spent_token (expires_at);
CREATE TABLE feedback_comment (feedback_id INTEGER NOT NULL, text TEXT NOT NULL, received_at DATETIME NOT NULL,
    PRIMARY KEY (feedback_id), FOREIGN KEY(feedback_id) REFERENCES feedback (id) ON DELETE CASCADE);
CREATE INDEX ix_feedback_comment_received_at ON feedback_comment (received_at);
"""


def prepare_file(file: Path, busy_ms: int) -> bool:
    """Make the file, and the schema in one that is empty. False when it holds an older schema.

    StorageError when the schema says that it is the newest and is not: a missing index would show only as a memory that
    is too slow. Raises what the driver raises; waits `busy_ms` for a lock.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with closing(sqlite3.connect(file, timeout=busy_ms / 1000, isolation_level=None)) as connection:
        if not _is_empty(connection):
            return _is_current(connection, file)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        if _is_empty(connection):  # of two processes one comes second
            for statement in _STATEMENTS.strip().split(";\n"):
                connection.execute(" ".join(statement.split()))
            connection.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))
        connection.execute("COMMIT")
        return _is_current(connection, file)


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def _is_current(connection: sqlite3.Connection, file: Path) -> bool:
    if _revision(connection) != HEAD:
        return False
    found = {_plain(sql) for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    if missing := {_plain(statement) for statement in _STATEMENTS.split(";\n")} - {""} - found:
        raise StorageError(
            f"{file.name}: the schema says that it is revision {HEAD} and lacks {len(missing)} of its tables and"
            " indices"
            " -> move the database file away, or restore one that `ionwise db upgrade` made"
        )
    return True


def _plain(statement: str) -> str:
    """A statement without its layout."""
    return "".join(statement.split()).rstrip(";")


def _revision(connection: sqlite3.Connection) -> str | None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
        return None
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if found is None else str(found[0])
