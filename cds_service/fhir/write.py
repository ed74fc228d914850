"""Outbound FHIR R4: the draft orders that suggestions offer.

Templates are validated with fhir.resources at start and in tests, not per request.
"""

from __future__ import annotations

from typing import Any

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


def validate_orders(orders: dict[str, Order], languages: tuple[str, ...]) -> list[str]:
    """Every order template as a strict FHIR resource; returns what is wrong with each, empty when all are valid."""
    from fhir.resources.R4B.servicerequest import ServiceRequest

    problems = []
    for order in orders.values():
        for language in languages:
            try:
                ServiceRequest.model_validate(draft_service_request(order, language, "example", "example"))
            except ValueError as error:
                problems.append(f"{order.id} ({language}): {error}")
    return problems
