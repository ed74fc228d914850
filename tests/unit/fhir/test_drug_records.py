"""Where a drug record keeps its product, its period and its past, and what a page of plain records adds."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.fhir import structs
from cds_service.fhir.call import Call, KeyAnswer
from cds_service.fhir.read.chart import read_chart
from tests.unit.fhir.charts import (
    AMSTERDAM,
    ATC,
    KEYS,
    NOW,
    PATIENT,
    VOCABULARY,
    chart,
    concept,
    day,
    only,
    order,
    raw,
    statement,
)

OMEPRAZOLE = "A02BC01"
PERIOD_OF_USE = "http://nictiz.nl/fhir/StructureDefinition/ext-TimeInterval.Period"


def product(**members: Any) -> dict[str, Any]:
    return {"resourceType": "Medication", "id": "p"} | members


def names(*records: dict[str, Any], included: tuple[dict[str, Any], ...] = ()) -> list[set[str]]:
    return [set(drug.ingredients) for drug in chart(*records, included=included).drug_list]


def test_a_product_by_reference_is_known_by_the_substances_it_refers_to() -> None:
    delivered = {"resourceType": "Substance", "id": "s", "code": concept(OMEPRAZOLE)}
    made = product(ingredient=[{"itemReference": {"reference": "Substance/s"}}])
    taken = order(medicationReference={"reference": "Medication/p"})
    assert names(taken, included=(made, delivered)) == [{"omeprazole"}]
    inside = product(id="in", ingredient=[{"itemReference": {"reference": "#s"}}])
    contained = [inside, delivered]
    assert names(order(medicationReference={"reference": "#in"}, contained=contained)) == [{"omeprazole"}]


def test_an_ingredient_whose_substance_was_not_delivered_is_unknown() -> None:
    made = product(ingredient=[{"itemReference": {"reference": "Substance/s"}}])
    assert not any(names(order(medicationReference={"reference": "Medication/p"}), included=(made,)))


def test_two_orders_may_refer_to_one_delivered_product_and_one_without_an_id_is_never_meant() -> None:
    reference: dict[str, Any] = {"medicationReference": {"reference": "Medication/p"}}
    delivered = (product(code=concept(OMEPRAZOLE)), {"resourceType": "Medication", "code": concept("A12CC04")})
    found = chart(order(**reference), order(**reference, id="m2"), included=delivered)
    assert only(found).ingredients == {"omeprazole"}


def test_a_medication_reference_without_a_reference_finds_no_product() -> None:
    assert not any(names(order(medicationReference={"display": "something"})))


@pytest.mark.parametrize(
    ("period", "start"),
    [
        ({"valuePeriod": {"start": "2026-02-01"}}, "2026-02-01"),
        ({"valuePeriod": 5}, None),
        ({"valueString": "x"}, None),
    ],
)
def test_the_period_of_use_may_stand_in_an_extension(period: dict[str, Any], start: str | None) -> None:
    found = only(chart(order(OMEPRAZOLE, extension=[{"url": PERIOD_OF_USE} | period])))
    assert day(found.since) == start


def test_the_period_of_use_ends_an_order_whose_doses_are_open() -> None:
    daily = {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}
    period = {"url": PERIOD_OF_USE, "valuePeriod": {"start": "2026-01-01", "end": "2026-02-01"}}
    found = only(chart(order(OMEPRAZOLE, dosageInstruction=[daily, daily], extension=[period])))
    assert (found.status, day(found.until)) == ("past", "2026-02-01")


def test_an_order_goes_on_as_long_as_one_of_its_doses_is_open() -> None:
    ended = {"timing": {"repeat": {"boundsPeriod": {"end": "2026-02-01"}}}}
    found = only(chart(order(OMEPRAZOLE, dosageInstruction=[ended, {"text": "then 1 a day"}])))
    assert (found.status, found.until) == ("active", None)


def test_a_statement_that_says_over_the_counter_needs_no_source() -> None:
    assert only(chart(statement(OMEPRAZOLE, "omeprazole OTC"))).over_the_counter


@pytest.mark.parametrize(
    ("start", "count"),
    [(None, 2), ("2025-03-01", 2), ("2025-01-10", 1)],
)
def test_ended_records_are_one_use_only_when_their_times_overlap(start: str | None, count: int) -> None:
    dates = {} if start is None else {"authoredOn": start}
    earlier = order(OMEPRAZOLE, status="stopped", start="2025-01-01", end="2025-02-01")
    other = order(OMEPRAZOLE, status="stopped", id="m2", **dates)
    assert len(chart(earlier, other).drug_list) == count


def test_a_plain_page_is_read_as_it_was_decoded() -> None:
    taken = structs.decode(raw(order(OMEPRAZOLE)), structs.MedicationRequest)
    glucose = {"resourceType": "Observation", "id": "o", "status": "final", "subject": {"reference": "Patient/p1"}}
    plain = structs.decode(raw(glucose), structs.Observation)
    assert taken is not None
    assert plain is not None
    answers = {
        "medications": KeyAnswer("complete", records=(taken,)),
        "labsRare": KeyAnswer("complete", observations=(plain,)),
    }
    found = read_chart(Call("patient-view", PATIENT, NOW, answers), VOCABULARY, KEYS, AMSTERDAM)
    assert only(found).ingredients == {"omeprazole"}
    assert found.coverage["labsRare"].state == "unordered"


def test_a_specimen_that_was_asked_for_by_itself_says_what_was_measured_in() -> None:
    urine = {"resourceType": "Specimen", "id": "u", "type": {"text": "urine"}}
    measured = {
        "resourceType": "Observation", "id": "o", "status": "final", "subject": {"reference": "Patient/p1"},
        "code": concept("2601-3", system="http://loinc.org"), "effectiveDateTime": "2026-11-20T09:00:00+01:00",
        "valueQuantity": {"value": 3, "unit": "mmol/L"}, "specimen": {"reference": "Specimen/u"},
    }  # fmt: skip
    found = chart(measured, urine, key="labsRare")
    assert [unusable.reason for unusable in found.unusable["magnesium-serum"]] == ["dq-specimen"]


def test_a_procedure_of_no_group_is_passed_over() -> None:
    made = {"resourceType": "Procedure", "id": "x", "status": "completed", "subject": {"reference": "Patient/p1"}}
    assert chart(made | {"code": {"text": "haircut"}}, key="procedures").procedures == {}


def test_a_drug_without_a_text_is_called_by_the_display_of_its_code() -> None:
    coded = {"coding": [{"system": "urn:x", "code": "1"}, {"system": ATC, "code": OMEPRAZOLE, "display": "Losec"}]}
    assert only(chart(order(medicationCodeableConcept=coded))).name == "Losec"


def test_a_ward_may_be_named_by_words_only_or_by_reference_only() -> None:
    wards = [{"location": {"display": "Ward 3"}}, {"location": {"reference": "Location/w4"}}]
    made = {
        "resourceType": "Encounter", "id": "e", "status": "in-progress", "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p1"}, "location": wards,
    }  # fmt: skip
    stay = chart(made, key="encounter", encounter_id="e").stay
    assert stay is not None
    assert "Ward 3" in stay.place
    assert {"w4", "Location/w4"} <= stay.codes


def test_a_code_that_is_said_to_be_absent_identifies_nothing() -> None:
    absent = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "unknown"}]}
    assert chart(order(medicationCodeableConcept=absent)).unmapped != ()


def test_a_reason_that_repeats_the_name_of_the_drug_is_no_reason() -> None:
    said = only(chart(order(OMEPRAZOLE, "omeprazole", note=[{"text": "omeprazole"}], reasonCode=[{"text": "reflux"}])))
    assert said.reasons == ("reflux",)
