"""What the tests of the store put in and get out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cds_service.facts.outcomes import Severity
from cds_service.storage.database import Database, locate
from cds_service.storage.pseudonyms import Pseudonyms
from cds_service.storage.records import Entry, Issue, Question, Report, Tally
from cds_service.storage.store import Store

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
YEAR_AGO = NOW - timedelta(days=365)


def issue(rule: str = "mg-low", card: str | None = "card-1", **given: Any) -> Issue:
    """A shown warning."""
    fields: dict[str, Any] = {"version": 1, "tier": "P3", "severity": Severity.WARNING, "variant": "low"}
    return Issue(**(fields | {"rule": rule, "card": card, "disposition": "shown"} | given))


def entry(people: Pseudonyms, *issued: Issue, patient: str = "one", user: str | None = "dr", **given: Any) -> Entry:
    """A decision at NOW on patient-view."""
    tenant = given.get("tenant", "t")
    fields: dict[str, Any] = {
        "as_of": NOW,
        "tenant": tenant,
        "client": "ehr",
        "hook": "patient-view",
        "knowledge": "1",
        "overlay": "",
        "patient": people.patient(tenant, patient)[0],
        "clinician": people.clinician(tenant, user)[0] if user else None,
        "issued": issued,
    }
    return Entry(**(fields | given))


def question(people: Pseudonyms, *rules: str, patient: str = "one", user: str | None = None) -> Question:
    """What is known of these rules' cards about a patient, since a year; of a user also what was shown."""
    patients = people.patient("t", patient)
    users = people.clinician("t", user) if user else ()
    return Question("t", patients, YEAR_AGO, rules, rules if user else (), users)


def cannot_tell(rule: str, item: str) -> Tally:
    """A verdict that could not be reached."""
    return Tally(rule, 1, "cannot-tell", item)


def overridden(card: str = "card-1", minutes: int = 0, **given: Any) -> Report:
    """A report whose client says it happened some minutes after NOW."""
    fields: dict[str, Any] = {"reason": "or-benefit", "reason_system": "https://ionwise.example/reasons"}
    return Report(card, "overridden", NOW + timedelta(minutes=minutes), **(fields | given))


def accepted(card: str = "card-1", minutes: int = 0) -> Report:
    """The same, with one suggestion taken."""
    return Report(card, "accepted", NOW + timedelta(minutes=minutes), ("suggestion-1",))


async def rows(store: Store, table: sa.Table) -> list[sa.Row[Any]]:
    """All rows of a table."""
    return list(await store.database.fetch(table.select().order_by(*table.primary_key)))


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this takes too long"
        await asyncio.sleep(0.02)


async def written(store: Store) -> None:
    """Wait until the ledger has nothing left to write."""
    assert await store.settle(20)


async def migrate(url: str) -> None:
    """Install the schema."""
    database = Database(locate(url, Path()))
    await database.prepare() if database.is_sqlite else await database.upgrade()
    await database.close()
