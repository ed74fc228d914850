"""What STU3 and R5 say with other members than R4, and what only DSTU2 has: each fact by itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.facts.snapshot import Quarantined, Snapshot
from cds_service.fhir.prefetch import read_answer
from cds_service.knowledge.model import KeyPlanEntry
from tests.unit.fhir import lab_results
from tests.unit.fhir.charts import (
    LOINC,
    SNOMED,
    SUBJECT,
    chart,
    concept,
    day,
    only,
    order,
    raw,
    statement,
)

OMEPRAZOLE = "A02BC01"
TABLET = {"value": 1, "unit": "tablet"}
AGAINST_SEIZURES = concept("91175000", system=SNOMED)


def statuses(*resources: dict[str, Any], admitted: bool = False) -> list[str]:
    return [drug.status for drug in chart(*resources, admit_unknown_status=admitted).drug_list]


def r5_order(**members: Any) -> dict[str, Any]:
    return order(medication={"concept": concept(OMEPRAZOLE)}, **members)


def condition(**members: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": "c1", "subject": SUBJECT, "code": AGAINST_SEIZURES} | members


def procedure(**members: Any) -> dict[str, Any]:
    made = {"resourceType": "Procedure", "id": "x1", "status": "completed", "subject": SUBJECT}
    return made | {"code": concept("105502003", system=SNOMED)} | members


def stay(**members: Any) -> Snapshot:
    made = {"resourceType": "Encounter", "id": "e1", "status": "in-progress", "subject": SUBJECT}
    return chart(made | members, key="encounter")


# ---- use of drugs


@pytest.mark.parametrize(("taken", "status"), [("y", ["active"]), ("na", ["active"]), ("unk", []), ("n", [])])
def test_in_stu3_taken_says_whether_it_is_used(taken: str, status: list[str]) -> None:
    assert statuses(statement(OMEPRAZOLE, taken=taken)) == status


def test_a_use_that_is_over_stays_over_when_nobody_knows_whether_it_was_taken() -> None:
    assert statuses(statement(OMEPRAZOLE, status="completed", taken="unk")) == ["past"]


@pytest.mark.parametrize(
    "record",
    [
        order(OMEPRAZOLE, status="unknown"),
        r5_order(status="unknown"),
        statement(OMEPRAZOLE, status="unknown"),
        statement(OMEPRAZOLE, taken="unk"),
        statement(OMEPRAZOLE, status="recorded", adherence={"code": {"coding": [{"code": "unknown"}]}}),
    ],
    ids=["order", "order R5", "statement", "statement STU3", "statement R5"],
)
def test_use_of_unknown_status_is_an_open_question_unless_the_site_writes_it_for_drugs_in_use(record: Any) -> None:
    assert statuses(record) == []
    assert [drug.system for drug in chart(record).unmapped] == ["status unknown"]
    assert statuses(record, admitted=True) == ["active"]


def test_an_r5_order_that_ended_is_over() -> None:
    assert statuses(r5_order(status="ended")) == ["past"]
    assert chart(drafts=(r5_order(status="ended"),), hook="order-sign").drug_list == ()


@pytest.mark.parametrize(
    ("timing", "since", "until"),
    [
        ({"repeat": {"boundsPeriod": {"start": "2026-01-02", "end": "2026-02-03"}}}, "2026-01-02", "2026-02-03"),
        ({"event": ["2026-01-02"]}, "2026-01-02", None),
        ({}, None, None),
    ],
)
def test_an_r5_statement_may_hold_its_period_in_a_timing(timing: Any, since: str | None, until: str | None) -> None:
    made = {"resourceType": "MedicationStatement", "id": "s1", "status": "recorded", "subject": SUBJECT}
    found = only(chart(made | {"medication": {"concept": concept(OMEPRAZOLE)}, "effectiveTiming": timing}))
    assert (day(found.since), day(found.until)) == (since, until)


@pytest.mark.parametrize("instructions", [[], [{"text": "daily"}], [{"timing": {"repeat": {"frequency": 1}}}]])
def test_the_period_of_use_of_an_r5_order_bounds_its_instructions(instructions: list[Any]) -> None:
    period = {"start": "2026-01-02", "end": "2026-02-03"}
    found = only(chart(r5_order(effectiveDosePeriod=period, dosageInstruction=instructions)))
    assert (day(found.since), day(found.until), found.status) == ("2026-01-02", "2026-02-03", "past")


def test_an_instruction_with_bounds_of_its_own_keeps_them() -> None:
    own = {"timing": {"repeat": {"boundsPeriod": {"start": "2026-05-01"}}}}
    found = only(chart(r5_order(effectiveDosePeriod={"start": "2026-01-02"}, dosageInstruction=[own])))
    assert day(found.since) == "2026-05-01"


@pytest.mark.parametrize("most", [[], [{"numerator": TABLET, "denominator": {"value": 1, "unit": "d"}}]])
def test_an_r5_maximum_dose_is_a_list(most: list[Any]) -> None:
    found = only(chart(r5_order(dosageInstruction=[{"text": "daily", "maxDosePerPeriod": most}])))
    assert found.dosages[0].text == "daily"


@pytest.mark.parametrize(
    ("given", "amount"),
    [({"doseRange": {"low": {"value": 1}, "high": {"value": 2}}}, 2), ({"doseQuantity": TABLET}, 1)],
)
def test_an_stu3_dose_stands_in_the_instruction_itself(given: dict[str, Any], amount: int) -> None:
    (instruction,) = only(chart(order(OMEPRAZOLE, dosageInstruction=[given]))).dosages
    assert instruction.amount == amount


def test_a_dose_range_may_have_a_low_end_only() -> None:
    (instruction,) = only(chart(order(OMEPRAZOLE, dosageInstruction=[{"doseRange": {"low": TABLET}}]))).dosages
    assert instruction.amount == 1


# ---- products


@pytest.mark.parametrize(
    "part",
    [
        {"itemCodeableConcept": concept(OMEPRAZOLE), "strength": {"numerator": {"value": 20, "unit": "mg"}}},
        {"itemCodeableConcept": concept(OMEPRAZOLE), "amount": {"numerator": {"value": 20, "unit": "mg"}}},
        {"item": {"concept": concept(OMEPRAZOLE)}, "strengthRatio": {"numerator": {"value": 20, "unit": "mg"}}},
        {"item": {"concept": concept(OMEPRAZOLE)}, "strengthQuantity": {"value": 20, "unit": "mg"}},
    ],
    ids=["R4", "STU3", "R5", "R5 quantity"],
)
def test_the_ingredient_of_a_product_is_read_with_its_strength(part: dict[str, Any]) -> None:
    product = {"resourceType": "Medication", "id": "x", "ingredient": [part]}
    found = only(chart(order(medicationReference={"reference": "Medication/x"}), included=(product,)))
    assert found.ingredients == {"omeprazole"}
    (strength,) = found.strengths
    assert (strength.amount, strength.unit) == (Decimal(20), "mg")


def test_an_r5_ingredient_may_refer_to_its_substance() -> None:
    substance = {"resourceType": "Substance", "id": "s", "code": {"concept": concept(OMEPRAZOLE)}}
    part = {"item": {"reference": {"reference": "Substance/s"}}, "strengthCodeableConcept": {"text": "20 mg"}}
    product = {"resourceType": "Medication", "id": "x", "ingredient": [part]}
    found = only(chart(order(medicationReference={"reference": "Medication/x"}), included=(product, substance)))
    assert found.ingredients == {"omeprazole"}


def test_the_dose_form_of_an_r5_product_tells_the_route() -> None:
    product = {"resourceType": "Medication", "id": "x", "code": concept("J01GB01"), "doseForm": {"text": "eye drops"}}
    found = only(chart(order(medicationReference={"reference": "Medication/x"}), included=(product,)))
    assert found.route == "ophthalmic"


def test_a_product_of_no_known_shape_is_no_product() -> None:
    product = {"resourceType": "Medication", "id": "x", "ingredient": 5}
    found = chart(order(medicationReference={"reference": "Medication/x"}), included=(product,))
    assert [drug.system for drug in found.unmapped] == ["text"]


# ---- problems, procedures, stays, results


def test_an_stu3_condition_has_its_encounter_and_date_under_other_names() -> None:
    made = condition(clinicalStatus="active", context={"reference": "Encounter/e1"}, assertedDate="2026-03-04")
    (problem,) = chart(made, key="conditions").problems["seizure"]
    assert (problem.encounter, day(problem.at), problem.active) == ("Encounter/e1", "2026-03-04", True)


@pytest.mark.parametrize("member", ["notDone", "notPerformed"])
def test_a_procedure_that_was_not_done_is_none(member: str) -> None:
    assert "dialysis" in chart(procedure(**{member: False}), key="procedures").procedures
    assert "dialysis" not in chart(procedure(**{member: True}), key="procedures").procedures


def test_an_stu3_procedure_has_its_encounter_in_its_context() -> None:
    made = procedure(context={"reference": "Encounter/e1"}, performedDateTime="2026-01-01")
    (done,) = chart(made, key="procedures").procedures["dialysis"]
    assert done.encounter == "Encounter/e1"


@pytest.mark.parametrize(
    "reason",
    [
        {"reasonCode": [AGAINST_SEIZURES]},
        {"reason": [AGAINST_SEIZURES]},
        {"reason": [{"value": [{"concept": AGAINST_SEIZURES}, {"reference": {"reference": "Condition/1"}}]}, "x"]},
    ],
    ids=["R4", "STU3", "R5"],
)
def test_the_reason_of_a_stay_is_a_problem(reason: dict[str, Any]) -> None:
    assert "seizure" in stay(period={"start": "2026-11-20"}, **reason).problems


@pytest.mark.parametrize(
    ("sent", "status", "inpatient"),
    [("on-hold", "onleave", True), ("discharged", "finished", False), ("discontinued", "finished", False)],
)
def test_an_r5_stay_has_statuses_of_its_own(sent: str, status: str, inpatient: bool) -> None:
    classes = [{"text": "inpatient"}, {"coding": [{"display": "inpatient"}, {"code": "IMP"}]}]
    found = stay(**{"status": sent, "class": classes, "actualPeriod": {"start": "2026-11-20"}}).stay
    assert found is not None
    assert (found.status, found.inpatient, day(found.started)) == (status, inpatient, "2026-11-20")


@pytest.mark.parametrize(
    ("note", "haemolysed"),
    [
        ({"note": [{"text": "Specimen slightly hemolyzed"}]}, True),
        ({"comment": "Specimen slightly hemolyzed"}, True),
        ({"comment": "not hemolyzed"}, False),
        ({"comment": {"hemolyzed": 1}}, False),
    ],
)
def test_an_stu3_comment_on_a_result_is_its_note(note: dict[str, Any], haemolysed: bool) -> None:
    found = lab_results.only(lab_results.read(lab_results.observation("2823-3", 5.9, **note)), "potassium")
    assert ("haemolysed" in found.flags) is haemolysed


# ---- orders of tests, and DSTU2


@pytest.mark.parametrize("name", ["ServiceRequest", "ProcedureRequest"])
def test_an_stu3_order_of_a_test_is_one(name: str) -> None:
    made = {"resourceType": name, "id": "r1", "status": "active", "intent": "order", "subject": SUBJECT}
    found = chart(made | {"code": concept("2601-3", system=LOINC)}, key="orders")
    assert set(found.orders) == {"magnesium-serum"}


@pytest.mark.parametrize(
    ("name", "asked"), [("MedicationOrder", "MedicationRequest"), ("DiagnosticOrder", "ServiceRequest")]
)
def test_what_only_dstu2_has_is_set_aside_and_said(name: str, asked: str) -> None:
    old = {"resourceType": name, "id": "d1", "status": "active", "patient": SUBJECT, "code": concept("2601-3")}
    entry = KeyPlanEntry("medications", f"{asked}?patient=x", {}, {}, asked)
    bundle = {"resourceType": "Bundle", "entry": [{"resource": old}]}
    for answer in (read_answer(raw(bundle), entry), read_answer(raw(old), entry)):
        assert (answer.state, len(answer.resources), len(answer.included)) == ("complete", 1, 0)
    found = chart(old)
    assert found.quarantine == (Quarantined("medications", f"{name}/d1", "dstu2"),)
    assert found.coverage["medications"].state == "unordered"
    assert found.drug_list == ()


def test_a_dstu2_draft_is_set_aside_and_said() -> None:
    old = {"resourceType": "MedicationOrder", "id": "d1", "patient": SUBJECT}
    old["medicationCodeableConcept"] = concept(OMEPRAZOLE)
    found = chart(drafts=(old, order(OMEPRAZOLE, id="d2")), hook="order-sign")
    assert found.quarantine == (Quarantined("draftOrders", "MedicationOrder/d1", "dstu2"),)
    assert [drug.ref for drug in found.drug_list] == ["MedicationRequest/d2"]
