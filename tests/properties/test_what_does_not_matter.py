"""The order of a chart, what it holds besides, and the unit a laboratory prints do not change what a rule comes to."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.properties.charts import (
    STORIES,
    adult,
    call_of,
    came_to,
    chart_of,
    decided,
    few,
    knowledge,
    result,
    story,
    verdict_of,
)

CENT = Decimal("0.01")
PER_MMOL = {"mg/dL": Decimal("2.4305"), "meq/L": Decimal(2)}
DIABETES = "44054006"


@pytest.mark.parametrize("name", STORIES)
@few
@given(data=st.data())
def test_the_order_of_resources_does_not_matter(name: str, data: st.DataObject) -> None:
    chart = chart_of(name)
    patient_id = chart["patient"][0]["id"]
    shuffled = {key: data.draw(st.permutations(found)) for key, found in chart.items()}
    assert came_to(decided(call_of(shuffled, patient_id))) == came_to(decided(call_of(chart, patient_id)))


def irrelevant(patient_id: str) -> dict[str, list[dict[str, Any]]]:
    """Resources that no rule reads, by prefetch key."""
    subject = {"reference": f"Patient/{patient_id}"}
    height = {
        "resourceType": "Observation", "id": "height", "status": "final", "subject": subject,
        "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}], "text": "Body height"},
        "effectiveDateTime": "2026-11-20", "valueQuantity": {"value": 171, "unit": "cm"},
    }  # fmt: skip
    paracetamol = {
        "resourceType": "MedicationRequest", "id": "paracetamol", "status": "active", "intent": "order",
        "subject": subject, "authoredOn": "2026-01-01",
        "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "N02BE01"}]},
    }  # fmt: skip
    hay_fever = {
        "resourceType": "Condition", "id": "hay", "subject": subject,
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "367498001"}], "text": "Hooikoorts"},
    }  # fmt: skip
    return {
        "labsFrequent": [height],
        "labsRare": [{**height, "id": "height-again"}, {"resourceType": "Immunization", "id": "flu"}],
        "medications": [paracetamol],
        "conditions": [hay_fever],
        "procedures": [{"resourceType": "Procedure", "id": "cast", "status": "completed", "subject": subject,
                        "code": {"text": "Gipsspalk"}, "performedDateTime": "2026-02-02"}],
    }  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
@few
@given(keys=st.sets(st.sampled_from(sorted(irrelevant("any"))), min_size=1))
def test_irrelevant_resources_change_nothing(name: str, keys: set[str]) -> None:
    chart = chart_of(name)
    patient_id = chart["patient"][0]["id"]
    more = irrelevant(patient_id)
    padded = {key: [*(more[key] if key in keys else ()), *found] for key, found in chart.items()}
    assert came_to(decided(call_of(padded, patient_id))) == came_to(decided(call_of(chart, patient_id)))


@pytest.mark.parametrize("name", [name for name in STORIES if story(name).drafts])
def test_an_unrelated_draft_changes_nothing(name: str) -> None:
    chart, drafts = chart_of(name, "order-sign"), story(name).drafts
    patient_id = chart["patient"][0]["id"]
    more = {**irrelevant(patient_id)["medications"][0], "status": "draft"}
    plain, padded = (decided(call_of(chart, patient_id, "order-sign", d)) for d in (drafts, [more, *drafts]))
    assert came_to(padded) == came_to(plain)


def magnesium_limits() -> set[Decimal]:
    """Every number in mmol/L that any rule or family compares a concentration with."""
    rules = {limit.value for rule in knowledge().rules for limit in rule.limit_table if limit.unit == "mmol/L"}
    return {limit for limit in rules if Decimal("0.2") < limit < 4}


@few
@given(cents=st.integers(30, 300), unit=st.sampled_from(sorted(PER_MMOL)), digits=st.sampled_from([1, 2]))
def test_the_same_magnesium_in_another_unit_comes_to_the_same(cents: int, unit: str, digits: int) -> None:
    """Unless the reported digits leave open on which side of a limit the value lies."""
    mmol = cents * CENT
    last_digit = Decimal(1).scaleb(-digits)
    printed = (mmol * PER_MMOL[unit]).quantize(last_digit, ROUND_HALF_UP)
    rounding = last_digit / PER_MMOL[unit] / 2 + CENT / 2
    assume(all(abs(mmol - limit) > rounding for limit in magnesium_limits()))
    reported, converted = (
        came_to(decided(adult([result("magnesium-serum", value, in_unit)], ["A02BC01"], [DIABETES])))
        for value, in_unit in ((mmol, "mmol/L"), (printed, unit))
    )
    assert converted == reported


@pytest.mark.parametrize(
    ("value", "unit", "low", "borderline"),
    [
        ("1.6", "mg/dL", "low", "satisfied"),
        ("1.7", "mg/dL", "satisfied", "borderline"),
        ("1.8", "mg/dL", "satisfied", "borderline"),
        ("1.9", "mg/dL", "satisfied", "satisfied"),
        ("1.3", "meq/L", "low", "satisfied"),
        ("1.4", "meq/L", "satisfied", "borderline"),
        ("1.4", "mEq/L", "satisfied", "borderline"),
        ("1.5", "meq/L", "satisfied", "satisfied"),
        ("0.69", "mmol/L", "low", "satisfied"),
        ("0.70", "mmol/L", "satisfied", "borderline"),
        ("0.7", "mmol/L", "satisfied", "borderline"),
        ("0.75", "mmol/L", "satisfied", "satisfied"),
        ("1.2", "mg/dL", "severe", "satisfied"),
        ("1.0", "meq/L", "low", "satisfied"),
    ],
)
def test_magnesium_near_its_limits_in_every_unit(value: str, unit: str, low: str, borderline: str) -> None:
    decision = decided(adult([result("magnesium-serum", Decimal(value), unit)], [], [DIABETES]))
    assert (verdict_of("mg-hypomagnesaemia", decision), verdict_of("mg-borderline-low", decision)) == (low, borderline)
