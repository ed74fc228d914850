"""A patient with something to say about, and a FHIR search over her chart: what every server of these tests tells."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

PATIENT = "p-67"
AS_OF = datetime.fromisoformat("2026-11-21T10:00:00+01:00")
LOINC, UCUM, ATC = "http://loinc.org", "http://unitsofmeasure.org", "http://www.whocc.no/atc"
Resource = dict[str, Any]


def subject(patient: str = PATIENT) -> Resource:
    """A reference to a patient."""
    return {"reference": f"Patient/{patient}"}


def result(number: int, code: str, value: float, unit: str = "mmol/L", **more: Any) -> Resource:
    """A final laboratory result, a day older than the one with the number before."""
    return {
        "resourceType": "Observation", "id": f"ob-{number}", "status": "final", "subject": subject(),
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "effectiveDateTime": (AS_OF - timedelta(days=number, hours=1)).isoformat(),
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
    } | more  # fmt: skip


def prescription(number: int, **drug: Any) -> Resource:
    """An active order of two years."""
    return {
        "resourceType": "MedicationRequest", "id": f"mr-{number}", "status": "active", "intent": "order",
        "subject": subject(), "authoredOn": (AS_OF - timedelta(days=730)).isoformat(),
        "dosageInstruction": [{"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}],
    } | drug  # fmt: skip


def product(name: str, atc: str, text: str) -> Resource:
    """A Medication of its own."""
    return {
        "resourceType": "Medication", "id": name,
        "code": {"coding": [{"system": ATC, "code": atc}], "text": text},
    }  # fmt: skip


CHART: list[Resource] = [
    {"resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1959-02-03"},
    result(0, "2601-3", 0.45),
    result(1, "2601-3", 0.52),
    result(2, "2823-3", 2.9),
    result(3, "2823-3", 3.3),
    result(4, "2000-8", 2.31),
    result(5, "14682-9", 70, "umol/L"),
    prescription(1, medicationReference={"reference": "Medication/om-1"}),
    prescription(2, medicationReference={"reference": "Medication/di-2"}),
    product("om-1", "A02BC01", "Omeprazole 20 mg capsule"),
    product("di-2", "C01AA05", "Digoxin 0.125 mg tablet"),
    {
        "resourceType": "Condition", "id": "co-1", "subject": subject(), "code": {"text": "Type 2 diabetes"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
    },
]  # fmt: skip


def find(path: str, query: str, chart: list[Resource] | None = None) -> Resource | None:
    """What a FHIR server has for a read or a search; None for a read of what is not there."""
    resources = CHART if chart is None else chart
    kind, _, name = path.partition("/")
    if name:
        return next((r for r in resources if (r["resourceType"], r["id"]) == (kind, name)), None)
    asked = dict(parse_qsl(query))
    found = [r for r in resources if r["resourceType"] == kind and _fits(r, asked)]
    if "_sort" in asked:
        found.sort(key=lambda r: str(r["effectiveDateTime"]), reverse=True)
    return searchset(found)


def searchset(found: list[Resource], **more: Any) -> Resource:
    """A Bundle of matches."""
    entries = [{"resource": resource, "search": {"mode": "match"}} for resource in found]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": entries} | more


def _fits(resource: Resource, asked: dict[str, str]) -> bool:
    if "patient" in asked and asked["patient"] != PATIENT:
        return False
    if "_id" in asked and resource["id"] not in asked["_id"].split(","):
        return False
    if "status" in asked and resource["status"] not in asked["status"].split(","):
        return False
    if "code" not in asked:
        return True
    wanted = {token.rpartition("|")[2] for token in asked["code"].split(",")}
    return any(coding["code"] in wanted for coding in resource["code"].get("coding", ()))
