"""What is given up because the call's time is over leaves nothing behind at the connections to its server."""

from __future__ import annotations

import asyncio
import random

import orjson
import pytest

from cds_service.fhir import outbound
from cds_service.fhir.call import Call
from cds_service.fhir.client import FhirClients
from cds_service.fhir.servers import FhirServer
from cds_service.service.envelope import decode_envelope
from cds_service.service.fetch import Fetcher, FetchLimits
from cds_service.service.gather import read_call
from tests.faults.chart import AS_OF
from tests.faults.ehr import KNOWLEDGE, PATIENCE, Answering, Asked, Ehr, request, tell_chart, written

HOOK = "patient-view"
PLAN = [entry for entry in KNOWLEDGE.key_plan if HOOK in entry.hooks]
SHORT, LONG = FetchLimits(0.1, PATIENCE), FetchLimits(PATIENCE / 2, PATIENCE)


async def hang(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """No answer."""
    await asyncio.sleep(PATIENCE)


async def break_off(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """The beginning of an answer."""
    writer.write(written(200, b"{}", content_length="5000"))
    await writer.drain()
    await asyncio.sleep(PATIENCE)


def about_in_time(seed: int) -> Answering:
    """An answer that comes when time is nearly over."""
    at_random = random.Random(seed)

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(at_random.uniform(0, 0.1))
        await tell_chart(asked, writer)

    return answer


async def fetch(clients: FhirClients, base: str, proxy: str | None, limits: FetchLimits) -> Call:
    """A call that brings nothing, completed."""
    envelope = decode_envelope(orjson.dumps(request(HOOK, base)), HOOK)
    call = read_call(envelope, PLAN, now=AS_OF)
    return (await Fetcher(clients, limits).complete(call, envelope, PLAN, [FhirServer(base, proxy=proxy)], 0.0)).call


@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "by proxy"])
@pytest.mark.parametrize("answer", [hang, break_off, about_in_time(1)], ids=["none", "a part", "late"])
def test_calls_that_ran_out_of_time_leave_the_next_one_all_connections(
    monkeypatch: pytest.MonkeyPatch, answer: Answering, *, proxied: bool
) -> None:
    monkeypatch.setattr(outbound, "MAX_CONNECTIONS", 4)

    async def play() -> set[str]:
        async with Ehr(answer, path="http://ehr.example/fhir" if proxied else "/fhir") as ehr:
            base = "http://ehr.example/fhir" if proxied else ehr.base
            proxy = f"http://127.0.0.1:{ehr.port}" if proxied else None
            clients = FhirClients(sandbox=True)
            for _ in range(4):
                await asyncio.gather(*(fetch(clients, base, proxy, SHORT) for _ in range(4)))
            ehr.answer = tell_chart
            call = await fetch(clients, base, proxy, LONG)
            await clients.aclose()
            return {found.reason for key, found in call.answers.items() if key != "encounter"}

    assert asyncio.run(play()) == {""}
