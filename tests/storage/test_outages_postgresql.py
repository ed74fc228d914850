"""The same of a server behind a network: cut off, not answering, restarted. Needs PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from cds_service.errors import StorageError
from cds_service.storage import spent_tokens
from cds_service.storage.pseudonyms import Pseudonyms
from cds_service.storage.store import Store, open_store
from tests.storage.samples import NOW, overridden, question
from tests.storage.trouble import Line, endure, recover

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.usefixtures("impatient"),
    pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True),
]


@pytest.fixture
async def line(url: str) -> AsyncIterator[Line]:
    """A way to the server through which the store goes."""
    address = make_url(url)
    line = Line(address.host or "", address.port or 5432)
    await line.mend()
    yield line
    await line.cut()


@pytest.fixture
async def store(url: str, line: Line, tmp_path: Path) -> AsyncIterator[Store]:
    """A store that goes that way."""
    there = make_url(url).set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False)
    store = open_store(there, data_dir=tmp_path, recall_seconds=0.3)
    await store.start()
    yield store
    await store.close()


async def test_gone(store: Store, people: Pseudonyms, line: Line) -> None:
    await store.recall(question(people, "mg-low"))
    await line.cut()
    await endure(store, people)
    assert await store.recall(question(people, "mg-low")) is None
    await line.mend()
    await recover(store)
    await asyncio.sleep(0.1)
    assert await store.recall(question(people, "mg-low")) is not None


async def test_slow(store: Store, people: Pseudonyms, line: Line) -> None:
    line.stall()
    started = time.perf_counter()
    assert await store.recall(question(people, "mg-low")) is None
    assert time.perf_counter() - started < 0.6
    await endure(store, people)
    await line.mend()
    await recover(store)


async def test_a_restart_of_the_server_costs_no_feedback(store: Store, line: Line) -> None:
    assert await store.add_feedback("t", "ehr", [overridden()], NOW) == 1
    await line.cut()
    await line.mend()
    assert await store.add_feedback("t", "ehr", [overridden("card-2")], NOW) == 1


async def test_s_14_without_the_server_no_token_is_new_and_afterwards_all_goes_on(store: Store, line: Line) -> None:
    """S-14: what cannot be told is not guessed."""
    expiry, now = NOW.timestamp() + 300, NOW.timestamp()
    assert await store.spend_token("iss", "before", expiry, now)
    await line.cut()
    with pytest.raises(StorageError):
        await store.spend_token("iss", "during", expiry, now)
    await line.mend()
    assert await store.spend_token("iss", "after", expiry, now)
    assert not await store.spend_token("iss", "before", expiry, now)


async def test_s_14_a_server_that_does_not_answer_is_not_waited_for(
    store: Store, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-14: the call gets its 503 in time."""
    monkeypatch.setattr(spent_tokens, "PATIENCE_SECONDS", 0.2)
    line.stall()
    async with asyncio.timeout(5):
        with pytest.raises(StorageError, match="slow"):
            await store.spend_token("iss", "during", NOW.timestamp() + 300, NOW.timestamp())
    await line.mend()
