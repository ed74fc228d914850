"""The published prefetch templates, run as they are, give from a real server what the readers expect."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cds_service.demo import read_story
from cds_service.fhir.prefetch import read_answer
from tests.fhir_server.ehr import Service, ask, call, fetch, fill, matches, next_page, search_by_post, with_prefetch
from tests.fhir_server.loading import FOUND, LONG_CHART, PANEL, POTASSIUMS
from tests.fixtures.service import gist
from tests.fixtures.test_patients import CARDS
from tests.shipped import released

pytestmark = pytest.mark.fhir_server

PLAN = {entry.key: entry for entry in released().key_plan}
SEARCHES = [key for key, entry in PLAN.items() if "?" in entry.query]
# A published query may not ask for the Medications that orders refer to; only servers that add them unasked send them.
COMPLETE = [story for story in FOUND if not read_story(story).records.of_type("Medication")]
LONG = call({"patientId": LONG_CHART, "userId": "Practitioner/demo"}, "patient-view")


def query_of(key: str, request: dict[str, Any]) -> str:
    """The published query of a key, filled in."""
    query = fill(PLAN[key].query, request)
    assert query is not None
    return query


def ids(bundle: dict[str, Any]) -> list[str]:
    """What a search found, by id, in its order."""
    return [resource["id"] for resource in matches(bundle)]


@pytest.mark.parametrize("story", FOUND)
def test_every_query_finds_all_that_the_chart_holds(server: str, service: Service, story: str) -> None:
    chart = read_story(story)
    context = chart.context("patient-view")
    for key, template in service.templates["patient-view"].items():
        query = fill(template, {"context": context})
        held = None if query is None else chart.records.ask(query, key)
        if query is None or held is None:
            continue
        found = ask(server, query)
        answer = read_answer(msgspec.Raw(msgspec.json.encode(found)), PLAN[key])
        assert answer.state == "complete", key
        if "?" in query:
            asked_for = [entry["resource"]["id"] for entry in held["entry"] if entry["search"]["mode"] == "match"]
            assert sorted(ids(found)) == sorted(asked_for), key
        else:
            assert found["id"] == held["id"], key


@pytest.mark.parametrize("story", COMPLETE)
def test_the_servers_answers_give_the_cards_of_the_story(server: str, service: Service, story: str) -> None:
    request = call(read_story(story).context("patient-view"), "patient-view")
    answer = service.decide(with_prefetch(request, service.templates["patient-view"], server))
    assert [gist(card) for card in answer["cards"]] == CARDS[story]


def test_a_panel_is_not_found_by_the_codes_of_its_components(server: str) -> None:
    request = call(read_story(PANEL).context("patient-view"), "patient-view")
    assert matches(ask(server, query_of("labsFrequent", request))) == []
    assert matches(ask(server, query_of("labsFrequent", request).replace("&code=", "&combo-code="))) != []


def test_a_number_keeps_the_digits_that_the_laboratory_printed(server: str) -> None:
    request = call({"patientId": "okapi-71"}, "patient-view")
    [magnesium] = matches(ask(server, query_of("labsRare", request)))
    assert str(magnesium["referenceRange"][0]["low"]["value"]) == "0.70"


@pytest.mark.parametrize("key", SEARCHES)
@pytest.mark.parametrize("patient_id", ["okapi-78", "okapi-57"])
def test_a_search_by_post_finds_what_the_published_query_finds(server: str, patient_id: str, key: str) -> None:
    query = query_of(key, call({"patientId": patient_id}, "patient-view"))
    assert ids(search_by_post(server, query)) == ids(ask(server, query))


def test_results_come_newest_first(server: str) -> None:
    dates = [one["effectiveDateTime"] for one in matches(ask(server, query_of("labsFrequent", LONG)))]
    assert len(dates) == 100
    assert dates == sorted(dates, reverse=True)


def test_the_pages_of_a_long_chart_hold_every_result_once(server: str) -> None:
    page = ask(server, query_of("labsFrequent", LONG))
    found = ids(page)
    while (following := next_page(page)) is not None:
        page = fetch(following)
        found += ids(page)
    assert sorted(found) == sorted(f"{LONG_CHART}-k-{day}" for day in range(POTASSIUMS))


def test_a_page_with_more_behind_it_is_not_taken_for_all_there_is(server: str) -> None:
    page = ask(server, query_of("labsFrequent", LONG))
    assert read_answer(msgspec.Raw(msgspec.json.encode(page)), PLAN["labsFrequent"]).state == "truncated"


def test_a_patient_who_is_not_there_is_refused_and_not_judged(server: str, service: Service) -> None:
    request = call({"patientId": "nobody-here", "userId": "Practitioner/demo"}, "patient-view")
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]}
    answers = dict.fromkeys(service.templates["patient-view"], outcome)
    assert service.fire({**request, "prefetch": answers}).status_code == 412
