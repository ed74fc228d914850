"""gate-pregnancy (catalogue 1.4): whether the patient is pregnant now, and the fact that says so."""

from __future__ import annotations

from cds_service.facts.moments import Moment
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Problem, Result


def pregnancy(patient: Patient, k: Limits) -> Problem | Result | None:
    """The condition, status or due date that makes the patient pregnant; None when nothing says so.

    Raises CannotTellError when nothing says so but the problem list was not delivered completely.
    """
    if patient.sex == "male":
        return None
    evidence = _evidence(patient, k)
    if evidence is None:
        patient.complete("conditions")
        return None
    delivered = patient.ever_had("delivery")
    at = evidence.at
    if delivered and at is not None and _after(delivered[0].at, at):
        return None
    return evidence


def _evidence(patient: Patient, k: Limits) -> Problem | Result | None:
    condition = patient.has("pregnancy")
    window = k.span("condition_window")
    if condition is not None and (condition.at is None or patient.as_of.within(condition.at, window)):
        return condition
    status = patient.latest("pregnancy-status", k.span("status_window"))
    if status is not None and status.value > 0:
        return status
    due = patient.last_known("expected-delivery-date")
    if due is not None:
        days_ahead = int(due.value) - patient.as_of.today.toordinal()
        if -k.span("overdue").days <= days_ahead <= k.span("ahead").days:
            return due
    return None


def _after(later: Moment | None, earlier: Moment) -> bool:
    return later is not None and later.latest > earlier.latest
