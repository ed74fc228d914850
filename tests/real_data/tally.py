"""Fires every chart of a set at the application and counts what came of it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import orjson

from cds_service.app import create_app
from cds_service.facts.snapshot import Snapshot
from cds_service.fhir.call import Call
from cds_service.knowledge.model import Knowledge
from cds_service.service.decide import DecideOptions, Decision, decide
from cds_service.settings import Settings
from cds_service.web.edge import Voice
from tests.http.client import Client
from tests.real_data.charts import Chart, read_charts, request_for


class Tally(msgspec.Struct):
    """What happened to the patients of one set; `troubles` holds every log line of level warning and above."""

    patients: int = 0
    statuses: Counter[int] = msgspec.field(default_factory=Counter)
    cards: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    verdicts: Counter[str] = msgspec.field(default_factory=Counter)
    missing: Counter[str] = msgspec.field(default_factory=Counter)
    quarantined: Counter[str] = msgspec.field(default_factory=Counter)
    unusable: Counter[str] = msgspec.field(default_factory=Counter)
    unidentified: Counter[str] = msgspec.field(default_factory=Counter)
    identified: Counter[str] = msgspec.field(default_factory=Counter)
    results: Counter[str] = msgspec.field(default_factory=Counter)
    troubles: list[str] = []
    texts: list[str] = []


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name} {record.getMessage()}")


@contextmanager
def listening() -> Iterator[list[str]]:
    """Every log line of level warning and above that the service writes meanwhile."""
    collector = _Collector()
    logger = logging.getLogger("ionwise")
    logger.addHandler(collector)
    try:
        yield collector.lines
    finally:
        logger.removeHandler(collector)


def run_set(
    name: str, knowledge: Knowledge, *, sloppy: bool = False, admit_unknown_status: bool = False, language: str = "en"
) -> Tally:
    """Every patient of a set as patient-view, through the application in sandbox mode."""
    return run_charts(
        read_charts(name), knowledge, sloppy=sloppy, admit_unknown_status=admit_unknown_status, language=language
    )


def run_charts(
    charts: list[Chart],
    knowledge: Knowledge,
    *,
    sloppy: bool = False,
    admit_unknown_status: bool = False,
    language: str = "en",
) -> Tally:
    """The tally of these charts."""
    decisions: list[Decision] = []

    def answer(call: Call, voice: Voice) -> dict[str, Any]:
        options = DecideOptions(
            language=voice.language, base_url=voice.base_url, sandbox=True, admit_unknown_status=admit_unknown_status
        )
        decisions.append(decide(call, knowledge, options))
        return decisions[-1].response

    client = Client(create_app(Settings(sandbox=True, max_body_bytes=64 * 1024 * 1024), knowledge, answer))
    tally = Tally()
    headers = {"content-type": "application/json", "accept-language": language}
    with listening() as tally.troubles:
        for chart in charts:
            body = orjson.dumps(request_for(chart, knowledge.key_plan, sloppy=sloppy))
            reply = client.post("/cds-services/ionwise-patient-view", body, headers)
            tally.patients += 1
            tally.statuses[reply.status] += 1
            if reply.status == 200:
                count(decisions.pop(), tally)
    return tally


def count(decision: Decision, tally: Tally) -> None:
    """Add one decision to the tally."""
    for card in decision.response["cards"]:
        tally.cards[card["source"]["topic"]["code"], card["indicator"]] += 1
        tally.texts.append(f"{card['indicator']}: {card['summary']}\n{card.get('detail', '')}")
    for verdict in decision.trace:
        tally.verdicts[verdict.kind] += 1
        tally.missing.update(verdict.missing)
    _count_facts(decision.snapshot, tally)


def _count_facts(snapshot: Snapshot, tally: Tally) -> None:
    tally.quarantined.update(item.reason for item in snapshot.quarantine)
    for concept, found in snapshot.unusable.items():
        tally.unusable.update(f"{concept}: {item.reason}" for item in found)
    tally.unidentified.update(drug.system for drug in snapshot.unmapped)
    for exposure in snapshot.drug_list:
        tally.identified[f"{exposure.name} = {'+'.join(sorted(exposure.ingredients)) or sorted(exposure.groups)}"] += 1
    for concept, series in snapshot.results.items():
        tally.results[concept] += len(series)
