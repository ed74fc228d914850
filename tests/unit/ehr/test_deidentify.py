"""A saved exchange holds nothing of the patient, and still is the same case."""

from __future__ import annotations

import re
from copy import deepcopy
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.ehr.deidentify import ANSWERED, AS_OF, Deidentified, personal_marks
from cds_service.ehr.wire import WRITE
from cds_service.errors import EhrError
from tests.fixtures.service import gist, post
from tests.unit.ehr.patients import broken_requests, fixture_requests
from tests.unit.ehr.traces import DAY, ids, strings, traces

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FAR = -60_000  # days; no date of a fixture moved so far can be another one's
FIXTURES = dict(fixture_requests())
BROKEN = dict(broken_requests())
# what these cases are about stands in free text only: a note on the sample, a symptom, a dose
TOLD_IN_WORDS = {
    "man_55_haemolysed_high_potassium patient-view",
    "man_71_ckd4_magnesium_laxative patient-view",
    "woman_49_magnesium_oxide_dose_ambiguous patient-view",
    "woman_67_omeprazole_severe_hypomagnesaemia patient-view",
    "admission_with_severe_hypomagnesaemia",
    "severe_hypomagnesaemia_on_a_ppi",
}
SECRET = st.text(st.characters(categories=["L"]), min_size=5, max_size=12)


def without_patient(request: dict[str, Any], days: int = FAR) -> dict[str, Any]:
    return Deidentified(request, days, NOW).request


@pytest.mark.parametrize("name", [*FIXTURES, *BROKEN])
def test_nothing_of_a_fixture_patient_is_left(name: str) -> None:
    request = (FIXTURES | BROKEN)[name]
    assert traces(request, without_patient(request)) == []


@pytest.mark.parametrize("name", FIXTURES)
def test_a_saved_exchange_gets_the_same_cards_unless_they_rest_on_words(name: str) -> None:
    request, kept = FIXTURES[name], without_patient(FIXTURES[name], -1000)
    before, after = (post(request["hook"], WRITE(body)).json["cards"] for body in (request, kept))
    assert (list(map(gist, before)) == list(map(gist, after))) == (name not in TOLD_IN_WORDS)


@given(st.sampled_from(sorted(FIXTURES)), st.integers(-90_000, -45_000), SECRET)
@settings(max_examples=60, deadline=None)
def test_whatever_is_written_into_a_free_member_is_gone(name: str, days: int, secret: str) -> None:
    request = deepcopy(FIXTURES[name])
    for resource in everything(request):
        resource |= {
            "text": {"status": "generated", "div": f"<div>{secret}</div>"},
            "note": [{"text": secret}],
            "identifier": [{"system": f"http://{secret}.example", "value": secret}],
            "name": [{"family": secret, "given": [secret]}],
            "telecom": [{"value": secret}],
            "photo": [{"data": secret, "title": secret}],
            "performer": [{"reference": f"Practitioner/{secret}", "display": secret}],
            "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/own", "valueString": secret}],
            "meta": {"source": f"urn:{secret}", "tag": [{"display": secret}]},
            "somethingNew": {"text": secret},
        }
        resource.get("code", {})["text"] = secret
    kept = without_patient(request, days)
    assert traces(request, kept) == []
    assert not any(secret in text for _, text in strings(kept))


def everything(node: Any) -> list[dict[str, Any]]:
    """Every resource that is no Bundle."""
    if isinstance(node, list):
        return [found for item in node for found in everything(item)]
    if not isinstance(node, dict):
        return []
    own = [node] if node.get("resourceType", "Bundle") != "Bundle" else []
    return own + [found for value in list(node.values()) for found in everything(value)]


@pytest.mark.parametrize("name", FIXTURES)
def test_all_dates_are_moved_by_the_same_number_of_days(name: str) -> None:
    request = FIXTURES[name]
    before = {day for _, text in strings(request) for day in DAY.findall(text)}
    after = {day for _, text in strings(without_patient(request, -1234)) for day in DAY.findall(text)}
    moved = {date.fromordinal(date.fromisoformat(day).toordinal() - 1234).isoformat() for day in before}
    assert after <= moved


