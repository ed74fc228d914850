"""Other FHIR versions' names and shapes of the resources we read, rewritten to R4.

Only for resources that do not fit R4 as they are: the rewriting decodes them twice. What has no R4 place is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from cds_service.fhir import structs

Kind = TypeVar("Kind", bound=msgspec.Struct)
Json = dict[str, Any]

DSTU2_NAMES = frozenset({"MedicationOrder", "DiagnosticOrder"})

_R4_NAMES = {
    "ProcedureRequest": "ServiceRequest", "MedicationOrder": "MedicationRequest", "DiagnosticOrder": "ServiceRequest",
}  # fmt: skip
_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_RENAMED = (
    ("patient", "subject"), ("context", "encounter"), ("assertedDate", "recordedDate"), ("actualPeriod", "period"),
    ("doseForm", "form"),
)  # fmt: skip
_LISTS = ("reasonCode", "reasonReference", "note", "dosage", "dosageInstruction", "contained", "extension")
_DOSAGES = ("dosage", "dosageInstruction")
_STAYS = {"on-hold": "onleave", "discharged": "finished", "completed": "finished", "discontinued": "finished"}


def r4_name(name: str) -> str:
    """What R4 calls a type of resource that had another name in DSTU2 or STU3."""
    return _R4_NAMES.get(name, name)


def decode_as_r4(raw: msgspec.Raw, kind: type[Kind]) -> Kind | None:
    """Decode an STU3 or R5 resource into the R4 Struct; None when it is not one either. Never raises."""
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
        return not _says(resource.code)
    if isinstance(resource, structs.Condition):
        return resource.subject is None
    if isinstance(resource, structs.Encounter):
        return resource.period is None or resource.reason is not UNSET
    if isinstance(resource, structs.Medication):
        parts = resource.ingredient
        if resource.dose_form is not UNSET or any(p.item is not UNSET or p.amount is not UNSET for p in parts):
            return True
        return resource.code is not None and not _says(resource.code)
    return False


def _says(code: Any) -> bool:
    return code is not None and bool(code.coding or code.text)


def _rewritten(resource: Json) -> Json:
    changed = dict(resource)
    for old, new in _RENAMED:
        if old in changed:
            changed.setdefault(new, changed[old])
    _medication(changed)
    _dosages(changed)
    _reasons(changed)
    for name in ("clinicalStatus", "verificationStatus"):
        if isinstance(changed.get(name), str):
            changed[name] = {"coding": [{"code": changed[name]}]}
    if changed.get("resourceType") == "Encounter":
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


def _medication(changed: Json) -> None:
    """R5 `medication`, `reported`, `effectiveTiming` and a product's ingredients; STU3 `amount` of an ingredient."""
    _split(changed, "medication", "medicationCodeableConcept", "medicationReference")
    if isinstance(changed.get("reported"), bool):
        changed.setdefault("reportedBoolean", changed["reported"])
    timing = changed.get("effectiveTiming")
    if isinstance(timing, dict):
        bounds = timing.get("repeat", {}).get("boundsPeriod")
        changed.setdefault("effectivePeriod", bounds or {"start": next(iter(timing.get("event", ())), None)})
    for ingredient in _objects(changed.get("ingredient")):
        _split(ingredient, "item", "itemCodeableConcept", "itemReference")
        strength = ingredient.pop("amount", None) or ingredient.get("strengthRatio")
        if strength is None and "strengthQuantity" in ingredient:
            strength = {"numerator": ingredient["strengthQuantity"]}
        if strength is not None:
            ingredient.setdefault("strength", strength)


def _split(holder: Json, name: str, concept: str, reference: str) -> None:
    """An R5 CodeableReference as the two members that R4 has for it."""
    either = holder.pop(name, None)
    if isinstance(either, dict):
        for inner, member in (("concept", concept), ("reference", reference)):
            if isinstance(either.get(inner), dict):
                holder.setdefault(member, either[inner])


def _dosages(changed: Json) -> None:
    """R5 `asNeeded`, and the period of use of the whole order."""
    period = changed.get("effectiveDosePeriod")
    if isinstance(period, dict):
        changed["dosageInstruction"] = changed.get("dosageInstruction") or [{}]
        for dosage in _objects(changed["dosageInstruction"]):
            dosage.setdefault("timing", {}).setdefault("repeat", {}).setdefault("boundsPeriod", period)
    for dosage in [dosage for name in _DOSAGES for dosage in _objects(changed.get(name))]:
        if "asNeeded" in dosage or "asNeededFor" in dosage:
            dosage.setdefault("asNeededBoolean", bool(dosage.get("asNeeded", True)))


def _reasons(changed: Json) -> None:
    """R5 `reason` (in an Encounter within its `value`) and `code` are CodeableReferences, STU3 `reason` a concept."""
    for reason in _objects(changed.get("reason")):
        for inner in _objects(reason.get("value", [reason])):
            if isinstance(inner.get("concept"), dict):
                changed.setdefault("reasonCode", []).append(inner["concept"])
            if isinstance(inner.get("reference"), dict):
                changed.setdefault("reasonReference", []).append(inner["reference"])
            if "coding" in inner or "text" in inner:
                changed.setdefault("reasonCode", []).append(inner)
    code = changed.get("code")
    if isinstance(code, dict) and isinstance(code.get("concept"), dict):
        changed["code"] = code["concept"]


def _encounter(changed: Json) -> None:
    """R5 `class` is a list of CodeableConcepts, `serviceType` one of CodeableReferences; `status` has other codes."""
    changed["status"] = _STAYS.get(changed.get("status", ""), changed.get("status"))
    classes = changed.get("class")
    if isinstance(classes, list):
        codings = [coding for concept in _objects(classes) for coding in _objects(concept.get("coding"))]
        changed["class"] = next((coding for coding in codings if "code" in coding), {})
    services = changed.get("serviceType")
    if isinstance(services, list):
        kinds = [service["concept"] for service in _objects(services) if isinstance(service.get("concept"), dict)]
        changed["serviceType"] = kinds[0] if kinds else {}


def _objects(items: Any) -> Iterator[Json]:
    return (item for item in items or () if isinstance(item, dict))
