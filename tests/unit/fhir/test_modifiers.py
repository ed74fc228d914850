"""What changes the meaning of a resource keeps it from being used, wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.fhir import structs
from cds_service.fhir.datatypes import Extension
from cds_service.fhir.read.modifiers import unknown_modifier
from tests.unit.fhir.charts import chart, order, statement

UNKNOWN = [{"url": "https://example.org/unknown", "valueBoolean": True}]
TIMING = {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}, "modifierExtension": UNKNOWN}}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (order("A02BC01", implicitRules="https://example.org/rules"), "implicit-rules"),
        (order("A02BC01", modifierExtension=UNKNOWN), "modifier-extension"),
        (order("A02BC01", dispenseRequest={"modifierExtension": UNKNOWN}), "modifier-extension"),
        (order("A02BC01", dosageInstruction=[{"modifierExtension": UNKNOWN}]), "modifier-extension"),
        (order("A02BC01", dosageInstruction=[TIMING]), "modifier-extension"),
        (statement("A02BC01", dosage=[{"modifierExtension": UNKNOWN}]), "modifier-extension"),
    ],
)
def test_a_drug_record_with_an_unknown_modifier_is_not_used(record: dict[str, Any], reason: str) -> None:
    found = chart(record)
    assert found.drug_list == ()
    assert [refused.reason for refused in found.quarantine] == [reason]


def test_a_product_with_an_unknown_modifier_on_an_ingredient_identifies_nothing() -> None:
    ingredient = {"itemCodeableConcept": {"text": "omeprazole"}, "modifierExtension": UNKNOWN}
    product = {"resourceType": "Medication", "id": "p", "code": {"text": "omeprazole"}, "ingredient": [ingredient]}
    found = chart(order(medicationReference={"reference": "Medication/p"}), included=(product,))
    assert [drug for drug in found.drug_list if drug.ingredients] == []


def test_a_condition_with_a_modifier_that_is_known_is_judged_by_its_statuses() -> None:
    known = Extension(url="http://nictiz.nl/fhir/StructureDefinition/zib-Medication-StopType")
    assert unknown_modifier(structs.Condition(modifier_extension=(known,))) is None
