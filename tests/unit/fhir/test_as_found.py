"""What public data taught: units, products and statements as they really come, and what one bad resource may change."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir.read.observations import ObservationFacts, read_observations
from tests.unit.fhir.charts import RXNORM, SNOMED, chart, order, statement
from tests.unit.fhir.lab_results import LOINC, NOW, VOCABULARY, concept, observation, raws

EGFR = concept("egfr", "mL/min/{1.73_m2}", 0, preference={"98979-8": 0, "62238-1": 1, "33914-3": 2})
KIDNEY: Vocabulary = msgspec.structs.replace(
    VOCABULARY, measurement_codes={(LOINC, code): EGFR for code in EGFR.preference}, concepts={"egfr": EGFR}
)
MORNING, EVENING = "2026-11-20T08:00:00+01:00", "2026-11-20T20:00:00+01:00"
NOTHING_TAKEN = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"


def egfr(value: float, code: str = "33914-3", unit: str = "mL/min/{1.73_m2}", **more: Any) -> dict[str, Any]:
    return observation(code, value, unit, **more)


def read(*resources: dict[str, Any]) -> ObservationFacts:
    return read_observations({"labs": raws(*resources)}, KIDNEY, NOW, "p1", inpatient=False)


def values(*resources: dict[str, Any]) -> list[Decimal]:
    return [result.value for result in read(*resources).results["egfr"]]


@pytest.mark.parametrize("unit", ["mL/min", "ml/min"])
def test_an_egfr_in_plain_ml_per_minute_is_read_as_its_code_says(unit: str) -> None:
    (result,) = read(egfr(8, unit=unit, referenceRange=[{"low": {"value": 90, "unit": unit}}])).results["egfr"]
    assert (result.value, result.unit, set(result.flags)) == (Decimal(8), unit, {"lab-low"})


def test_other_units_of_flow_are_no_egfr() -> None:
    assert "egfr" not in read(egfr(60, unit="mL/h"), egfr(60, unit="L/min")).results


def test_of_two_egfrs_on_one_day_the_better_formula_goes_first() -> None:
    mdrd = egfr(58, "33914-3", effectiveDateTime=EVENING)
    assert values(mdrd, egfr(63, "98979-8", effectiveDateTime=MORNING)) == [Decimal(63), Decimal(58)]
    assert values(egfr(61, "62238-1", effectiveDateTime=MORNING), mdrd) == [Decimal(61), Decimal(58)]


def test_an_egfr_by_a_code_of_the_site_goes_behind_one_by_a_known_formula() -> None:
    local = msgspec.structs.replace(KIDNEY, measurement_codes={**KIDNEY.measurement_codes, ("urn:lab", "GFR"): EGFR})
    own = egfr(58, effectiveDateTime=EVENING) | {"code": {"coding": [{"system": "urn:lab", "code": "GFR"}]}}
    found = read_observations({"labs": raws(own, egfr(63, effectiveDateTime=MORNING))}, local, NOW, "p1", False)
    assert [result.value for result in found.results["egfr"]] == [Decimal(63), Decimal(58)]


@pytest.mark.parametrize("id_", ["panel", ""])
def test_two_formulas_of_one_observation_are_told_apart(id_: str) -> None:
    parts = [{k: part[k] for k in ("code", "valueQuantity")} for part in (egfr(58, "33914-3"), egfr(63, "98979-8"))]
    panel = {"resourceType": "Observation", "id": id_, "status": "final", "subject": {"reference": "Patient/p1"}}
    found = read(panel | {"effectiveDateTime": MORNING, "component": parts})
    assert [result.value for result in found.results["egfr"]] == [Decimal(63), Decimal(58)]
    assert not found.conflicts


def test_on_another_day_the_later_egfr_goes_first() -> None:
    earlier = egfr(63, "98979-8", effectiveDateTime="2026-11-19T23:00:00+01:00")
    assert values(earlier, egfr(58, "33914-3", effectiveDateTime=MORNING)) == [Decimal(58), Decimal(63)]


def test_two_formulas_do_not_contradict_each_other_but_two_results_of_one_do() -> None:
    both = [egfr(58, "33914-3", effectiveDateTime=MORNING), egfr(63, "98979-8", effectiveDateTime=MORNING)]
    assert not read(*both).conflicts
    assert set(read(*both, egfr(31, "98979-8", effectiveDateTime=MORNING)).conflicts) == {"egfr"}


def test_the_later_of_two_results_goes_first_where_no_code_is_preferred() -> None:
    early, late = (observation(value=v, effectiveDateTime=at) for v, at in ((0.8, MORNING), (0.6, EVENING)))
    facts = read_observations({"labs": raws(late, early)}, VOCABULARY, NOW, "p1", inpatient=False)
    assert [result.value for result in facts.results["magnesium-serum"]] == [Decimal("0.6"), Decimal("0.8")]


@pytest.mark.parametrize(("system", "code"), [(NOTHING_TAKEN, "no-known-medications"), (SNOMED, "787481004")])
def test_a_statement_that_nothing_is_taken_is_no_unknown_drug(system: str, code: str) -> None:
    none = {"coding": [{"system": system, "code": code}], "text": "No known medications"}
    snapshot = chart(statement(medicationCodeableConcept=none), key="medicationStatements")
    assert (snapshot.unmapped, snapshot.drug_list) == ((), ())


def test_not_knowing_what_is_taken_stays_unknown() -> None:
    unknown = {"coding": [{"system": NOTHING_TAKEN, "code": "no-medication-info"}]}
    assert chart(statement(medicationCodeableConcept=unknown)).unmapped


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("Omeprazole 40 MG Injection", None),
        ("Tobramycin 40 MG/ML Injectable Solution", "intravenous"),
        ("Tobramycin 80 mg injectievloeistof", "intravenous"),
        ("Omeprazole 40 MG Oral Capsule", "oral"),
        ("Omeprazole 40 MG", "oral"),
    ],
)
def test_an_injection_is_not_taken_by_mouth(text: str, route: str | None) -> None:
    product = {"coding": [{"system": RXNORM, "code": "0", "display": text}], "text": text}
    (exposure,) = chart(order(medicationCodeableConcept=product)).drug_list
    assert exposure.route == route


BROKEN = '{"resourceType":"Observation","id":"o9","status":"final","subject":{"reference":"Patient/p1"},"issued":[[]]}'


def test_one_bad_resource_costs_its_key_completeness_and_its_neighbours_nothing() -> None:
    snapshot = chart(observation(), BROKEN, key="labsRare")
    (result,) = snapshot.results["magnesium-serum"]
    assert not result.flags | snapshot.provisional
    assert snapshot.coverage["labsRare"].state == "unordered"
    assert [item.reason for item in snapshot.quarantine] == ["unreadable"]


def test_a_resource_of_another_patient_costs_nothing_at_all() -> None:
    foreign = observation(subject={"reference": "Patient/somebody-else"})
    snapshot = chart(observation(), foreign, key="labsRare")
    assert len(snapshot.results["magnesium-serum"]) == 1
    assert snapshot.coverage["labsRare"].state == "complete"
    assert [item.reason for item in snapshot.quarantine] == ["dq-subject"]
