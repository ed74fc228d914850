"""Measurements as the EHR sends them: R4 Observations with the quirks of real ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from tests.cohort.laboratory import AS_OF, Measured, measurements
from tests.cohort.numbers import Entry, codes, population
from tests.cohort.people import Person

Resource = dict[str, Any]

LOINC = "http://loinc.org"
LOCAL = {"us": "urn:oid:1.2.840.114350.1.13.999.2.7.5", "nl-gp": "urn:oid:2.16.840.1.113883.2.4.4.30.45"}
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
NOT_FROM_BLOOD = frozenset({"qtc", "weight", "bmi", "alcohol", "pregnancy"})
BOUNDS = {"egfr": ("egfr_above", ">"), "vitamin-d": ("vitamin_d_below", "<"), "ferritin": ("ferritin_below", "<")}


def observations(person: Person) -> Iterator[Resource]:
    """Every Observation of a patient."""
    unknown = person.draws.happens("unknown-status", population()["quirks"]["unknown-status"]["share"])
    for measured in measurements(person):
        random = person.draws.stream(f"observation/{measured.test}/{measured.turn}")
        yield from _observation(person, measured, random, unknown=unknown)
    if "pregnancy" in person.traits:
        coding = {"system": "http://snomed.info/sct", "code": "77386006", "display": "Pregnant"}
        at = AS_OF - timedelta(days=int(person.draws.between("pregnant", 3, 120)))
        resource = _frame(person, Measured("pregnancy", 1, at, 0), ["82810-3", "", 0])
        yield resource | {"status": "final", "valueCodeableConcept": {"coding": [coding]}}


def _observation(person: Person, measured: Measured, random: Random, *, unknown: bool) -> Iterator[Resource]:
    quirks = population()["quirks"]
    test = codes()["tests"][measured.test]
    american = person.style == "us"
    written = test["mass"] if american else test["molar"]
    resource = _frame(person, measured, written)
    resource["status"] = _status(person, measured, random, unknown=unknown)
    resource |= _quantity(person, measured, test, written, random)
    if "range" in test and random.random() >= quirks["no-range"]["share"]:
        bounds = zip(("low", "high"), (_as_written(value, test, american) for value in test["range"]), strict=True)
        resource["referenceRange"] = [{end: _plain(value, written) for end, value in bounds}]
    if measured.haemolysed:
        resource["note"] = [{"text": "Specimen slightly hemolyzed." if american else "Monster hemolytisch"}]
    _mar(person, measured, resource, random)
    yield resource
    if random.random() < quirks["duplicate"]["share"]:
        yield resource | {"id": resource["id"] + "-again"}


def _frame(person: Person, measured: Measured, written: list[Any]) -> Resource:
    test = codes()["tests"][measured.test]
    blood = measured.test not in NOT_FROM_BLOOD
    name = test[person.language]
    return {
        "resourceType": "Observation",
        "id": f"c{person.number:04}-{measured.test}-{measured.turn}",
        "category": [{"coding": [{"system": CATEGORY, "code": "laboratory" if blood else "vital-signs"}]}],
        "code": {"coding": [{"system": LOINC, "code": written[0]}], "text": name},
        "subject": {"reference": f"Patient/c{person.number:04}"},
        "effectiveDateTime": measured.at.isoformat(timespec="seconds"),
        "issued": (measured.at + timedelta(minutes=50)).isoformat(timespec="seconds"),
    }


def _status(person: Person, measured: Measured, random: Random, *, unknown: bool) -> str:
    quirks, share = population()["quirks"], random.random()
    if unknown:
        return "unknown"
    if share < quirks["entered-in-error"]["share"]:
        return "entered-in-error"
    fresh = bool(person.stay) and measured.turn == 0
    return "preliminary" if fresh and share > 1 - quirks["preliminary"]["share"] else "final"


def _quantity(person: Person, measured: Measured, test: Entry, written: list[Any], random: Random) -> Resource:
    value, comparator = measured.value, ""
    if measured.test in BOUNDS:
        name, sign = BOUNDS[measured.test]
        bound = population()["quirks"]["comparator"][name]
        if value > bound if sign == ">" else value < bound:
            value, comparator = bound, sign
    quantity = _plain(_as_written(value, test, person.style == "us"), written)
    quirks, share = population()["quirks"], random.random()
    if share < quirks["no-unit"]["share"]:
        quantity.pop("unit")
    elif share > quirks["no-unit"]["share"] + quirks["unit-text-only"]["share"]:
        quantity |= {"system": UCUM, "code": written[1]}
    return {"valueQuantity": quantity | ({"comparator": comparator} if comparator else {})}


def _as_written(value: float, test: Entry, american: bool) -> float:
    return value * test["per"] + test.get("plus", 0) if american else value


def _plain(value: float, written: list[Any]) -> Resource:
    rounded = round(value, written[2])
    return {"value": int(rounded) if written[2] == 0 else rounded, "unit": written[1]}


def _mar(person: Person, measured: Measured, resource: Resource, random: Random) -> None:
    """What goes wrong in code and date."""
    quirks = population()["quirks"]
    coding = resource["code"]["coding"]
    local = {"system": LOCAL.get(person.style, "urn:oid:2.16.528.1.1007.3.3.999"), "code": f"{measured.test}-1"}
    if random.random() < quirks["local-code-only"]["share"]:
        resource["code"]["coding"] = [local]
    elif random.random() < quirks["wrong-property"]["share"]:
        test = codes()["tests"][measured.test]
        coding[0]["code"] = test["molar" if person.style == "us" else "mass"][0]
    elif random.random() < 0.5:
        coding.append(local)
    dates = quirks["date-only"]
    if random.random() < dates.get(person.setting, dates["share"]):
        resource["effectiveDateTime"] = measured.at.date().isoformat()
        del resource["issued"]
