"""The shorthand of cases.yaml becomes the call that an EHR would make."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from cds_service.fhir.call import Call
from cds_service.knowledge.case_file import CaseEntry, CaseFile
from cds_service.knowledge.file_model import read_model
from cds_service.knowledge.yaml_strict import parse_yaml
from cds_service.service.situations import SituationError, build_call
from tests.shipped import knowledge


def case(text: str) -> CaseEntry:
    cases, findings = read_model(parse_yaml(f"cases:\n- {{name: x, then: satisfied, {text}}}", "cases.yaml"), CaseFile)
    assert cases is not None, findings
    return cases.cases[0]


def call(text: str) -> Call:
    return build_call(case(text), knowledge())


def resource(raw: msgspec.Raw) -> Any:
    return json.loads(bytes(raw))


def only(text: str, key: str) -> Any:
    (raw,) = call(text).answers[key].resources
    return resource(raw)


def test_a_lab_keeps_its_decimals_and_its_unit() -> None:
    (raw,) = call("labs: [magnesium-serum 0.50 mmol/L -1d]").answers["labsRare"].resources
    assert b'"value":0.50' in bytes(raw)
    observation = resource(raw)
    assert observation["code"]["coding"][0] == {"system": "http://loinc.org", "code": "2601-3"}
    assert observation["valueQuantity"]["code"] == "mmol/L"
    assert observation["effectiveDateTime"] == "2026-11-20T10:00:00+01:00"


def test_a_mass_unit_gets_the_mass_code() -> None:
    assert only("labs: [magnesium-serum 1.7 mg/dL -36h]", "labsRare")["code"]["coding"][0]["code"] == "19123-9"


def test_a_bound_keeps_its_comparator() -> None:
    quantity = only("labs: [{is: magnesium-serum <0.80 mmol/L -1h, range: [0.70, 1.00]}]", "labsRare")
    assert quantity["valueQuantity"]["comparator"] == "<"
    assert quantity["referenceRange"][0]["low"]["value"] == 0.7


def test_a_drug_is_coded_with_its_atc_code() -> None:
    request = only("drugs: [{is: omeprazole -400d, dose: 20 mg 1/d, prn: true}]", "medications")
    assert request["medicationCodeableConcept"]["coding"] == [{"system": "http://www.whocc.no/atc", "code": "A02BC01"}]
    assert request["dosageInstruction"][0]["timing"]["repeat"]["frequency"] == 1
    assert request["dosageInstruction"][0]["asNeededBoolean"] is True


def test_an_unknown_drug_is_text_only() -> None:
    assert only("drugs: [moonstone extract -4d]", "medications")["medicationCodeableConcept"] == {
        "text": "moonstone extract"
    }


def test_a_stopped_drug_comes_with_the_past_ones() -> None:
    request = only("drugs: [{is: digoxin -900d, status: stopped, end: -3d}]", "medicationsPast")
    assert request["dosageInstruction"][0]["timing"]["repeat"]["boundsPeriod"]["end"].startswith("2026-11-18")


def test_only_the_selected_drafts_are_judged() -> None:
    made = call("hook: order-select, drafts: [ciprofloxacin, {is: omeprazole, select: false}]")
    assert made.judged == frozenset({"MedicationRequest/draft-1"})
    assert [resource(raw)["status"] for raw in made.drafts] == ["draft", "draft"]


def test_all_drafts_are_judged_when_signing() -> None:
    assert call("hook: order-sign, drafts: [ciprofloxacin]").judged is None


def test_a_condition_group_is_coded_and_free_text_is_not() -> None:
    made = call("conditions: [dialysis -100d, muscle cramps at night -45d]")
    coded, typed = map(resource, made.answers["conditions"].resources)
    assert coded["code"]["coding"]
    assert typed["code"] == {"text": "muscle cramps at night"}
    assert typed["onsetDateTime"].startswith("2026-10-07")


def test_a_birthday_is_today() -> None:
    assert only("patient: {age: 70, sex: female}", "patient")["birthDate"] == "1956-11-21"
    assert only("patient: {age: 3 d}", "patient")["birthDate"] == "2026-11-18"


def test_an_encounter_knows_its_ward() -> None:
    assert call("encounter: absent").encounter_id is None
    ward = only("encounter: kinderafdeling", "encounter")
    assert (ward["class"]["code"], ward["serviceType"]["text"]) == ("IMP", "kinderafdeling")


def test_what_is_not_delivered_is_not_there() -> None:
    answers = call("without: [conditions], truncated: [labsRare]").answers
    assert (answers["conditions"].state, answers["conditions"].resources) == ("not asked", ())
    assert (answers["labsRare"].state, answers["labsFrequent"].state) == ("truncated", "complete")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("labs: [magnesium-serun 0.5 mmol/L -1d]", "did you mean magnesium-serum"),
        ("labs: [magnesium-serum 0.5 mmol/L]", "write <concept> <value> <unit> <offset>"),
        ("labs: [{is: magnesium-serum 0.5 mmol/L -1d, issued: yesterday}]", "is not an offset"),
        ("drugs: [{is: digoxin -1d, dose: a little}]", "write it as in 500 mg 2/d"),
        ("ordered: [nothing -1d]", "can be ordered"),
        ("without: [moon]", "asks no prefetch key moon"),
        ("hook: order-sign, ordered: [magnesium-serum -1d]", "asks no prefetch key orders"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SituationError, match=problem):
        call(text)


def test_a_stay_begins_when_the_case_says_so() -> None:
    encounter = only("hook: encounter-discharge, admitted: -10d", "encounter")
    assert encounter["period"] == {"start": "2026-11-11T10:00:00+01:00"}
