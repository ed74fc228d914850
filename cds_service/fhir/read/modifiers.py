"""Modifier extensions: the ones we understand, and resources that others make unusable (FHIR R4, 2.4.1.0.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cds_service.fhir import structs
from cds_service.fhir.datatypes import Dosage, Extension

# Dutch medication process 9 (R4) and zib MedicationAgreement (STU3): the order was stopped, for good or for now.
_STOP_TYPE = ("ext-StopType", "zib-Medication-StopType")


def says_stopped(extensions: Sequence[Extension]) -> bool:
    """Whether one of the modifier extensions stops the order."""
    return bool(extensions) and any(extension.url.endswith(_STOP_TYPE) for extension in extensions)


def unknown_modifier(resource: structs.Resource) -> str | None:
    """Why a resource must not be used: `implicit-rules`, `modifier-extension`, `replaced` (a Patient) or `in-error`
    (a product); None when it may be."""
    if resource.implicit_rules:
        return "implicit-rules"
    if resource.modifier_extension and not _all_known(resource.modifier_extension):
        return "modifier-extension"
    if type(resource) is structs.MedicationRequest:
        inner = resource.dispense_request
        if (inner is not None and inner.modifier_extension) or _in_dosages(resource.dosage_instruction):
            return "modifier-extension"
    elif type(resource) is structs.MedicationStatement:
        if _in_dosages(resource.dosage):
            return "modifier-extension"
    elif type(resource) is structs.Medication:
        if any(i.modifier_extension for i in resource.ingredient):
            return "modifier-extension"
        return "in-error" if resource.status.strip() == "entered-in-error" else None
    elif type(resource) is structs.Patient:
        return _modified_link(resource)
    return None


def _modified_link(patient: structs.Patient) -> str | None:
    """A record that another one replaced may have gone on without us: its chart proves no absence."""
    links = [link for raw in patient.link if (link := structs.decode(raw, structs.PatientLink)) is not None]
    if any(link.modifier_extension for link in links):
        return "modifier-extension"
    return "replaced" if any(link.type == "replaced-by" for link in links) else None


def _all_known(extensions: Iterable[Extension]) -> bool:
    return all(extension.url.endswith(_STOP_TYPE) for extension in extensions)


def _in_dosages(dosages: Iterable[Dosage]) -> bool:
    for dosage in dosages:
        if dosage.modifier_extension or (dosage.timing is not None and dosage.timing.modifier_extension):
            return True
    return False
