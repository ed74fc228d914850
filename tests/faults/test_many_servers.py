"""More FHIR servers than connections are kept for: the ones in use stay, the ones that are not are closed."""

from __future__ import annotations

import asyncio

import pytest

from cds_service.fhir import client as fhir_client
from tests.faults.ehr import Asked, Ehr, running, tell_chart


@pytest.fixture(autouse=True)
def _one_server_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir_client, "MOST_SERVERS", 1)


def test_a_call_to_one_server_more_does_not_break_the_calls_to_the_others() -> None:
    async def play() -> tuple[int, int, dict[str, int]]:
        other_answered = asyncio.Event()

        async def wait(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await other_answered.wait()
            await tell_chart(asked, writer)

        async with Ehr(wait) as slow, Ehr() as other, running() as service:
            first = asyncio.create_task(service.call(slow.base))
            while not slow.asked:
                await asyncio.sleep(0.01)
            second = await service.call(other.base)
            other_answered.set()
            return (await first).status, second.status, service.failures

    first, second, outcomes = asyncio.run(play())
    assert (first, second, list(outcomes)) == (200, 200, ["ok"])


def test_a_server_that_was_not_used_for_longest_is_connected_to_anew() -> None:
    async def play() -> list[int]:
        async with Ehr() as one, Ehr() as other, running() as service:
            opened = []
            for server in (one, one, other, one):
                await service.call(server.base)
                opened.append(one.connections)
            return opened

    opened = asyncio.run(play())
    assert opened[0] == opened[1] < opened[3]
