"""What the EHR sends: the hook calls that are made about a patient of the cohort, prefetch answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import orjson

from cds_service.fhir.call import Call
from cds_service.knowledge.model import Knowledge
from cds_service.service.envelope import decode_envelope
from cds_service.service.gather import gather
from tests.cohort.charts import admitted, chart_of, encounter_id
from tests.cohort.laboratory import AS_OF
from tests.cohort.numbers import picked, population
from tests.cohort.people import Person
from tests.cohort.prescriptions import draft, refill
from tests.real_data.charts import Chart, answered, when

Resource = dict[str, Any]
ADMISSION_WORK = timedelta(hours=4)  # after which the chart of an admission is looked at


class Visit(msgspec.Struct, frozen=True):
    """A patient with the chart, and the prefetch answers that do not depend on the hook."""

    person: Person
    chart: Chart
    answers: dict[str, Any]


def visit(person: Person, knowledge: Knowledge, as_of: datetime = AS_OF) -> Visit:
    """The patient's chart as it was at a moment, answered for every prefetch key that the EHR knows."""
    chart = chart_of(person)
    if as_of < AS_OF:
        chart.resources = [one for one in chart.resources if when(one) <= as_of]
    absent = population()["quirks"]["no-statements"].get(person.style, 0)
    silent = {"medicationStatements"} if person.draws.happens("no-statements", absent) else set()
    answers = {
        entry.key: answered(chart, entry, sloppy=False)
        for entry in knowledge.key_plan
        if entry.resource != "Encounter" and entry.key not in silent
    }
    encounters = [one for one in chart.resources if one["resourceType"] == "Encounter"]
    return Visit(person, chart, answers | ({"encounter": encounters[0]} if encounters else {}))


def calls_about(person: Person, knowledge: Knowledge) -> Iterator[Call]:
    """Each call about a patient: the chart opened, orders written and signed, repeats, admission and discharge."""
    now = visit(person, knowledge)
    yield _call(now, knowledge, "patient-view", {})
    drafts = _drafts(person)
    chosen = [f"{drafts[0]['resourceType']}/{drafts[0]['id']}"]
    yield _call(now, knowledge, "order-select", {"draftOrders": _bundle(drafts), "selections": chosen})
    yield _call(now, knowledge, "order-sign", {"draftOrders": _bundle(drafts)})
    if person.setting == "gp":
        repeats = [use for use in person.uses if use.days > 60 and not use.told][:3]
        if repeats:
            medications = _bundle([refill(person, use) for use in repeats])
            yield _call(now, knowledge, "medication-refill", {"medications": medications})
    if person.stay:
        begun = admitted(person) + ADMISSION_WORK
        start = min(begun, AS_OF)
        yield _call(visit(person, knowledge, start), knowledge, "encounter-start", {}, start)
        yield _call(now, knowledge, "encounter-discharge", {})


def _drafts(person: Person) -> list[Resource]:
    weights = population()["orders"][person.setting]
    stream = person.draws.stream("orders")
    first, second, another = stream.random(), stream.random(), stream.random()
    products = [picked(first, weights)]
    if another < population()["habits"]["second_order"]:
        products += [product for product in [picked(second, weights)] if product not in products]
    return [draft(person, product, turn) for turn, product in enumerate(products)]


def _bundle(resources: list[Resource]) -> Resource:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def _call(seen: Visit, knowledge: Knowledge, hook: str, context: Resource, as_of: datetime = AS_OF) -> Call:
    plan = tuple(entry for entry in knowledge.key_plan if hook in entry.hooks)
    encounter = encounter_id(seen.person)
    body = {
        "hook": hook,
        "hookInstance": f"00000000-0000-4000-8000-00000000{seen.person.number:04}",
        "context": {
            "patientId": seen.chart.patient_id,
            "userId": "Practitioner/example",
            **({"encounterId": encounter} if encounter else {}),
            **context,
        },
        "prefetch": {entry.key: seen.answers[entry.key] for entry in plan if entry.key in seen.answers},
    }
    return gather(decode_envelope(orjson.dumps(body), hook), plan, now=as_of)
