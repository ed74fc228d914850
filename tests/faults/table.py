"""`python -m tests.faults.table`: status and time of a call whose FHIR server has each fault, alone and for one key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.faults.ehr import running
from tests.faults.faults import FAULTS, Fault
from tests.faults.test_faults import conditions_only, everything
from tests.http.client import Reply


async def _timed(play: Callable[[], Awaitable[Reply]]) -> tuple[int, float]:
    started = time.perf_counter()
    reply = await play()
    return reply.status, (time.perf_counter() - started) * 1e3


async def _row(name: str, fault: Fault) -> str:
    told: set[str] = set()

    async def whole() -> Reply:
        reply, failures = await everything(fault)
        told.update(failures)
        return reply

    async def part() -> Reply:
        return (await conditions_only(fault))[1]

    all_of_it, one_key = await _timed(whole), await _timed(part)
    names = ", ".join(sorted(told - {"ok"})) or "-"
    return f"{name:<28} {all_of_it[0]:>6} {all_of_it[1]:>8.0f}    {one_key[0]:>6} {one_key[1]:>8.0f}    {names}"


async def print_table() -> None:
    """Starting the service is part of each time; the budget is 1500 ms where the fault is slowness."""
    async with running():
        print(f"{'fault':<28} {'status':>6} {'ms':>8}    {'status':>6} {'ms':>8}    told as")
        print(f"{'':<28} {'of all':>15}    {'of one key, of two calls':>15}")
        for name, fault in FAULTS.items():
            print(await _row(name, fault), flush=True)


if __name__ == "__main__":
    asyncio.run(print_table())
