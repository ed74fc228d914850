"""Whatever the EHR's FHIR server does: an answer in time, no 5xx, no card that a sound server would not have got."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.faults.ehr import Asked, Ehr, advice, prefetch, running, tell_chart, unjudged
from tests.faults.faults import FAULTS, HUGE, Fault
from tests.http.client import Reply

by_name = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


async def everything(fault: Fault) -> tuple[Reply, dict[str, int]]:
    """A server that does nothing else."""
    async with Ehr(fault.answer) as ehr, running(**fault.settings) as service:
        return await service.call(ehr.base), service.failures


async def conditions_only(fault: Fault) -> tuple[Reply, Reply, dict[str, int]]:
    """A server that does it to one query, about something that is not required; and what a sound server gets."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await (fault.answer if asked.path.startswith("Condition") else tell_chart)(asked, writer)

    async with Ehr() as sound, Ehr(answer) as ehr, running(**fault.settings) as service:
        wanted = await service.call(sound.base)
        return wanted, await service.call(ehr.base), service.failures


@by_name
def test_required_data_that_cannot_be_had_is_412_and_says_why(fault: Fault) -> None:
    reply, failures = asyncio.run(everything(fault))
    if fault.told and "too-many" not in fault.told and "elsewhere" not in fault.told:
        assert reply.status == 412
        assert re.search(rf"patient \(not sent, and not fetched: ({'|'.join(fault.told)})\)", reply.complaint)
    else:
        assert reply.status == 200
    assert set(failures) - {"ok"} <= fault.told
    assert fault.told == frozenset() or set(failures) & fault.told


@by_name
def test_other_data_that_cannot_be_had_is_200_and_says_so(fault: Fault) -> None:
    wanted, reply, failures = asyncio.run(conditions_only(fault))
    assert reply.status == 200
    assert {rule for rule, *_ in advice(reply)} <= {rule for rule, *_ in advice(wanted)}
    assert ("mg-hypomagnesaemia", "critical") in {card[:2] for card in advice(reply)}, "a critical card never waits"
    assert set(failures) - {"ok"} <= fault.told


@pytest.mark.parametrize("name", ["slow headers", "500", "endless pages", "another patient's"])
def test_what_is_missing_of_a_list_is_never_read_as_absence(name: str) -> None:
    _, reply, _ = asyncio.run(conditions_only(FAULTS[name]))
    told = {item.partition(":")[0] for item in unjudged(reply)}
    assert name == "another patient's" or "conditions" in told


def test_nobody_else_s_results_make_a_card() -> None:
    async def only_labs(asked: Asked, writer: asyncio.StreamWriter) -> None:
        wrong = asked.path.startswith("Observation")
        await (FAULTS["another patient's"].answer if wrong else tell_chart)(asked, writer)

    async def play() -> Reply:
        async with Ehr(only_labs) as ehr, running() as service:
            return await service.call(ehr.base)

    reply = asyncio.run(play())
    assert reply.status == 200
    assert not [card for card in advice(reply) if card[1] == "critical"]
    assert reply.json["extension"]["org.ionwise.decision"]["quarantined"] == 2


def test_a_gigabyte_is_not_read() -> None:
    sent = 0

    async def flood(_: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _piece in range(HUGE // 65536):
            writer.write(b" " * 65536)
            await writer.drain()
            sent += 65536

    async def play() -> Reply:
        async with Ehr(flood) as ehr, running(max_body_bytes=1024 * 1024) as service:
            return await service.call(ehr.base, prefetch={k: v for k, v in prefetch().items() if k != "conditions"})

    assert asyncio.run(play()).status == 200
    assert sent < 32 * 1024 * 1024, "what we do not take stays in the sockets"
