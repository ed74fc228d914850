"""Outbound FHIR R4: the draft orders that suggestions offer.

Templates are validated with fhir.resources: those of cards/ by `ionwise check`, those that a site changed at start. Not
per request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.model import Order

Reference = Mapping[str, str]
_EXAMPLE = ({"reference": "Patient/example"}, {"reference": "Encounter/example"}, date(2000, 1, 1))


def order_code(order: Order, language: str) -> dict[str, Any]:
    """What is ordered, as a CodeableConcept."""
    return {"coding": list(order.codings), "text": order.label[language]}


def draft_service_request(
    code: Mapping[str, Any], subject: Reference, encounter: Reference | None, due: date | None = None
) -> dict[str, Any]:
    """A draft ServiceRequest proposal for the patient, for now or for a day to come: never signed, never dosed."""
    resource: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "code": code,
        "subject": subject,
    }
    if encounter is not None:
        resource["encounter"] = encounter
    if due is not None:
        resource["occurrenceDateTime"] = due.isoformat()
    return resource


def validate_orders(orders: Iterable[Order], languages: Iterable[str]) -> None:
    """Build every order template as a strict FHIR resource. Raises KnowledgeError naming all that are not valid."""
    from fhir.resources.R4B.servicerequest import ServiceRequest

    findings = []
    for order in orders:
        for language in languages:
            try:
                code = order_code(order, language)
                ServiceRequest.model_validate(draft_service_request(code, *_EXAMPLE))
            except ValueError as error:
                problem = f"order {order.id} ({language}) is no valid ServiceRequest: {str(error).splitlines()[0]}"
                findings.append(
                    Finding("cards/_shared/orders.yaml", 1, "fhir", problem, "correct its codings or label")
                )
    if findings:
        raise KnowledgeError(tuple(findings))
