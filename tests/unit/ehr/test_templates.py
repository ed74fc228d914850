"""Prefetch templates: which tokens have a value, and how it is written into the query."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cds_service.ehr.templates import resolve_template

TODAY = date(2026, 11, 21)
CONTEXT: dict[str, Any] = {
    "userId": "Practitioner/dr-1",
    "patientId": "p 1",
    "selections": ["MedicationRequest/a", "MedicationRequest/b"],
    "draftOrders": {"entry": [{"resource": {"id": "a"}}, {"resource": {"id": "b"}}]},
    "urgent": True,
}


@pytest.mark.parametrize(
    ("template", "query"),
    [
        ("Patient/{{context.patientId}}", "Patient/p%201"),
        ("Patient/{{ context.patientId }}", "Patient/p%201"),
        ("{{context.userId}}", "Practitioner/dr-1"),
        ("Practitioner/{{userPractitionerId}}", "Practitioner/dr-1"),
        ("A?x={{context.draftOrders.entry.resource.id}}", "A?x=a,b"),
        ("A?x={{context.selections}}", "A?x=MedicationRequest/a,MedicationRequest/b"),
        ("A?x={{context.urgent}}", "A?x=true"),
        ("A?date=ge{{today()}}", "A?date=ge2026-11-21"),
        ("A?date=ge{{today() - 90 days}}", "A?date=ge2026-08-23"),
        ("A?date=le{{today()+1 day}}", "A?date=le2026-11-22"),
        ("A?code=http://loinc.org|2601-3", "A?code=http://loinc.org|2601-3"),
    ],
)
def test_a_token_becomes_its_value(template: str, query: str) -> None:
    assert resolve_template(template, CONTEXT, TODAY) == query


@pytest.mark.parametrize(
    "token",
    [
        "context.encounterId",
        "context.draftOrders",
        "context.patientId.x",
        "userPatientId",
        "Patient.id",
        "today(1)",
        "",
    ],
)
def test_a_token_without_a_value_leaves_the_template_unresolved(token: str) -> None:
    assert resolve_template(f"A?x={{{{{token}}}}}", CONTEXT, TODAY) is None