@pytest.mark.parametrize("name", FIXTURES)
def test_references_hold(name: str) -> None:
    request = FIXTURES[name]
    kept = without_patient(request)

    def links(body: Any) -> int:
        there = {str(found.get("id")) for found in everything(body)}
        told = [text for member, text in strings(body) if member in ("reference", "selections")]
        return sum(re.split(r"[/:#]", text)[-1] in there for text in told)

    assert links(kept) >= links(request) - count_left_out(request)
    assert kept["context"]["patientId"] in ids(list(strings(kept["prefetch"])))


def count_left_out(request: dict[str, Any]) -> int:
    """References in members that are left out, such as who performed a test or told of a drug."""
    return sum(
        1 for member, _ in strings([r.get(m) for r in everything(request) for m in LEFT_OUT]) if member == "reference"
    )


LEFT_OUT = ("performer", "requester", "informationSource", "asserter", "recorder", "reportedReference")


def test_numbers_keep_their_digits_and_partial_dates_their_precision() -> None:
    found = observation(valueQuantity={"value": Decimal("0.70"), "unit": "mmol/L"}, effectiveDateTime="2026-03")
    kept = kept_observation(found, days=-31)
    assert str(kept["valueQuantity"]["value"]) == "0.70"
    assert kept["effectiveDateTime"] == "2026-02"


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ({"valueString": "<0.10"}, "<0.10"),
        ({"valueString": "0612345678"}, None),
        ({"valueString": "see letter of Dr. Jansen"}, None),
        ({"valueQuantity": {"value": 1, "unit": "Jansen"}}, {"value": 1}),
        ({"valueQuantity": {"value": 1, "unit": "{tablet}"}}, {"value": 1, "unit": "{tablet}"}),
        ({"valueBoolean": True}, True),
        ({"valueInteger": 3}, 3),
        ({"valueInteger": "3 Jansen"}, None),
    ],
)
def test_only_what_looks_like_a_result_is_one(sent: dict[str, Any], left: Any) -> None:
    (member,) = sent
    assert kept_observation(observation(**sent)).get(member) == left


def test_a_site_s_own_code_system_is_renamed_and_its_codes_stay() -> None:
    coding = {"system": "https://ziekenhuis.example/lab", "code": "K-01", "display": "Kalium van Jansen"}
    codes = kept_observation(observation(code={"coding": [coding, coding]}))["code"]["coding"]
    assert codes[0] == codes[1] == {"system": "https://local.example/1", "code": "K-01"}


def test_a_modifier_of_others_still_forbids_the_resource() -> None:
    found = observation(modifierExtension=[{"url": "https://ziekenhuis.example/geheim", "valueString": "Jansen"}])
    assert kept_observation(found)["modifierExtension"] == [{"url": "https://local.example/1"}]


def test_a_known_extension_keeps_its_period_and_an_absent_reason_stays() -> None:
    found = observation(
        _effectiveDateTime={
            "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
        },
        extension=[{"url": "https://ziekenhuis.example/x", "valueCode": "unknown"}],
    )
    kept = kept_observation(found)
    assert kept["_effectiveDateTime"]["extension"][0]["valueCode"] == "unknown"
    assert "extension" not in kept


def test_contained_products_stay_with_new_ids_and_unknown_types_go() -> None:
    product = {"resourceType": "Medication", "id": "prod", "code": {"coding": [{"code": "A02BC01"}], "text": "geheim"}}
    letter = {"resourceType": "DocumentReference", "id": "brief", "description": "geheim"}
    order = {
        "resourceType": "MedicationRequest", "id": "m1", "status": "active", "contained": [product, letter],
        "medicationReference": {"reference": "#prod", "display": "geheim"},
        "subject": {"reference": "https://ehr.example/fhir/Patient/p-1/_history/3", "display": "Jansen"},
    }  # fmt: skip
    (kept,) = everything(without_patient(about(order))["prefetch"])[:1]
    assert [one["resourceType"] for one in kept["contained"]] == ["Medication"]
    assert kept["medicationReference"] == {"reference": f"#{kept['contained'][0]['id']}"}
    assert re.fullmatch(r"Patient/00000000-0000-4000-8000-\d{12}", kept["subject"]["reference"])


