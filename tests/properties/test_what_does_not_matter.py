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
    result,
    story,
    verdict_of,
)
from tests.shipped import released

# concept, the step of its canonical unit, the range in steps, another unit, and how much of it one canonical unit is
UNITS = (
    ("magnesium-serum", "0.01 mmol/L", (30, 300), "mg/dL", "2.4305"),
    ("magnesium-serum", "0.01 mmol/L", (30, 300), "meq/L", "2"),
    ("potassium", "0.1 mmol/L", (15, 75), "meq/L", "1"),
    ("potassium", "0.1 mmol/L", (15, 75), "mg/dL", "3.9098"),
    ("calcium-total", "0.01 mmol/L", (130, 370), "mg/dL", "4.0078"),
    ("calcium-total", "0.01 mmol/L", (130, 370), "meq/L", "2"),
    ("vitamin-d", "1 nmol/L", (5, 400), "ng/mL", "0.40064"),
)
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


def limits_in(unit: str) -> set[Decimal]:
    """Every number in this unit that any rule or family compares something with."""
    tables = [rule.limit_table for rule in released().rules]
    tables += [family.limit_table for family in released().family_table]
    return {limit.value for table in tables for limit in table if limit.unit == unit}


@pytest.mark.parametrize(("concept", "steps", "span", "unit", "factor"), UNITS)
@few
@given(data=st.data())
def test_the_same_quantity_in_another_unit_comes_to_the_same(
    concept: str, steps: str, span: tuple[int, int], unit: str, factor: str, data: st.DataObject
) -> None:
    """Unless the reported digits leave open on which side of a limit the value lies."""
    step, canonical = Decimal(steps.partition(" ")[0]), steps.partition(" ")[2]
    value = data.draw(st.integers(*span)) * step
    last_digit = Decimal(1).scaleb(-data.draw(st.integers(1, 2)))
    printed = (value * Decimal(factor)).quantize(last_digit, ROUND_HALF_UP)
    rounding = last_digit / Decimal(factor) / 2 + step / 2
    assume(all(abs(value - limit) > rounding for limit in limits_in(canonical)))
    reported, converted = (
        came_to(decided(adult([result(concept, number, in_unit)], ["A02BC01"], [DIABETES])))
        for number, in_unit in ((value, canonical), (printed, unit))
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
        ("1.0", "meq/L", "moderate", "satisfied"),
        ("1.2", "meq/L", "low", "satisfied"),
    ],
)
def test_magnesium_near_its_limits_in_every_unit(value: str, unit: str, low: str, borderline: str) -> None:
    decision = decided(adult([result("magnesium-serum", Decimal(value), unit)], [], [DIABETES]))
    assert (verdict_of("mg-hypomagnesaemia", decision), verdict_of("mg-borderline-low", decision)) == (low, borderline)
