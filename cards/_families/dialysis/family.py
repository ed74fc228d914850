"""gate-dialysis (catalogue 1.4): chronic dialysis, unless a functioning transplant came after it."""

from __future__ import annotations

from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Problem


def dialysis(patient: Patient, k: Limits) -> Problem | None:
    """The condition or recent procedure that makes the patient a dialysis patient; None when nothing does.

    Raises CannotTellError when nothing does but the problem list was not delivered completely.
    """
    window = k.span("procedure_window")
    evidence = patient.has("dialysis") or patient.underwent("dialysis", within=window, lasting=True)
    if evidence is None:
        patient.complete("conditions")
        return None
    transplant = patient.has("kidney-transplant") or patient.underwent("kidney-transplant")
    if transplant is not None and transplant.at is not None:
        last = evidence.ended or evidence.at
        if last is None or transplant.at.latest > last.latest:
            return None
    return evidence
