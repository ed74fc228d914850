"""What fetching costs: a call whose six needs are fetched from a FHIR server that takes 50 ms for each answer.

Asked at once, six needs should take hardly longer than the slowest one, over connections that are kept.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any
from urllib.parse import parse_qs

import orjson

from tests.bench.core import judge
from tests.bench.payloads import payload
from tests.bench.servers import Server, cards_of
from tests.faults.ehr import Asked, Ehr, written

FETCHED = ("labsRare", "labsFrequent", "medications", "conditions", "procedures", "orders")
KINDS = {
    "MedicationRequest": "medications",
    "Condition": "conditions",
    "Procedure": "procedures",
    "ServiceRequest": "orders",
}
DELAY = 0.05
PATIENTS = 8
CALLS = 80
SLOWNESS_TARGET = 1.3
REUSE_TARGET = 0.95


class SlowEhr:
    """The charts of all patients behind a server that takes its time; `took`: seconds of each answer."""

    def __init__(self, charts: dict[str, dict[str, Any]]) -> None:
        self._charts = charts
        self.took: list[float] = []

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        """One search, after a while."""
        begun = time.perf_counter()
        await asyncio.sleep(DELAY)
        query = parse_qs(asked.query)
        rare = "labsRare" if "2601-3" in query.get("code", [""])[0] else "labsFrequent"
        writer.write(written(200, self._charts[query["patient"][0]][KINDS.get(asked.path, rare)]))
        await writer.drain()
        self.took.append(time.perf_counter() - begun)


def over_http(host: Callable[..., Server], golden: list[list[Any]]) -> str:
    """One line: time of a call beside its slowest need, and how many requests went over a kept connection."""
    bodies = [orjson.loads(payload(20, 10, number)) for number in range(PATIENTS)]
    slow = SlowEhr({body["context"]["patientId"]: body["prefetch"] for body in bodies})
    walls: list[float] = []
    slowest: list[float] = []
    wrong = 0
    with _running(Ehr(slow.answer)) as ehr, host("service") as service:
        calls = [orjson.dumps(_lacking(body, ehr.base)) for body in bodies]
        service.first_answer(calls[0])
        ehr.asked.clear()
        ehr.connections = 0
        for number in range(CALLS):
            slow.took.clear()
            begun = time.perf_counter()
            answer = service.post(calls[number % PATIENTS])
            walls.append(time.perf_counter() - begun)
            slowest.append(max(slow.took))
            wrong += cards_of(answer) != golden
        reuse = 1 - ehr.connections / len(ehr.asked)
        asked = len(ehr.asked) / CALLS
    ratio = median(walls) / median(slowest)
    p50, p99 = median(walls) * 1e3, quantiles(walls, n=100)[98] * 1e3
    kept = "PASS" if reuse > REUSE_TARGET else "**** MISS ****"
    return (
        f"fetching {asked:.0f} needs         p50 {p50:.1f} ms, p99 {p99:.1f} ms, {ratio:.2f} times the slowest need"
        f"   {judge(ratio, SLOWNESS_TARGET, 'x')}\n"
        f"connections kept         {reuse:.1%} of requests   {kept} (target above {REUSE_TARGET:.0%}),"
        f" {wrong} wrong answers"
    )


def _lacking(body: dict[str, Any], base: str) -> dict[str, Any]:
    sent = {key: value for key, value in body["prefetch"].items() if key not in FETCHED}
    return body | {"prefetch": sent, "fhirServer": base}


@contextmanager
def _running(ehr: Ehr) -> Iterator[Ehr]:
    """The server in an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(ehr.__aenter__(), loop).result()
    try:
        yield ehr
    finally:
        asyncio.run_coroutine_threadsafe(ehr.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
