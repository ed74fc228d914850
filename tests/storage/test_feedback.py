"""Feedback: stored once, every new report kept, text cut to size and apart from the rest."""

from __future__ import annotations

import asyncio
import gc
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cds_service.errors import StorageError
from cds_service.storage import feedback as feedback_storage
from cds_service.storage.database import FILE_NAME
from cds_service.storage.failures import RefusedRowError
from cds_service.storage.feedback import LONGEST_COMMENT
from cds_service.storage.records import Report
from cds_service.storage.store import Store
from cds_service.storage.tables import feedback, feedback_comment
from tests.storage.samples import NOW, accepted, overridden, rows

pytestmark = pytest.mark.anyio
SLOW = """CREATE TRIGGER slow BEFORE INSERT ON feedback BEGIN SELECT max(n) FROM (
    WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 1000000) SELECT n FROM count); END
"""


async def test_a_repeated_report_is_stored_once(store: Store) -> None:
    assert await store.add_feedback("t", "ehr", [overridden()], NOW) == 1
    assert await store.add_feedback("t", "ehr", [overridden(), overridden()], NOW) == 0
    assert len(await rows(store, feedback)) == 1


async def test_a_later_report_on_the_same_card_is_kept_beside_the_first(store: Store) -> None:
    assert await store.add_feedback("t", "ehr", [overridden(), accepted(), overridden(minutes=1)], NOW) == 3
    assert [row.outcome for row in await rows(store, feedback)] == ["overridden", "accepted", "overridden"]


async def test_another_tenant_may_report_the_same_card(store: Store) -> None:
    assert await store.add_feedback("t", "ehr", [overridden()], NOW) == 1
    assert await store.add_feedback("other", "ehr", [overridden()], NOW) == 1


async def test_everything_of_a_report_is_kept(store: Store) -> None:
    await store.add_feedback("t", "ehr", [accepted(), overridden(comment="known, see letter")], NOW)
    first, second = await rows(store, feedback)
    assert (first.suggestions, first.reason) == (["suggestion-1"], None)
    assert (second.reason, second.reported_at, second.received_at) == ("or-benefit", NOW, NOW)
    assert [(row.feedback_id, row.text) for row in await rows(store, feedback_comment)] == [
        (second.id, "known, see letter")
    ]


async def test_a_comment_is_cut_to_size_and_freed_of_what_no_database_holds(store: Store) -> None:
    await store.add_feedback("t", "ehr", [overridden(comment="a\x00b\ud800" + "x" * 5000)], NOW)
    (comment,) = await rows(store, feedback_comment)
    assert comment.text[:4] == "a�b?"
    assert len(comment.text) == LONGEST_COMMENT


async def test_a_batch_is_stored_whole_or_not_at_all(store: Store) -> None:
    naive = Report("card-2", "overridden", NOW.replace(tzinfo=None))
    with pytest.raises(RefusedRowError):
        await store.add_feedback("t", "ehr", [overridden(), naive], NOW)
    assert await rows(store, feedback) == []
    assert await store.add_feedback("t", "ehr", [overridden()], NOW) == 1


async def test_a_report_that_takes_too_long_keeps_nobody_else_from_writing(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is written all the same, and once when it is sent again."""
    if not store.database.is_sqlite:
        return
    await store.add_feedback("t", "ehr", [overridden("first")], NOW)
    file = tmp_path / "data" / FILE_NAME
    _run(file, SLOW)
    monkeypatch.setattr(feedback_storage, "PATIENCE_SECONDS", 0.05)
    gc.disable()  # which would find what was left open, sooner or later
    try:
        for number in range(4):
            with pytest.raises(StorageError):
                await store.add_feedback("t", "ehr", [overridden(f"card-{number}")], NOW)
        await asyncio.to_thread(_run, file, "DROP TRIGGER slow")
    finally:
        gc.enable()
    monkeypatch.undo()
    assert await store.add_feedback("t", "ehr", [overridden("card-3")], NOW) == 0


def _run(file: Path, statement: str) -> None:
    """One statement of another process, which waits for the others' transactions."""
    with closing(sqlite3.connect(file, timeout=20)) as other, other:
        other.execute(statement)


async def test_no_log_line_holds_what_was_written(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await store.add_feedback("t", "ehr", [overridden(comment="Mrs Secret")], NOW)
    naive = Report("card-2", "overridden", NOW.replace(tzinfo=None), comment="Mrs Secret")
    with pytest.raises(RefusedRowError) as refused:
        await store.add_feedback("t", "ehr", [naive], NOW)
    assert "Secret" not in caplog.text + str(refused.value)
