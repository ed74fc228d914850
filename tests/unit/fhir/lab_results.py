"""Laboratory results as servers send them, and a small vocabulary to read them with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Raw

from cds_service.facts.moments import AsOf
from cds_service.facts.records import Result
from cds_service.facts.vocabulary import AgePolicy, Concept, RangeCheck, Substance, Vocabulary
from cds_service.fhir.read.observations import ObservationFacts, read_observations

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
ZONE = ZoneInfo("Europe/Amsterdam")
NOW = AsOf.of(datetime.fromisoformat("2026-11-21T10:00:00+01:00"), ZONE)
WEEK = AgePolicy(timedelta(days=7), timedelta(days=90), timedelta(days=365), timedelta(hours=72))
MG = Substance(Decimal("24.305"), 2)
CHECKS = (
    RangeCheck("mmol/L", low_above=Decimal("1.20"), high_above=Decimal("1.60")),
    RangeCheck("mg/dL", high_below=Decimal("1.40")),
    RangeCheck("meq/L", low_below=Decimal("1.00"), high_above=Decimal("2.60")),
)


def concept(name: str, unit: str, decimals: int = 2, **more: Any) -> Concept:
    return Concept(name, {}, unit, decimals, "labs", WEEK, **more)


CONCEPTS: Mapping[str, Concept] = {
    "2601-3": concept(
        "magnesium-serum", "mmol/L", substance=MG, plausible=(Decimal("0.10"), Decimal(15)), range_checks=CHECKS,
        properties={"2601-3": "molar", "19123-9": "mass"}, haemolysis_raises=True,
    ),
    "2598-1": concept("magnesium-urine-spot", "mmol/L", substance=MG),
    "2823-3": concept(
        "potassium", "mmol/L", 1, substance=Substance(Decimal("39.098"), 1), plausible=(Decimal(1), Decimal(12)),
        haemolysis_raises=True,
    ),
    "1751-7": concept("albumin", "g/L", 0),
    "8480-6": concept("systolic-blood-pressure", "mm[Hg]", 0),
    "76634-5": concept("qtc", "ms", 0, methods={"76634-5": "by-fridericia"}),
    "75626-2": concept("audit-c", "{score}", 0),
    "82810-3": concept(
        "pregnancy-status", "", 0, coded_values={(SNOMED, "77386006"): Decimal(1), (SNOMED, "60001007"): Decimal(0)}
    ),
    "11778-8": concept("expected-delivery-date", "", 0),
}  # fmt: skip
VOCABULARY = Vocabulary(
    concepts={c.id: c for c in CONCEPTS.values()},
    measurement_codes={(LOINC, code): c for code, c in CONCEPTS.items()} | {(LOINC, "19123-9"): CONCEPTS["2601-3"]},
    drugs={}, drug_codes={}, drug_names={}, atc_classes=(), condition_codes={}, condition_prefixes={},
    condition_terms=(), order_codes={}, systems={"urn:oid:2.16.840.1.113883.6.1": LOINC},
)  # fmt: skip
COUNTER = iter(range(10**6))


def code_of(loinc: str, system: str = LOINC, **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": loinc}], **more}


def observation(loinc: str = "2601-3", value: float | None = 0.80, unit: str = "mmol/L", **more: Any) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "Observation", "id": f"o{next(COUNTER)}", "status": "final", "code": code_of(loinc),
        "subject": {"reference": "Patient/p1"}, "effectiveDateTime": "2026-11-20T09:00:00+01:00",
    }  # fmt: skip
    if value is not None:
        resource["valueQuantity"] = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    resource |= more
    return {name: member for name, member in resource.items() if member is not None}


def raws(*resources: Mapping[str, Any] | bytes) -> list[Raw]:
    return [Raw(r if isinstance(r, bytes) else json.dumps(r).encode()) for r in resources]


def read(*resources: Mapping[str, Any] | bytes, inpatient: bool = False, **more: Any) -> ObservationFacts:
    return read_observations({"labs": raws(*resources)}, VOCABULARY, NOW, "p1", inpatient, **more)


def only(facts: ObservationFacts, concept_id: str = "magnesium-serum") -> Result:
    (result,) = facts.results[concept_id]
    return result


def reasons(facts: ObservationFacts, concept_id: str = "magnesium-serum") -> list[str]:
    assert concept_id not in facts.results
    return [found.reason for found in facts.unusable.get(concept_id, ())]


def quantity(**members: Any) -> dict[str, Any]:
    return {"valueQuantity": members}
