"""A call without prefetch is answered as one with it: the service reads the server itself, with its token."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest

from cds_service.demo import read_story
from tests.conftest import fixture_marks, leaks
from tests.fhir_server.conftest import TOKEN
from tests.fhir_server.door import Door, Visit
from tests.fhir_server.ehr import Json, Service, call, with_access, with_prefetch
from tests.fhir_server.loading import FOUND, LONG_CHART
from tests.fhir_server.public_charts import public_charts
from tests.fixtures.service import gist
from tests.fixtures.test_patients import CARDS
from tests.real_data.charts import Chart

pytestmark = pytest.mark.fhir_server

DRAFTING = [story for story in FOUND if read_story(story).drafts]
COMPLETE = [story for story in FOUND if not read_story(story).records.of_type("Medication")]


def names_patient(visit: Visit, patient_id: str) -> bool:
    """Whether a request is about this patient, a Medication, or a further page."""
    asked = parse_qs(visit.form or visit.path.partition("?")[2])
    return (
        asked.get("patient") == [patient_id]
        or asked.get("subject") == [f"Patient/{patient_id}"]
        or "_getpages" in asked
        or "/Medication" in visit.path
        or f"/Patient/{patient_id}" in visit.path
        or "/Encounter/" in visit.path
        or visit.path.endswith("/metadata")
    )


def fetched(service: Service, door: Door, request: Json) -> Json:
    """The answer to the call when the service has to read the server."""
    return service.decide(with_access(request, door.address, TOKEN))


@pytest.mark.parametrize("story", FOUND)
def test_the_cards_of_a_story_come_without_prefetch(service: Service, door: Door, story: str) -> None:
    answer = fetched(service, door, call(read_story(story).context("patient-view"), "patient-view"))
    assert [gist(card) for card in answer["cards"]] == CARDS[story]


@pytest.mark.parametrize("story", COMPLETE)
def test_fetching_and_prefetch_give_the_same_answer(server: str, service: Service, door: Door, story: str) -> None:
    request = call(read_story(story).context("patient-view"), "patient-view")
    prefetched = service.decide(with_prefetch(request, service.templates["patient-view"], server))
    assert fetched(service, door, request) == prefetched


@pytest.mark.parametrize("story", DRAFTING)
def test_an_order_that_is_signed_is_judged_the_same(server: str, service: Service, door: Door, story: str) -> None:
    request = call(read_story(story).context("order-sign"), "order-sign")
    prefetched = service.decide(with_prefetch(request, service.templates["order-sign"], server))
    assert fetched(service, door, request) == prefetched


@pytest.mark.parametrize("chart", public_charts(), ids=lambda chart: chart.patient_id[:8])
def test_a_synthetic_patient_is_judged_the_same(server: str, service: Service, door: Door, chart: Chart) -> None:
    context = {"patientId": chart.patient_id, "userId": "Practitioner/demo"}
    request = call(context, "patient-view", chart.as_of().isoformat())
    prefetched = service.decide(with_prefetch(request, service.templates["patient-view"], server))
    assert fetched(service, door, request) == prefetched


def test_the_token_goes_along_with_every_request_and_each_is_about_the_patient(service: Service, door: Door) -> None:
    story = read_story("man_78_digoxin_low_potassium_and_magnesium")
    fetched(service, door, call(story.context("patient-view"), "patient-view"))
    assert door.visits
    assert [visit for visit in door.visits if not visit.admitted] == []
    assert [visit for visit in door.visits if not names_patient(visit, "okapi-78")] == []


def test_further_pages_are_read(service: Service, door: Door) -> None:
    fetched(service, door, call({"patientId": LONG_CHART, "userId": "Practitioner/demo"}, "patient-view"))
    assert [visit for visit in door.visits if "_getpages" in visit.path]


def test_a_token_that_the_server_refuses_gives_no_advice(service: Service, door: Door) -> None:
    request = call(read_story(FOUND[0]).context("patient-view"), "patient-view")
    reply = service.fire(with_access(request, door.address, "another-token"))
    assert reply.status_code == 412, reply.text
    assert reply.json()["resourceType"] == "OperationOutcome"
    assert door.visits


def test_the_service_logs_neither_patients_nor_tokens(service: Service, door: Door, log: Path) -> None:
    fetched(service, door, call(read_story(FOUND[0]).context("patient-view"), "patient-view"))
    written = log.read_text("utf-8")
    assert leaks(written, fixture_marks() | {LONG_CHART}) == []
    assert TOKEN not in written
