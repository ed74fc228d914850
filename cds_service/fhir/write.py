"""Outbound FHIR R4: the draft orders that suggestions offer.

Templates are validated with fhir.resources at start and in tests, not per request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.model import Order


def draft_service_request(order: Order, language: str, patient_id: str, encounter_id: str | None) -> dict[str, Any]:
    """A draft ServiceRequest proposal for the patient: never signed, never dosed."""
    resource: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "code": {"coding": list(order.codings), "text": order.label[language]},
        "subject": {"reference": f"Patient/{patient_id}"},
    }
    if encounter_id is not None:
        resource["encounter"] = {"reference": f"Encounter/{encounter_id}"}
    return resource


def validate_orders(orders: Iterable[Order], languages: Iterable[str]) -> None:
    """Build every order template as a strict FHIR resource. Raises KnowledgeError naming all that are not valid."""
    from fhir.resources.R4B.servicerequest import ServiceRequest

    findings = []
    for order in orders:
        for language in languages:
            try:
                ServiceRequest.model_validate(draft_service_request(order, language, "example", "example"))
            except ValueError as error:
                problem = f"order {order.id} ({language}) is no valid ServiceRequest: {str(error).splitlines()[0]}"
                findings.append(
                    Finding("cards/_shared/orders.yaml", 1, "fhir", problem, "correct its codings or label")
                )
    if findings:
        raise KnowledgeError(tuple(findings))
