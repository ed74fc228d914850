"""Resources as FHIR R5 and older versions write them, read as if they were R4."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cds_service.fhir import structs
from cds_service.fhir.read.shapes import decode_as_r4
from tests.unit.fhir.charts import ATC, SNOMED, SUBJECT, chart, concept, only, raw, statement

STATEMENT = structs.MedicationStatement
OMEPRAZOLE = concept("A02BC01", system=ATC)


def as_r4(resource: dict[str, Any], kind: type[structs.Resource] = structs.MedicationRequest) -> Any:
    found = decode_as_r4(raw(resource), kind)
    assert found is not None
    return found


def request(**members: Any) -> Any:
    return as_r4({"resourceType": "MedicationRequest", "id": "m1", "subject": SUBJECT} | members)


def test_a_body_that_is_no_object_is_no_resource() -> None:
    assert decode_as_r4(msgspec.Raw(b"[1, 2]"), structs.Condition) is None


def test_a_status_written_as_a_word_becomes_a_code() -> None:
    made = {"resourceType": "Condition", "id": "c1", "clinicalStatus": "resolved", "subject": SUBJECT}
    assert as_r4(made, structs.Condition).clinical_status.coding[0].code == "resolved"


@pytest.mark.parametrize(("sources", "reference"), [([SUBJECT], "Patient/p1"), ([], "")])
def test_of_several_sources_of_information_the_first_counts(sources: list[Any], reference: str) -> None:
    made = {"resourceType": "MedicationStatement", "id": "s1", "status": "recorded", "informationSource": sources}
    assert as_r4(made, structs.MedicationStatement).information_source.reference == reference


def test_a_medication_is_a_concept_or_a_reference() -> None:
    assert request(medication={"concept": OMEPRAZOLE}).medication_codeable_concept.coding[0].code == "A02BC01"
    assert request(medication={"reference": {"reference": "Medication/1"}}).medication_reference.reference


@pytest.mark.parametrize(
    ("dosage", "as_needed"),
    [({"asNeeded": True}, True), ({"asNeeded": False}, False), ({"asNeededFor": [{"text": "pain"}]}, True)],
)
def test_as_needed_is_read_from_its_own_member(dosage: dict[str, Any], as_needed: bool) -> None:
    (instruction,) = request(dosageInstruction=[dosage]).dosage_instruction
    assert instruction.as_needed_boolean is as_needed


def test_a_reason_is_a_concept_or_a_reference() -> None:
    reasons = ["pain", {"concept": {"text": "reflux"}}, {"reference": {"reference": "Condition/1"}}]
    found = request(reason=reasons)
    assert [concept.text for concept in found.reason_code] == ["reflux"]
    assert [reference.reference for reference in found.reason_reference] == ["Condition/1"]


def test_a_code_that_is_a_concept_or_a_reference_gives_its_concept() -> None:
    made = {"resourceType": "ServiceRequest", "id": "o1", "code": {"concept": concept("1", system=SNOMED)}}
    assert as_r4(made, structs.ServiceRequest).code.coding[0].code == "1"


@pytest.mark.parametrize(
    ("services", "text"), [([{"concept": {"text": "cardiology"}}], "cardiology"), ([{"reference": SUBJECT}], "")]
)
def test_of_several_services_of_a_stay_the_first_concept_counts(services: list[Any], text: str) -> None:
    made = {"resourceType": "Encounter", "id": "e1", "class": [], "serviceType": services}
    assert as_r4(made, structs.Encounter).service_type.text == text


@pytest.mark.parametrize(
    ("adherence", "status"),
    [
        ({"code": {"coding": [{"code": "taking"}]}}, ["active"]),
        ({"code": {"coding": [{"code": "on-hold-allergy"}]}}, []),
        ({"code": {"coding": [{"code": "stopped-by-patient"}]}}, ["past"]),
        ({"code": {"coding": [{"code": "not-taking"}]}}, []),
        ({}, ["active"]),
    ],
)
def test_a_recorded_statement_is_as_its_adherence_says(adherence: dict[str, Any], status: list[str]) -> None:
    found = chart(statement("A02BC01", status="recorded", adherence=adherence))
    assert [drug.status for drug in found.drug_list] == status


def test_a_category_without_codes_says_nothing() -> None:
    record = statement("A02BC01", category={"coding": [{"display": "Patient specified"}]})
    assert only(chart(record)).over_the_counter is False


def test_a_member_of_an_impossible_shape_makes_the_resource_unreadable() -> None:
    assert decode_as_r4(raw({"resourceType": "MedicationStatement", "reason": 5}), STATEMENT) is None


def test_a_single_note_is_a_list_of_one_and_a_word_is_its_text() -> None:
    made = {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "note": "with food",
        "dosageInstruction": {"text": "daily"},
    }
    found = as_r4(made)
    assert [note.text for note in found.note] == ["with food"]
    assert [dosage.text for dosage in found.dosage_instruction] == ["daily"]
