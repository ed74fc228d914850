"""How much of a drug, how often, at which times, and what is in one unit of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.fhir.charts import SNOMED, UCUM, chart, concept, day, dose, only, order, statement

CITRATE = "A12CC04"


@pytest.mark.parametrize(
    ("repeat", "per_day"),
    [
        ({"frequency": 2, "period": 1, "periodUnit": "d"}, Decimal(2)),
        ({"frequency": 1, "frequencyMax": 3, "period": 1, "periodUnit": "d"}, Decimal(3)),
        ({"frequency": 1, "period": 8, "periodUnit": "h"}, Decimal(3)),
        ({"frequency": 1, "period": 1, "periodUnit": "wk"}, Decimal(1) / 7),
        ({"timeOfDay": ["08:00:00", "20:00:00"]}, Decimal(2)),
        ({"when": ["CM", "CD", "CV"]}, Decimal(3)),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "dayOfWeek": ["mon"]}, Decimal(1) / 7),
        ({"dayOfWeek": ["mon", "thu"], "period": 1, "periodUnit": "wk"}, Decimal(2) / 7),
        ({"timeOfDay": ["08:00:00", "25:61:00"]}, Decimal(1)),
        ({"period": 0, "periodUnit": "d", "frequency": 1}, None),
        ({}, None),
    ],
)
def test_a_timing_gives_administrations_a_day(repeat: dict[str, Any], per_day: Decimal | None) -> None:
    exposure = only(chart(order(CITRATE, start="2026-01-01", dose=dose("1", **repeat))))
    assert exposure.dosages[0].per_day == per_day


@pytest.mark.parametrize("word", ["NaN", "sNaN", "Infinity"])
@pytest.mark.parametrize("member", ["frequency", "frequencyMax", "period"])
def test_a_number_that_is_none_costs_the_dosage_its_rate_and_nothing_else(word: str, member: str) -> None:
    repeat: dict[str, Any] = {"frequency": 2, "period": 1, "periodUnit": "d", member: word}
    dosage = only(chart(order(CITRATE, dose=dose("100", **repeat)))).dosages[0]
    assert dosage.amount == Decimal(100)
    assert dosage.per_day == (None if member == "period" else 1)


@pytest.mark.parametrize("word", ["NaN", "sNaN", "Infinity"])
@pytest.mark.parametrize("member", ["expectedSupplyDuration", "numberOfRepeatsAllowed"])
def test_a_supply_of_no_number_is_no_supply(word: str, member: str) -> None:
    told = {"value": word, "code": "d"} if member == "expectedSupplyDuration" else word
    dispense = {"expectedSupplyDuration": {"value": 30, "code": "d"}, "numberOfRepeatsAllowed": 1, member: told}
    ended = order(CITRATE, id="m1", status="completed", start="2026-06-01", dispenseRequest=dispense)
    present = order(CITRATE, id="m2", start="2026-10-01")
    assert {day(exposure.since) for exposure in chart(ended, present).drug_list} == {"2026-06-01", "2026-10-01"}


@pytest.mark.parametrize(
    ("code", "per_day"), [("BID", 2), ("Q8H", 3), ("q6h", 4), ("QD", 1), ("QXH", None), ("Q0H", None)]
)
def test_a_timing_code_gives_administrations_a_day(code: str, per_day: int | None) -> None:
    exposure = only(chart(statement(CITRATE, dosage=[{"timing": {"code": {"coding": [{"code": code}]}}}])))
    assert exposure.dosages[0].per_day == per_day


def test_a_dose_range_counts_at_its_high_end_and_the_old_shape_is_read() -> None:
    ranged = statement(CITRATE, dosage=[{"doseAndRate": [{"doseRange": {"low": {"value": 1}, "high": {"value": 2}}}]}])
    old = statement(CITRATE, dosage=[{"doseQuantity": {"value": 0.5, "unit": "tablet"}, "text": "half"}])
    assert only(chart(ranged)).dosages[0].amount == Decimal(2)
    dosage = only(chart(old)).dosages[0]
    assert (dosage.amount, dosage.unit, dosage.text) == (Decimal("0.5"), "tablet", "half")


@pytest.mark.parametrize("shape", [lambda dose: {"doseAndRate": [dose]}, lambda dose: dose])
def test_a_range_up_to_a_bound_is_no_amount(shape: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    bound = {"doseRange": {"low": {"value": 1}, "high": {"value": 2, "comparator": "<"}}}
    assert only(chart(statement(CITRATE, dosage=[shape(bound)]))).dosages[0].amount is None


def test_times_of_day_and_strengths_are_kept_as_recorded() -> None:
    strength = {
        "numerator": {"value": 150, "unit": "mg"},
        "denominator": {"value": 1, "system": UCUM, "code": "{tablet}"},
    }
    product = {
        "resourceType": "Medication", "id": "prod", "code": concept(CITRATE, "Magnesium citrate"),
        "ingredient": [{"itemCodeableConcept": {"text": "magnesium (elemental)"}, "strength": strength}],
    }  # fmt: skip
    request = order(
        medicationReference={"reference": "#prod"}, contained=[product], dose=dose("2", "{tablet}", timeOfDay=["22:00"])
    )
    exposure = only(chart(request))
    assert exposure.ingredients == {"magnesium-citrate"}
    assert exposure.dosages[0].times == (time(22),)
    (found,) = exposure.strengths
    assert (found.ingredient, found.amount, found.unit) == ("magnesium (elemental)", Decimal(150), "mg")
    assert (found.per, found.per_unit, exposure.dosages[0].unit) == (Decimal(1), "tablet", "tablet")


def test_as_needed_only_when_every_instruction_is() -> None:
    needed, regular = {"asNeededBoolean": True}, {"text": "1 a day"}
    assert only(chart(statement(CITRATE, dosage=[needed]))).as_needed
    assert only(chart(statement(CITRATE, dosage=[{"asNeededCodeableConcept": {"text": "cramps"}}]))).as_needed
    assert not only(chart(statement(CITRATE, dosage=[needed, regular]))).as_needed
    assert not only(chart(statement(CITRATE))).as_needed


def test_a_rate_beside_a_dose_is_passed_over() -> None:
    rate = {"rateQuantity": {"value": 10, "unit": "mL/h"}}
    doses = [rate, {"doseQuantity": {"value": 2, "unit": "mg"}}]
    (read,) = only(chart(order(CITRATE, dose={"doseAndRate": doses}))).dosages
    assert read.amount == 2


def test_a_dose_of_more_digits_than_anyone_writes_is_not_stated() -> None:
    absurd = {"doseAndRate": [{"doseQuantity": {"value": 10**31, "unit": "mg"}}]}
    (read,) = only(chart(order(CITRATE, dose=absurd))).dosages
    assert read.amount is None


def test_an_ingredient_without_a_usable_strength_is_left_out_of_the_strengths() -> None:
    milligrams = {"value": 500, "unit": "mg"}
    ingredients = [
        {"itemCodeableConcept": {"text": "starch"}},
        {"itemCodeableConcept": {"text": "half"}, "strength": {"denominator": {"value": 1}}},
        {"itemCodeableConcept": {"text": "none"}, "strength": {"numerator": milligrams, "denominator": {"value": -1}}},
        {"itemCodeableConcept": {"text": "magnesium citrate"}, "strength": {"numerator": milligrams}},
    ]
    product = {"resourceType": "Medication", "id": "p", "code": concept(CITRATE), "ingredient": ingredients}
    found = only(chart(order(medicationReference={"reference": "Medication/p"}), included=(product,)))
    assert [strength.ingredient for strength in found.strengths] == ["magnesium citrate"]


def test_the_first_code_for_a_route_that_is_known_counts() -> None:
    route = {"coding": [{"system": SNOMED, "code": "1"}, {"system": SNOMED, "code": "47625008"}]}
    assert only(chart(order(CITRATE, dose={"route": route}))).route == "intravenous"
