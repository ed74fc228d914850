"""gate-palliative (catalogue 1.4): palliative or comfort care. What it does to cards is in _shared/policy.yaml."""

from __future__ import annotations

from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Problem


def palliative(patient: Patient, k: Limits) -> Problem | None:
    """The active condition that says so, else None. Raises CannotTellError on an incomplete problem list."""
    evidence = patient.has("palliative")
    if evidence is None:
        patient.complete("conditions")
    return evidence
