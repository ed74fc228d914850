"""The drug orders that a call is about: prescriptions, and orders for a procedure that gives a drug."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir import structs
from cds_service.fhir.call import Call
from cds_service.fhir.datatypes import CodeableConcept, Coding
from cds_service.fhir.read.conditions import condition_names
from cds_service.fhir.read.intake import DRAFTS, DSTU2, Intake
from cds_service.fhir.read.references import heading_of, kind_of
from cds_service.fhir.read.shapes import DSTU2_NAMES
from cds_service.knowledge.vocabulary_systems import ATC

PRESCRIPTION = "MedicationRequest"
PROCEDURE_ORDERS = ("ServiceRequest", "ProcedureRequest")  # the second: STU3


def read_drafts(call: Call, intake: Intake, vocabulary: Vocabulary) -> Iterator[tuple[structs.MedicationRequest, bool]]:
    """Every draft with a drug in it, and whether the call is about that one (selected, signed, refilled).

    A ServiceRequest for a procedure of the value sets that gives a drug comes as a prescription of that drug, under
    its own reference; other ServiceRequests are no drug orders.
    """
    for raw in call.drafts:
        kind = kind_of(raw)
        draft: structs.MedicationRequest | None = None
        if kind == PRESCRIPTION:
            draft = intake.accept(DRAFTS, raw, structs.MedicationRequest, heading_of(raw).id)
        elif kind in PROCEDURE_ORDERS and (given := _drug_given(raw, vocabulary)):
            request = intake.accept(DRAFTS, raw, structs.ServiceRequest, heading_of(raw).id)
            draft = None if request is None else _as_prescription(request, given)
        elif kind in DSTU2_NAMES:
            intake.refuse(DRAFTS, f"{kind}/{heading_of(raw).id}", DSTU2)
        if draft is not None:
            yield draft, call.judged is None or f"{kind}/{draft.id}" in call.judged


def _drug_given(raw: msgspec.Raw, vocabulary: Vocabulary) -> str:
    """The ATC code of the drug that the ordered procedure gives, empty for any other order.

    Most ServiceRequests are for a laboratory: whatever is wrong with those is no doubt about a drug order.
    """
    request = structs.decode(raw, structs.ServiceRequest) if vocabulary.procedure_drugs else None
    if request is None or request.code is None:
        return ""
    groups, _ = condition_names(vocabulary).groups(tuple(request.code.coding), request.code.text)
    return next((drug for group, drug in vocabulary.procedure_drugs.items() if group in groups), "")


def _as_prescription(request: structs.ServiceRequest, given: str) -> structs.MedicationRequest:
    code = request.code or CodeableConcept()
    text = code.text or next((coding.display for coding in code.coding if coding.display), "")
    return structs.MedicationRequest(
        resource_type=request.resource_type,
        id=request.id,
        status=request.status,
        do_not_perform=request.do_not_perform,
        medication_codeable_concept=CodeableConcept((Coding(ATC, given),), text),
        authored_on=request.authored_on,
        reason_code=request.reason_code,
        note=request.note,
        modifier_extension=request.modifier_extension,
    )