def test_conditional_references_and_links_hold_no_address() -> None:
    found = observation(subject={"reference": "Patient?identifier=https://bsn|123456782"})
    bundle = {
        "resourceType": "Bundle", "type": "searchset",
        "link": [{"relation": "next", "url": "https://ehr.example/fhir?patient=p-1"}],
        "entry": [{"fullUrl": "https://ehr.example/fhir/Observation/o-1", "resource": found}],
    }  # fmt: skip
    kept = without_patient(about(bundle))["prefetch"]["labs"]
    assert kept["link"] == [{"relation": "next", "url": "https://local.example/1"}]
    assert kept["entry"][0].keys() == {"resource"}
    assert "subject" not in kept["entry"][0]["resource"]


def test_access_and_unknown_members_of_the_request_are_left_out() -> None:
    request = about(observation()) | {
        "fhirServer": "https://ehr.example/fhir",
        "fhirAuthorization": {"access_token": "geheim"},
        "extension": {"com.example": "geheim"},
    }
    kept = without_patient(request, -10)
    assert kept.keys() == {"hook", "hookInstance", "context", "prefetch", "extension"}
    assert kept["extension"] == {AS_OF: "2026-11-11T09:00:00+00:00"}


def test_an_answer_of_which_nothing_is_left_does_not_become_nothing_there() -> None:
    request = about({"resourceType": "DocumentReference", "id": "d"})
    assert without_patient(request)["prefetch"] == {}


def test_an_empty_answer_stays_an_answer() -> None:
    request = about(observation())
    request["prefetch"]["conditions"] = None
    assert without_patient(request)["prefetch"]["conditions"] is None


def test_a_patient_named_like_a_code_is_not_saved() -> None:
    patient = {"resourceType": "Patient", "id": "p-1", "name": [{"family": "K-01x"}]}
    request = about(observation(code={"coding": [{"code": "K-01x"}]}))
    request["prefetch"]["patient"] = patient
    assert set(personal_marks(request)) == {"K-01x"}
    with pytest.raises(EhrError, match="1 names or numbers of the patient are also codes; nothing was saved"):
        without_patient(request)


def test_of_the_answer_only_what_fired_is_kept() -> None:
    kept = Deidentified(about(observation()), -10, NOW)
    card = {
        "summary": "Jansen has low magnesium", "detail": "Jansen", "indicator": "warning",
        "source": {"label": "Jansen", "topic": {"code": "mg-hypomagnesaemia", "display": "Jansen"}},
        "extension": {"org.ionwise.rules": [{"id": "mg-hypomagnesaemia", "outcome": "fires"}]},
    }  # fmt: skip
    kept.answered({"cards": [card, {"indicator": "Jansen"}, "Jansen"]})
    told = {"indicator": "warning", "topic": "mg-hypomagnesaemia", "rules": ["mg-hypomagnesaemia"]}
    assert kept.request["extension"][ANSWERED] == {"cards": [told, {}, {}]}


def observation(**members: Any) -> dict[str, Any]:
    """A result of the patient p-1."""
    return {
        "resourceType": "Observation", "id": "o-1", "status": "final", "subject": {"reference": "Patient/p-1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2601-3"}]},
    } | members  # fmt: skip


def about(answer: dict[str, Any]) -> dict[str, Any]:
    """A request with one answer."""
    context = {"userId": "Practitioner/dr-1", "patientId": "p-1"}
    return {"hook": "patient-view", "hookInstance": "i-1", "context": context, "prefetch": {"labs": answer}}


def kept_observation(found: dict[str, Any], days: int = -10) -> dict[str, Any]:
    """What is left of a result."""
    kept: dict[str, Any] = without_patient(about(found), days)["prefetch"]["labs"]
    return kept


JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "coding", "id", "entry", "resource", "link", "subject"]), inner)
    ),
    max_leaves=12,
)


@given(JSON_VALUE, st.sampled_from(["Observation", "Bundle", "Patient", "Unknown"]))
@settings(max_examples=150, deadline=None)
def test_whatever_json_a_server_sends_can_be_saved(value: Any, kind: str) -> None:
    answer = value | {"resourceType": kind} if isinstance(value, dict) else {"resourceType": kind, "code": value}
    without_patient(about(answer) | {"context": value, "extension": value})
