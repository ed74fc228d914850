"""What keeping costs: the ledger on beside the ledger off, and reading the memory of a patient.

The ledger writes behind the answers, so each round is counted until all of it is written.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import asyncpg
from sqlalchemy.engine import make_url

from cds_service.storage.ledger import FLUSH_SECONDS
from cds_service.storage.pseudonyms import ephemeral_pseudonyms
from cds_service.storage.records import Question
from cds_service.storage.store import open_store
from tests.bench.core import judge, summed_up
from tests.bench.payloads import AS_OF, payload
from tests.bench.servers import Server
from tests.storage.samples import entry, issue, migrate

PATIENTS = 240
ROUNDS = 9
KEEPING_TARGET = 1.25
RECALL_TARGETS = {"SQLite": 1.5, "PostgreSQL": 3.0}  # ms
RULES = tuple(f"rule-{number}" for number in range(6))
CALLS = 650  # of one patient
ASKED = 400


def over_http(host: Callable[..., Server]) -> str:
    """CPU per request at 20 + 10 resources, each round of as many patients, with and without the ledger."""
    bodies = [payload(20, 10, number) for number in range(PATIENTS)]
    ratios, walls = [], []
    with TemporaryDirectory() as folder, host("service") as off, host("service", storage="true", data_dir=folder) as on:
        for server in (off, on):
            server.first_answer(bodies[0])
        for number in range(ROUNDS + 1):
            spent = [_spent(server, bodies) for server in (off, on)]
            if number:  # the first round warms up
                ratios.append(spent[1][0] / spent[0][0])
                walls.append(spent[1][1])
    ratio = summed_up(ratios)
    return (
        f"ledger on / off          {ratio.seconds:.2f} ±{ratio.spread:.2f} times the CPU at 20 + 10 resources, "
        f"p50 {median(walls) * 1e3:.2f} ms   {judge(ratio.seconds, KEEPING_TARGET, 'x')}"
    )


def _spent(server: Server, bodies: list[bytes]) -> tuple[float, float]:
    """CPU seconds of a round and everything written for it, and the median wall time of its requests."""
    server.disconnect()
    before = server.usage().cpu
    one = server.round(bodies, len(bodies))
    time.sleep(FLUSH_SECONDS + 0.4)
    return server.usage().cpu - before, median(one.walls)


def recalls() -> list[str]:
    """One line per database: the memory of a patient of few calls and of one of many."""
    lines = []
    for kind, database in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        with database() as url:
            if url is None:
                lines.append(f"memory, {kind:<17}not measured: IONWISE_TEST_POSTGRES_URL says no server")
                continue
            few, many = asyncio.run(_recalls(url))
            lines.append(
                f"memory, {kind:<17}p50 {median(few):.2f} ms, p99 {quantiles(few, n=100)[98]:.2f} ms; after {CALLS}"
                f" calls p50 {median(many):.2f} ms   {judge(median(few), RECALL_TARGETS[kind], ' ms')}"
            )
    return lines


async def _recalls(url: str) -> tuple[list[float], list[float]]:
    people = ephemeral_pseudonyms()
    store = open_store(url, data_dir=Path(), recall_seconds=5)
    await store.start()
    for number in range(CALLS):
        moment = AS_OF - timedelta(minutes=number)
        for patient, card in (("many", f"many-{number}"), (f"few-{number}", f"few-{number}")):
            issued = [issue(rule, card=card) for rule in RULES]
            store.record(entry(people, *issued, patient=patient, as_of=moment))
    await store.settle(60)

    async def asked(patient: str) -> float:
        started = time.perf_counter()
        since, users = AS_OF - timedelta(days=365), people.clinician("t", "dr")
        found = await store.recall(Question("t", people.patient("t", patient), since, RULES, RULES[:1], users))
        assert found is not None
        return (time.perf_counter() - started) * 1e3

    few = [await asked(f"few-{number}") for number in range(ASKED)]
    many = [await asked("many") for _ in range(ASKED)]
    await store.close()
    return few, many


@contextmanager
def _sqlite() -> Iterator[str | None]:
    with TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/ionwise.sqlite3"


@contextmanager
def _postgresql() -> Iterator[str | None]:
    """A database of its own on the server of the tests."""
    server = os.environ.get("IONWISE_TEST_POSTGRES_URL")
    if server is None:
        yield None
        return
    name = "ionwise_bench"
    asyncio.run(_on_server(server, f"CREATE DATABASE {name}"))
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    asyncio.run(migrate(url))
    yield url
    asyncio.run(_on_server(server, f"DROP DATABASE {name} WITH (FORCE)"))


async def _on_server(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
