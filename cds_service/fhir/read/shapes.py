"""Other FHIR versions' shapes of the resources we read, rewritten to R4.

Only for resources that do not fit R4 as they are: the rewriting decodes them twice. What has no R4 place is left alone.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from cds_service.fhir import structs

Kind = TypeVar("Kind", bound=msgspec.Struct)

_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_RENAMED = (("patient", "subject"), ("dateWritten", "authoredOn"), ("context", "encounter"), ("actualPeriod", "period"))
_LISTS = ("reasonCode", "reasonReference", "note", "dosage", "dosageInstruction", "contained", "extension")


def decode_as_r4(raw: msgspec.Raw, kind: type[Kind]) -> Kind | None:
    """Decode a DSTU2, STU3 or R5 resource into the R4 Struct; None when it is not one either. Never raises."""
    try:
        resource = _EXACT.decode(raw)
        if not isinstance(resource, dict):
            return None
        return structs.decode(msgspec.Raw(_ENCODER.encode(_rewritten(resource))), kind)
    except (*structs.UNREADABLE, TypeError, AttributeError, KeyError, IndexError):
        return None


def is_other_shape(resource: msgspec.Struct) -> bool:
    """Whether what R4 needs is missing, as it is in other versions' shapes that decode without an error."""
    if isinstance(resource, structs.MEDICINES):
        named = resource.medication_codeable_concept is not None or resource.medication_reference is not None
        return not named or resource.subject is None
    if isinstance(resource, structs.Procedure):
        return resource.performed_date_time is None and resource.performed_period is None
    if isinstance(resource, structs.ServiceRequest):
        return resource.code is None or not (resource.code.coding or resource.code.text)
    if isinstance(resource, structs.Condition):
        return resource.subject is None
    return False


def _rewritten(resource: dict[str, Any]) -> dict[str, Any]:
    changed = dict(resource)
    if changed.get("resourceType") == "MedicationOrder":
        changed["resourceType"] = "MedicationRequest"
        changed.setdefault("intent", "order")
    for old, new in _RENAMED:
        if old in changed:
            changed.setdefault(new, changed[old])
    _medication(changed)
    _reasons(changed)
    for name in ("clinicalStatus", "verificationStatus"):
        if isinstance(changed.get(name), str):
            changed[name] = {"coding": [{"code": changed[name]}]}
    _encounter(changed)
    for name in ("DateTime", "Period"):
        if changed.get("resourceType") == "Procedure" and f"occurrence{name}" in changed:
            changed.setdefault(f"performed{name}", changed[f"occurrence{name}"])
    for name in _LISTS:
        if name in changed and not isinstance(changed[name], list):
            value = changed[name]
            changed[name] = [{"text": value} if isinstance(value, str) else value]
    source = changed.get("informationSource")
    if isinstance(source, list):
        changed["informationSource"] = source[0] if source else {}
    return changed


def _medication(changed: dict[str, Any]) -> None:
    """R5 `medication`, `reported`, `asNeeded`."""
    medication = changed.pop("medication", None)
    if isinstance(medication, dict):
        if isinstance(medication.get("concept"), dict):
            changed.setdefault("medicationCodeableConcept", medication["concept"])
        if isinstance(medication.get("reference"), dict):
            changed.setdefault("medicationReference", medication["reference"])
    if isinstance(changed.get("reported"), bool):
        changed.setdefault("reportedBoolean", changed["reported"])
    for name in ("dosage", "dosageInstruction"):
        for dosage in changed.get(name) or ():
            if isinstance(dosage, dict) and ("asNeeded" in dosage or "asNeededFor" in dosage):
                dosage.setdefault("asNeededBoolean", bool(dosage.get("asNeeded", True)))


def _reasons(changed: dict[str, Any]) -> None:
    """R5 `reason` and `code` are CodeableReferences."""
    for reason in changed.get("reason") or ():
        if isinstance(reason, dict):
            for inner in reason.get("value", [reason]) if isinstance(reason.get("value"), list) else [reason]:
                if isinstance(inner.get("concept"), dict):
                    changed.setdefault("reasonCode", []).append(inner["concept"])
                if isinstance(inner.get("reference"), dict):
                    changed.setdefault("reasonReference", []).append(inner["reference"])
    code = changed.get("code")
    if isinstance(code, dict) and isinstance(code.get("concept"), dict):
        changed["code"] = code["concept"]


def _encounter(changed: dict[str, Any]) -> None:
    """R5 `class` is a list of CodeableConcepts, `serviceType` a list of CodeableReferences."""
    classes = changed.get("class")
    if isinstance(classes, list):
        concepts = [concept for concept in classes if isinstance(concept, dict)]
        codings = [coding for concept in concepts for coding in concept.get("coding") or () if "code" in coding]
        changed["class"] = codings[0] if codings else {}
    services = changed.get("serviceType")
    if isinstance(services, list):
        kinds = [s["concept"] for s in services if isinstance(s, dict) and isinstance(s.get("concept"), dict)]
        changed["serviceType"] = kinds[0] if kinds else {}
