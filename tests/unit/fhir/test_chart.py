"""The snapshot of a call: person, stay, orders, coverage, quarantine; one bad resource spoils nothing else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.errors import CannotTellError
from cds_service.facts.proof import require_unmeasured
from cds_service.fhir.call import Call, KeyAnswer
from cds_service.fhir.read.chart import read_chart
from tests.unit.fhir.charts import (
    AMSTERDAM,
    KEYS,
    LOINC,
    NOW,
    PATIENT,
    SNOMED,
    SUBJECT,
    UCUM,
    VOCABULARY,
    chart,
    concept,
    order,
    raw,
    statement,
)

PERSON = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1961-05-04"}


def visit(**more: Any) -> dict[str, Any]:
    made = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "in-progress",
        "class": {"code": "IMP"},
        "subject": SUBJECT,
    }
    return made | more


def result(**more: Any) -> dict[str, Any]:
    quantity = {"value": 0.61, "unit": "mmol/L", "system": UCUM, "code": "mmol/L"}
    made = {"resourceType": "Observation", "id": "o1", "status": "final", "subject": SUBJECT, "valueQuantity": quantity}
    return made | {"code": concept("2601-3", system=LOINC), "effectiveDateTime": "2026-11-20T08:00:00+01:00"} | more


def test_the_snapshot_knows_which_salts_supply_an_element() -> None:
    salts = chart().salts["magnesium"]
    assert set(salts) == {"magnesium-citrate", "magnesium-hydroxide"}
    assert salts["magnesium-citrate"] == (Decimal("16.0"), Decimal("16.2"))


def test_the_person_is_read_from_the_patient_of_the_call() -> None:
    person = chart(PERSON, key="patient").person
    assert (person.id, person.sex, person.deceased, person.birth is not None) == ("p1", "female", False, True)
    assert chart(PERSON | {"gender": "other"}).person.sex is None
    assert chart(PERSON | {"deceasedBoolean": True}).person.deceased
    assert chart(PERSON | {"deceasedDateTime": "2026-01-01"}).person.deceased
    assert not chart(PERSON | {"deceasedBoolean": False}).person.deceased


def test_another_patient_is_not_the_person() -> None:
    snapshot = chart(PERSON | {"id": "p2"}, key="patient")
    assert snapshot.person.birth is None
    assert [(q.key, q.ref, q.reason) for q in snapshot.quarantine] == [("patient", "Patient/p2", "dq-subject")]


@pytest.mark.parametrize(
    ("encounter", "inpatient"),
    [
        (visit(), True),
        (visit(status="onleave", **{"class": {"code": "EMER"}}), True),
        (visit(**{"class": {"code": "AMB"}}), False),
        (visit(**{"class": [{"coding": [{"code": "IMP"}]}]}), True),
        (visit(status="finished"), False),
    ],
)
def test_inpatient_is_a_hospital_class_under_way(encounter: dict[str, Any], inpatient: bool) -> None:
    stay = chart(encounter, encounter_id="e1").stay
    assert stay is not None
    assert (stay.ref, stay.inpatient) == ("Encounter/e1", inpatient)


def test_at_discharge_the_status_of_the_stay_does_not_matter() -> None:
    stay = chart(visit(status="finished"), hook="encounter-discharge", encounter_id="e1").stay
    assert stay is not None
    assert stay.inpatient


def test_the_ward_gives_place_codes_and_whether_it_is_for_children() -> None:
    wards = [
        {"location": {"reference": "Location/icu", "display": "Intensive care"}},
        {"location": {"reference": "Location/old", "display": "Kinderafdeling"}, "status": "completed"},
    ]
    stay = chart(visit(location=wards)).stay
    assert stay is not None
    assert (stay.place, stay.paediatric) == ("Intensive care", False)
    assert stay.codes == {"icu", "Location/icu"}
    for text in ("Kindergeneeskunde", "Neonatologie", "Pediatrics", "paediatric ward"):
        children = chart(visit(serviceType={"text": text})).stay
        assert children is not None
        assert children.paediatric


def test_the_latest_encounter_is_the_one_that_began_last_whatever_its_offset() -> None:
    earlier = visit(id="e1", status="finished", period={"start": "2026-11-20T10:00:00+01:00"})
    later = visit(id="e2", status="finished", period={"start": "2026-11-20T09:30:00Z"})
    undated = visit(id="e3", status="finished")
    for encounters in ((earlier, later, undated), (undated, later, earlier)):
        stay = chart(*encounters, key="encounter").stay
        assert stay is not None
        assert stay.ref == "Encounter/e2"


def test_an_encounter_that_names_no_subject_counts_only_when_the_call_names_it() -> None:
    nameless = {name: value for name, value in visit().items() if name != "subject"}
    assert chart(nameless, encounter_id="e1").stay is not None
    assert chart(nameless).stay is None


def test_active_orders_are_read_by_code_and_dated_by_the_later_date() -> None:
    test = {"resourceType": "ServiceRequest", "id": "r1", "status": "active", "intent": "order", "subject": SUBJECT}
    test |= {"code": concept("2601-3", system=LOINC), "authoredOn": "2026-11-01", "occurrenceDateTime": "2026-11-30"}
    (found,) = chart(test).orders["magnesium-serum"]
    assert found.at is not None
    assert (found.ref, found.at.latest.day) == ("ServiceRequest/r1", 30)
    assert set(chart(test | {"code": concept("24326-1", system=LOINC)}).orders) == {"magnesium-serum", "potassium"}
    for refused in ({"status": "draft"}, {"intent": "plan"}, {"doNotPerform": True}, {"code": {"text": "magnesium"}}):
        assert not chart(test | refused).orders


def test_resources_are_read_by_what_they_are_whatever_key_they_came_under() -> None:
    snapshot = chart(PERSON, visit(), result(), order("A02BC01"), key="anything")
    assert snapshot.person.sex == "female"
    assert snapshot.stay is not None
    assert snapshot.present >= {"result:magnesium-serum", "drug:ppi"}


def test_a_resource_delivered_twice_counts_once_and_the_later_version_wins() -> None:
    older = order("A02BC01", meta={"lastUpdated": "2026-01-01T00:00:00Z"})
    newer = order("C03AA03", meta={"lastUpdated": "2026-02-01T00:00:00Z"})
    for resources in ((older, newer), (newer, older)):
        assert [e.groups for e in chart(*resources).drug_list] == [{"thiazide"}]
    assert len(chart(result(), result()).results["magnesium-serum"]) == 1


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/p2"},
        {"display": "someone"},
        {"reference": "Group/p1"},
        {"reference": "#p1"},
        {"reference": "p1", "type": "Group"},
        None,
    ],
)
def test_what_is_not_surely_about_the_patient_is_dropped(subject: dict[str, Any] | None) -> None:
    snapshot = chart(*(made | {"subject": subject} for made in (order("A02BC01"), statement("A02BC01"), result())))
    assert not snapshot.drug_list
    assert not snapshot.results
    assert {q.reason for q in snapshot.quarantine} == {"dq-subject"}


@pytest.mark.parametrize(
    "reference", ["https://ehr.example/fhir/Patient/p1", "urn:uuid:p1", "Patient/p1/_history/2", "p1", "/Patient/p1"]
)
def test_every_form_of_reference_to_the_patient_is_recognised(reference: str) -> None:
    snapshot = chart(*(made | {"subject": {"reference": reference}} for made in (order("A02BC01"), result())))
    assert snapshot.drug_list
    assert snapshot.results


def test_a_key_is_as_complete_as_its_answer() -> None:
    coverage = chart(result(), key="labsRare").coverage
    assert {key: covered.state for key, covered in coverage.items()} == {
        "labsRare": "complete",
        "labsFrequent": "not asked",
    }
    assert chart(key="labsRare", state="failed").coverage["labsRare"].state == "failed"
    assert chart("{", key="labsRare").coverage["labsRare"].state == "unordered"


def test_an_unreadable_resource_leaves_the_results_beside_it_as_they_are() -> None:
    snapshot = chart(result(), "{", key="labsRare")
    assert not snapshot.provisional
    assert snapshot.results["magnesium-serum"]
    assert snapshot.coverage["labsRare"].state == "unordered"


@pytest.mark.parametrize("subject", [None, {"display": "somebody"}])
def test_a_record_that_does_not_say_whose_it_is_may_be_the_patients(subject: dict[str, str] | None) -> None:
    snapshot = chart(order("A02BC01", subject=subject))
    assert (snapshot.drug_list, snapshot.coverage["medications"].state) == ((), "unordered")
    elses = chart(order("A02BC01", subject={"reference": "Patient/p2"}))
    assert (elses.drug_list, elses.coverage["medications"].state) == ((), "complete")


def test_a_cut_page_reaches_back_only_when_it_is_provably_newest_first() -> None:
    pages = [result(id=f"o{d}", effectiveDateTime=f"2026-11-{d:02}T08:00:00+01:00") for d in (19, 17, 15)]
    newest_first = chart(*pages, key="labsRare", state="truncated")
    covered = newest_first.coverage["labsRare"]
    assert covered.state == "truncated"
    assert covered.reaches_to is not None
    assert covered.reaches_to.earliest.astimezone(AMSTERDAM).day == 15
    oldest_first = chart(*reversed(pages), key="labsRare", state="truncated")
    assert oldest_first.coverage["labsRare"].state == "unordered"
    assert "magnesium-serum" in oldest_first.provisional
    assert chart(order("A02BC01"), state="truncated").coverage["medications"].state == "unordered"


@pytest.mark.parametrize(("oldest", "days"), [("2025-11-21", 365), ("2026-11-14T09:00:00", 7)])
def test_how_far_a_page_reaches_is_told_in_the_time_of_the_site(oldest: str, days: int) -> None:
    new_york = ZoneInfo("America/New_York")
    results = [result(id=at, effectiveDateTime=at) for at in ("2026-11-20T08:00:00", oldest)]
    answers = {"labsRare": KeyAnswer("truncated", tuple(map(raw, results)))}
    call = Call("patient-view", PATIENT, datetime(2026, 11, 21, 8, tzinfo=new_york), answers)
    snapshot = read_chart(call, VOCABULARY, {"sodium": "labsRare"}, new_york)
    require_unmeasured(snapshot, "sodium", timedelta(days=days - 1))
    with pytest.raises(CannotTellError, match="only part"):
        require_unmeasured(snapshot, "sodium", timedelta(days=days))


def test_a_cut_page_that_lost_something_proves_no_absence_however_far_back_it_reaches() -> None:
    pages = [result(id=f"o{d}", effectiveDateTime=f"2026-11-{d:02}T08:00:00+01:00") for d in (19, 17, 15)]
    whole = chart(*pages, key="labsRare", state="truncated")
    nobodys = result(id="o9", subject={"display": "somebody"}, effectiveDateTime="2026-11-14T08:00:00+01:00")
    for snapshot in (
        chart(*pages, key="labsRare", state="truncated", lost=True),
        chart(*pages, nobodys, key="labsRare", state="truncated"),
    ):
        assert snapshot.results == whole.results
        assert not snapshot.provisional
        covered = snapshot.coverage["labsRare"]
        assert (covered.state, covered.reaches_to) == ("unordered", None)
        require_unmeasured(whole, "magnesium-serum", timedelta(hours=1))
        with pytest.raises(CannotTellError, match="only part"):
            require_unmeasured(snapshot, "magnesium-serum", timedelta(hours=1))


ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["coding", "text", "start"]), inner, max_size=2)
    ),
    max_leaves=4,
)
WHOLE = [
    PERSON,
    visit(reasonCode=[{"text": "x"}], location=[], serviceType={"text": "y"}),
    result(),
    order("A02BC01", "omeprazole", start="2026-01-01", medicationReference={"reference": "#a"}, contained=[], note=[]),
    statement("A12CC04", dosage=[{"text": "z"}], informationSource={}, category={}, adherence={}, dateAsserted="2026"),
    {
        "resourceType": "Condition",
        "id": "c",
        "subject": SUBJECT,
        "code": concept("91175000", system=SNOMED),
        "onsetPeriod": {},
    },
    {
        "resourceType": "Procedure",
        "id": "p",
        "subject": SUBJECT,
        "status": "completed",
        "performedPeriod": {},
        "code": {},
    },
    {
        "resourceType": "ServiceRequest",
        "id": "s",
        "subject": SUBJECT,
        "status": "active",
        "code": {},
        "occurrencePeriod": {},
    },
    {"resourceType": "Medication", "id": "a", "code": {}, "ingredient": [], "form": {}},
]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_reading_never_raises_whatever_a_member_holds(data: st.DataObject) -> None:
    resource = dict(data.draw(st.sampled_from(WHOLE)))
    resource[data.draw(st.sampled_from(sorted(resource)))] = data.draw(ODD)
    text = json.dumps(resource)
    cut = data.draw(st.none() | st.integers(0, len(text)))
    answers = {"any": KeyAnswer("complete", (raw(text[:cut]),), (raw(text[:cut]),))}
    call = Call("order-sign", "p1", NOW, answers, encounter_id="e1", drafts=(raw(text[:cut]),))
    snapshot = read_chart(call, VOCABULARY, KEYS, AMSTERDAM)
    assert snapshot.person.id == "p1"
