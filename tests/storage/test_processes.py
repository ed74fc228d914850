"""Two processes on one database, and a process that is killed in the middle of its work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cds_service.storage.store import Store
from cds_service.storage.switches import Switch, set_switch
from cds_service.storage.tables import daily_count, feedback, issued_card, prefetch_count
from tests.architecture.tree import ROOT
from tests.storage.kill import kill_often
from tests.storage.process_worker import CALLS, PEOPLE
from tests.storage.samples import NOW, question, rows


@pytest.mark.anyio
async def test_two_processes_share_one_database(store: Store, url: str, tmp_path: Path) -> None:
    await set_switch(store.database, Switch("t", "mg-low", "silent", "a", "b", NOW))
    command = [sys.executable, "-m", "tests.storage.process_worker", url, str(tmp_path / "data")]
    workers = [
        subprocess.Popen([*command, name], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for name in ("one", "two")
    ]
    answers = [worker.communicate(timeout=60) for worker in workers]
    assert answers == [(b"silent", b"")] * 2
    assert len(await rows(store, issued_card)) == 2 * CALLS
    assert len(await rows(store, feedback)) == CALLS + CALLS // 2
    counts = {(row.rule, row.kind, row.item): row.n for row in await rows(store, daily_count)}
    assert counts["mg-low", "shown", ""] == counts["a", "cannot-tell", "b"] == 2 * CALLS
    assert sum(n for (rule, _, _), n in counts.items() if rule == "ca-low") == 2 * CALLS
    assert [row.n for row in await rows(store, prefetch_count)] == [2 * CALLS]
    remembered = await store.recall(question(PEOPLE, "mg-low"))
    assert {row.overridden for row in remembered or ()} == {True}


def test_nothing_acknowledged_is_lost_or_doubled_when_the_process_is_killed(url: str, tmp_path: Path) -> None:
    tally = kill_often(url, tmp_path / "data", rounds=3)
    assert tally.acknowledged > 30
    assert (tally.lost, tally.doubled, tally.without_comment) == (0, 0, 0)
