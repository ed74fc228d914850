"""What a database holds of the reports that were acknowledged."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from cds_service.storage.store import open_store
from cds_service.storage.tables import feedback, feedback_comment
from tests.storage.samples import rows


class Tally(NamedTuple):
    """The outcome over all rounds."""

    acknowledged: int
    lost: int
    doubled: int
    without_comment: int


async def compare(url: str | None, data_dir: Path, acknowledged: set[int]) -> Tally:
    """Reports are named `card-<number>`; each comes with a comment."""
    store = open_store(url, data_dir=data_dir)
    await store.start()
    stored = await rows(store, feedback)
    comments = {row.feedback_id for row in await rows(store, feedback_comment)}
    await store.close()
    cards = Counter(row.card for row in stored)
    return Tally(
        len(acknowledged),
        sum(f"card-{number}" not in cards for number in acknowledged),
        sum(count > 1 for count in cards.values()),
        sum(row.id not in comments for row in stored),
    )
