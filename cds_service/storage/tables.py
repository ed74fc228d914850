"""The tables. Times are instants in UTC, days are UTC days; what came from a client is cut to size before it is stored.

`patient` and `clinician` are keyed pseudonyms: whoever has the key can tie them to a person, so these rows are health
data. A change here needs a new file in migrations/versions and the same in sqlite_file.py; tests compare the three.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware datetime, on every database. ValueError for one without an offset."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite keeps no offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs an offset")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        assert isinstance(value, datetime)  # noqa: S101 (narrowing)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite numbers rows by itself only when the key is exactly INTEGER.
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
metadata = sa.MetaData()

issued_card = sa.Table(
    "issued_card",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("hook", sa.Text, nullable=False),
    sa.Column("card", sa.Text),
    sa.Column("suggestions", sa.JSON, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("knowledge", sa.Text, nullable=False),
    sa.Column("overlay", sa.Text, nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("variant", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("disposition", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("clinician", sa.Text),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Index("ix_issued_card_patient", "patient", "rule", "as_of", "card"),  # a pseudonym belongs to one tenant
    sa.Index("ix_issued_card_card", "tenant", "card"),
    sa.Index("ix_issued_card_as_of", "as_of"),
)

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("card", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("suggestions", sa.JSON, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("reason_system", sa.Text),
    sa.Column("reported_at", Instant, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.UniqueConstraint("tenant", "client", "card", "outcome", "reported_at", name="uq_feedback_report"),
    sa.Index("ix_feedback_card", "tenant", "card", "id"),
    sa.Index("ix_feedback_received_at", "received_at"),
)

# Free text may name people: a table of its own is easy to empty and easy to keep from whoever only counts.
feedback_comment = sa.Table(
    "feedback_comment",
    metadata,
    sa.Column("feedback_id", Number, sa.ForeignKey("feedback.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Index("ix_feedback_comment_received_at", "received_at"),
)

rule_switch = sa.Table(
    "rule_switch",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_rule_switch_latest", "tenant", "rule", "id"),
)

daily_count = sa.Table(
    "daily_count",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("hook", sa.Text, primary_key=True),
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("item", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
)

prefetch_count = sa.Table(
    "prefetch_count",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
)

# A token is used once; `digest` is of its issuer and its jti.
spent_token = sa.Table(
    "spent_token",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Index("ix_spent_token_expires_at", "expires_at"),
)

# One row per batch of the ledger, in the batch's own transaction: a batch tried again is recognised, not counted twice.
ledger_batch = sa.Table(
    "ledger_batch",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Instant, nullable=False, server_default=sa.func.now()),
    sa.Index("ix_ledger_batch_at", "at"),
)

# The audit trail. `body` and `patient` are emptied when a patient is erased; nothing else ever changes.
audit_entry = sa.Table(
    "audit_entry",
    metadata,
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("seq", Number, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("patient", sa.Text),
    sa.Column("body", sa.Text),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("seal", sa.Text, nullable=False),
    sa.Index("ix_audit_entry_patient", "patient"),
)

# Where each chain of the trail begins and ends: `first_seal` is the seal before the first row that is kept.
audit_chain = sa.Table(
    "audit_chain",
    metadata,
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("first_seq", sa.BigInteger, nullable=False),
    sa.Column("first_seal", sa.Text, nullable=False),
    sa.Column("last_seq", sa.BigInteger, nullable=False),
    sa.Column("last_seal", sa.Text, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("seal", sa.Text, nullable=False),
)
