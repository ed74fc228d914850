"""Feedback: stored once, every new report kept, text cut to size and apart from the rest."""

from __future__ import annotations

import logging

import pytest

from cds_service.storage.failures import RefusedRowError
from cds_service.storage.feedback import LONGEST_COMMENT
from cds_service.storage.records import Report
from cds_service.storage.store import Store
from cds_service.storage.tables import feedback, feedback_comment
from tests.storage.samples import NOW, accepted, overridden, rows

pytestmark = pytest.mark.anyio


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


async def test_no_log_line_holds_what_was_written(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await store.add_feedback("t", "ehr", [overridden(comment="Mrs Secret")], NOW)
    naive = Report("card-2", "overridden", NOW.replace(tzinfo=None), comment="Mrs Secret")
    with pytest.raises(RefusedRowError) as refused:
        await store.add_feedback("t", "ehr", [naive], NOW)
    assert "Secret" not in caplog.text + str(refused.value)
