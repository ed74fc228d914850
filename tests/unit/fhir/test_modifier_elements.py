"""Every element that R4 marks as changing the meaning of what holds it is read, and changes what is made of it.

The table is taken from R4's own definitions; see `tests/fhir_server/modifier_table.py`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cds_service.facts.snapshot import Snapshot
from cds_service.fhir import datatypes, structs
from cds_service.fhir.prefetch import read_answer
from cds_service.fhir.read.verdicts import Component
from cds_service.knowledge.model import KeyPlanEntry
from tests.unit.fhir.charts import LOINC, SNOMED, SUBJECT, UCUM, chart, concept, order, raw, statement

TABLE: dict[str, list[str]] = json.loads(Path(__file__).with_name("modifiers_r4.json").read_bytes())
Shown = Callable[[Snapshot], bool]
Json = dict[str, Any]

# Where each Struct stands in R4; those of R5 and of the shapes that others build on have no place of their own.
PLACES: dict[type[msgspec.Struct], tuple[str, ...]] = {
    structs.Patient: ("Patient",),
    structs.PatientLink: ("Patient.link",),
    structs.Observation: ("Observation",),
    Component: ("Observation.component",),
    structs.Specimen: ("Specimen",),
    structs.MedicationRequest: ("MedicationRequest",),
    structs.DispenseRequest: ("MedicationRequest.dispenseRequest",),
    structs.MedicationStatement: ("MedicationStatement",),
    structs.Medication: ("Medication", "Substance"),
    structs.Condition: ("Condition",),
    structs.Procedure: ("Procedure",),
    structs.ServiceRequest: ("ServiceRequest",),
    structs.Encounter: ("Encounter",),
    structs.EncounterLocation: ("Encounter.location",),
    datatypes.ObservationRange: ("Observation.referenceRange",),
    datatypes.MedicationIngredient: ("Medication.ingredient",),
    datatypes.Quantity: ("Quantity", "Duration"),
    datatypes.TimingRepeat: ("Timing.repeat",),
    datatypes.DoseAndRate: ("Dosage.doseAndRate",),
    **{kind: (kind.__name__,) for kind in (
        datatypes.Annotation, datatypes.CodeableConcept, datatypes.Coding, datatypes.Dosage, datatypes.Extension,
        datatypes.Meta, datatypes.Period, datatypes.Range, datatypes.Ratio, datatypes.Reference, datatypes.Timing,
    )},
}  # fmt: skip
WITHOUT_PLACE = {structs.Resource, structs.Measured, structs.Adherence}
ELEMENTS = [(kind, place, name) for kind, places in PLACES.items() for place in places for name in TABLE.get(place, ())]

# Read, and nothing is made of it.
LEFT_ALONE = {
    "Patient.active": "an administrative mark, also set for the deceased; the clinician has this very record open",
}

PERSON = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1961-05-04"}
MILD = {"value": 0.61, "unit": "mmol/L", "system": UCUM, "code": "mmol/L"}
MAGNESIUM = concept("2601-3", system=LOINC)
RESULT = {
    "resourceType": "Observation", "id": "o1", "status": "final", "subject": SUBJECT, "code": MAGNESIUM,
    "valueQuantity": MILD, "effectiveDateTime": "2026-11-20T08:00:00+01:00",
}  # fmt: skip
PANEL = {name: value for name, value in RESULT.items() if name != "valueQuantity"} | {
    "code": concept("24326-1", system=LOINC)
}
RANGED = RESULT | {"referenceRange": [{"low": MILD}]}
SPECIMEN = {"resourceType": "Specimen", "id": "x1", "type": {"text": "urine"}}
TAKEN_FROM = RESULT | {"specimen": {"reference": "Specimen/x1"}}
PROBLEM = {"resourceType": "Condition", "id": "c1", "subject": SUBJECT, "code": concept("91175000", system=SNOMED)}
DEED = {
    "resourceType": "Procedure", "id": "d1", "status": "completed", "subject": SUBJECT,
    "code": concept("105502003", system=SNOMED), "performedDateTime": "2026-11-19",
}  # fmt: skip
TEST = {
    "resourceType": "ServiceRequest", "id": "t1", "status": "active", "intent": "order", "subject": SUBJECT,
    "code": MAGNESIUM, "authoredOn": "2026-11-20",
}  # fmt: skip
WARD = {"location": {"reference": "Location/w1"}}
STAY = {
    "resourceType": "Encounter", "id": "e1", "status": "in-progress", "class": {"code": "IMP"}, "subject": SUBJECT,
    "location": [WARD],
}  # fmt: skip
ORDER, TAKES = order("A02BC01"), statement("A02BC01")
BY_PRODUCT = order(medicationReference={"reference": "Medication/p"})
PRODUCT: Json = {"resourceType": "Medication", "id": "p", "code": concept("A02BC01")}
MIXTURE: Json = {
    "resourceType": "Medication",
    "id": "p",
    "ingredient": [{"itemCodeableConcept": {"text": "omeprazole"}}],
}
OF_SUBSTANCE = {
    "resourceType": "Medication",
    "id": "p",
    "ingredient": [{"itemReference": {"reference": "Substance/q"}}],
}
SUBSTANCE = {"resourceType": "Substance", "id": "q", "code": {"text": "omeprazole"}}
UNKNOWN = {"modifierExtension": [{"url": "https://example.org/unknown", "valueBoolean": True}]}
RULES = {"implicitRules": "https://example.org/rules"}


def taken(found: Snapshot) -> bool:
    return any(drug.ingredients and drug.status == "active" for drug in found.drug_list)


def dosed(found: Snapshot) -> bool:
    return any(dose.amount is not None for drug in found.drug_list for dose in drug.dosages)


def strong(found: Snapshot) -> bool:
    return any(drug.strengths for drug in found.drug_list)


def measured(found: Snapshot) -> bool:
    return "magnesium-serum" in found.results


def measured_exactly(found: Snapshot) -> bool:
    return any(not result.comparator for result in found.results.get("magnesium-serum", ()))


def ranged(found: Snapshot) -> bool:
    return any(result.range is not None for result in found.results.get("magnesium-serum", ()))


def not_in_blood(found: Snapshot) -> bool:
    return not measured(found)


def known(found: Snapshot) -> bool:
    return found.person.birth is not None


def alive(found: Snapshot) -> bool:
    return not found.person.deceased


def certain(found: Snapshot) -> bool:
    return any(problem.active and problem.confirmed for problem in found.problems.get("seizure", ()))


def done(found: Snapshot) -> bool:
    return "dialysis" in found.procedures


def ordered(found: Snapshot) -> bool:
    return "magnesium-serum" in found.orders


def admitted(found: Snapshot) -> bool:
    return found.stay is not None and found.stay.inpatient


def on_ward(found: Snapshot) -> bool:
    return found.stay is not None and "w1" in found.stay.codes


def followed_on(found: Snapshot) -> bool:
    """One long course, because the first supply lasted until the second order."""
    return len(found.drug_list) == 1


def with_ward(**more: Any) -> Json:
    return STAY | {"location": [WARD | more]}


def with_part(**more: Any) -> Json:
    return PANEL | {"component": [{"code": MAGNESIUM, "valueQuantity": MILD} | more]}


def with_range(**more: Any) -> Json:
    return RESULT | {"referenceRange": [{"low": MILD} | more]}


def with_dose(**more: Any) -> Json:
    return ORDER | {"dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 20, "unit": "mg"} | more}]}]}


def with_strength(**more: Any) -> Json:
    strength = {"numerator": {"value": 20, "unit": "mg"} | more, "denominator": {"value": 1, "unit": "tablet"}}
    return PRODUCT | {"ingredient": [{"itemCodeableConcept": {"text": "omeprazole"}, "strength": strength}]}


def with_supply(**more: Any) -> Json:
    lasts = {"value": 90, "unit": "d", "code": "d"} | more
    return order(
        "A02BC01", status="completed", authoredOn="2026-01-01", dispenseRequest={"expectedSupplyDuration": lasts}
    )


LATER = order("A02BC01", id="m2", status="completed", authoredOn="2026-03-01")


def status_of(code: str) -> Json:
    return {"coding": [{"code": code}]}


def everywhere(name: str, change: Json) -> dict[str, tuple[Shown, list[Json], list[Json]]]:
    """What holds for every resource alike."""
    return {
        f"{kind}.{name}": (shown, [*others, resource], [*others, resource | change])
        for kind, shown, others, resource in (
            ("Patient", known, [], PERSON),
            ("Observation", measured, [], RESULT),
            ("Specimen", not_in_blood, [TAKEN_FROM], SPECIMEN),
            ("MedicationRequest", taken, [], ORDER),
            ("MedicationStatement", taken, [], TAKES),
            ("Medication", taken, [BY_PRODUCT], PRODUCT),
            ("Substance", taken, [BY_PRODUCT, OF_SUBSTANCE], SUBSTANCE),
            ("Condition", certain, [], PROBLEM),
            ("Procedure", done, [], DEED),
            ("ServiceRequest", ordered, [], TEST),
            ("Encounter", admitted, [], STAY),
        )
    }


# Element -> what is shown of a chart without it, the chart, and the chart with it.
HANDLED: dict[str, tuple[Shown, list[Json], list[Json]]] = {
    **everywhere("implicitRules", RULES),
    **everywhere("modifierExtension", UNKNOWN),
    "Patient.deceased[x]": (alive, [PERSON], [PERSON | {"deceasedBoolean": True}]),
    "Patient.link": (known, [PERSON], [PERSON | {"link": [{"type": "replaced-by"}]}]),
    "Patient.link.modifierExtension": (known, [PERSON], [PERSON | {"link": [{"type": "seealso"} | UNKNOWN]}]),
    "Observation.status": (measured, [RESULT], [RESULT | {"status": "entered-in-error"}]),
    "Observation.component.modifierExtension": (measured, [with_part()], [with_part(**UNKNOWN)]),
    "Observation.referenceRange.modifierExtension": (ranged, [with_range()], [with_range(**UNKNOWN)]),
    "Specimen.status": (
        not_in_blood, [TAKEN_FROM, SPECIMEN], [TAKEN_FROM, SPECIMEN | {"status": "entered-in-error"}],
    ),
    "MedicationRequest.status": (taken, [ORDER], [ORDER | {"status": "cancelled"}]),
    "MedicationRequest.intent": (taken, [ORDER], [ORDER | {"intent": "proposal"}]),
    "MedicationRequest.doNotPerform": (taken, [ORDER], [ORDER | {"doNotPerform": True}]),
    "MedicationRequest.dispenseRequest.modifierExtension": (taken, [ORDER], [ORDER | {"dispenseRequest": UNKNOWN}]),
    "MedicationStatement.status": (taken, [TAKES], [TAKES | {"status": "not-taken"}]),
    "Medication.status": (taken, [BY_PRODUCT, PRODUCT], [BY_PRODUCT, PRODUCT | {"status": "entered-in-error"}]),
    "Medication.ingredient.modifierExtension": (
        taken, [BY_PRODUCT, MIXTURE], [BY_PRODUCT, MIXTURE | {"ingredient": [MIXTURE["ingredient"][0] | UNKNOWN]}],
    ),
    "Substance.status": (
        taken, [BY_PRODUCT, OF_SUBSTANCE, SUBSTANCE],
        [BY_PRODUCT, OF_SUBSTANCE, SUBSTANCE | {"status": "entered-in-error"}],
    ),
    "Condition.clinicalStatus": (certain, [PROBLEM], [PROBLEM | {"clinicalStatus": status_of("resolved")}]),
    "Condition.verificationStatus": (certain, [PROBLEM], [PROBLEM | {"verificationStatus": status_of("refuted")}]),
    "Procedure.status": (done, [DEED], [DEED | {"status": "not-done"}]),
    "ServiceRequest.status": (ordered, [TEST], [TEST | {"status": "revoked"}]),
    "ServiceRequest.intent": (ordered, [TEST], [TEST | {"intent": "proposal"}]),
    "ServiceRequest.doNotPerform": (ordered, [TEST], [TEST | {"doNotPerform": True}]),
    "Encounter.status": (admitted, [STAY], [STAY | {"status": "entered-in-error"}]),
    "Encounter.location.modifierExtension": (on_ward, [STAY], [with_ward(**UNKNOWN)]),
    "Dosage.modifierExtension": (taken, [with_dose()], [ORDER | {"dosageInstruction": [UNKNOWN]}]),
    "Timing.modifierExtension": (taken, [with_dose()], [ORDER | {"dosageInstruction": [{"timing": UNKNOWN}]}]),
    "Quantity.comparator": (measured_exactly, [RESULT], [RESULT | {"valueQuantity": MILD | {"comparator": "<"}}]),
    "Duration.comparator": (followed_on, [LATER, with_supply()], [LATER, with_supply(comparator="<")]),
}  # fmt: skip


def read(resources: list[Json]) -> Snapshot:
    """A chart of them; products, substances and specimens come along without being asked for."""
    beside = [one for one in resources if one["resourceType"] in ("Medication", "Substance", "Specimen")]
    return chart(*(one for one in resources if one not in beside), included=tuple(beside), encounter_id="e1")


def test_every_struct_has_its_place_in_r4() -> None:
    ours = {
        kind
        for module in (structs, datatypes)
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct
    }
    assert ours | {Component} == PLACES.keys() | WITHOUT_PLACE


@pytest.mark.parametrize(("kind", "place", "name"), ELEMENTS, ids=lambda part: part if isinstance(part, str) else "")
def test_an_element_that_changes_the_meaning_is_read(kind: type[msgspec.Struct], place: str, name: str) -> None:
    members = msgspec.structs.fields(kind)
    stem = name.removesuffix("[x]")
    assert [m for m in members if m.encode_name == name or (stem != name and m.encode_name.startswith(stem))]


def test_of_every_such_element_it_is_known_what_follows() -> None:
    assert {f"{place}.{name}" for _, place, name in ELEMENTS} == HANDLED.keys() | LEFT_ALONE.keys()


@pytest.mark.parametrize("element", HANDLED)
def test_what_such_an_element_says_is_heeded(element: str) -> None:
    shown, before, after = HANDLED[element]
    assert shown(read(before))
    assert not shown(read(after))


@pytest.mark.parametrize(
    ("shown", "before", "after"),
    [
        (dosed, [with_dose()], [with_dose(comparator="<")]),
        (strong, [BY_PRODUCT, with_strength()], [BY_PRODUCT, with_strength(comparator="<")]),
    ],
)
def test_a_bound_is_no_amount_of_a_drug(shown: Shown, before: list[Json], after: list[Json]) -> None:
    assert shown(read(before))
    assert not shown(read(after))


SEARCH = KeyPlanEntry("conditions", "Condition?patient={{context.patientId}}", {}, {}, "Condition")
FOUND = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": PROBLEM}]}


def test_a_page_under_rules_that_we_do_not_know_has_failed() -> None:
    assert read_answer(raw(FOUND), SEARCH).state == "complete"
    assert read_answer(raw(FOUND | RULES), SEARCH).state == "failed"


def test_an_entry_that_says_not_to_read_it_as_usual_is_lost() -> None:
    answer = read_answer(raw(FOUND | {"entry": [{"resource": PROBLEM} | UNKNOWN]}), SEARCH)
    assert (answer.state, answer.resources) == ("unordered", ())
