"""Instants as text, the way SQLAlchemy keeps them in SQLite: in UTC, without an offset."""

from __future__ import annotations

from datetime import UTC, datetime


def write_instant(moment: datetime) -> str:
    """An aware datetime as SQLAlchemy writes it into SQLite."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def read_instant(text: str) -> datetime:
    """The reverse."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
