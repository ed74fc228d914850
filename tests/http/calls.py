"""Hook requests as a well-behaved EHR sends them, to be bent by the tests."""

from __future__ import annotations

from typing import Any

NOTHING: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": 0}
DRAFT: dict[str, Any] = {
    "resourceType": "MedicationRequest", "id": "m_1" + "x" * 190, "status": "draft",
    "subject": {"reference": "Patient/p1"}
}  # fmt: skip
DRAFT_REFERENCE = f"MedicationRequest/{DRAFT['id']}"


def url(hook: str) -> str:
    """The service for a hook."""
    return f"/cds-services/ionwise-{hook}"


def request(hook: str = "patient-view", **members: Any) -> dict[str, Any]:
    """A complete request; `members` replace root members, None removes one."""
    body: dict[str, Any] = {
        "hook": hook,
        "hookInstance": "0f0e0d0c-0b0a-1908-8706-050403020100",
        "context": context(hook),
        "prefetch": {"patient": {"resourceType": "Patient", "id": "p1"}, "labs": NOTHING},
    } | members
    return {name: value for name, value in body.items() if value is not None}


def context(hook: str, **members: Any) -> dict[str, Any]:
    """The context that a hook defines; `members` replace, None removes."""
    fields: dict[str, Any] = {"userId": "Practitioner/u1", "patientId": "p1", "encounterId": "e1"}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": DRAFT}]}
    if hook in ("order-select", "order-sign"):
        fields["draftOrders"] = bundle
    if hook == "order-select":
        fields["selections"] = [DRAFT_REFERENCE]
    if hook == "medication-refill":
        fields["medications"] = bundle
    return {name: value for name, value in (fields | members).items() if value is not None}


def prefetch(**members: Any) -> dict[str, Any]:
    """The prefetch of `request`; `members` are added or replace."""
    return {**request()["prefetch"], **members}
