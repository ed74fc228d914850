"""mg-paediatric-abnormal (catalogue section 2): magnesium below 18 years, by limits of its own."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires below the lower limit for age and above 1.5; critical below 0.50 and from 2.0 (newborns: warning)."""
    mg = patient.latest("magnesium-serum")
    if mg is None:
        return NotApplicable(patient.absent("magnesium-serum"))
    days = patient.age_in_days
    newborn = days is not None and timedelta(days=days) < k.span("newborn")
    lln = _lower_limit(mg, newborn, k)
    severity = None
    if mg.below(k["severe"]):
        variant = "severe-low"
    elif mg.below(lln):
        variant = "low"
    elif mg.at_least(k["very_high"]):
        variant = "severe-high"
        severity = Severity.WARNING if newborn else None
    elif mg.above(k["high"]):
        variant = "high"
    else:
        return Satisfied((mg,))
    about_newborn = ("newborn-low" if mg.below(lln) else "newborn-high",) if newborn else ()
    notes = ("adult-limits", *about_newborn)
    return Fires(variant, severity=severity, because=(mg,), values={"mg": mg, "lln": lln}, notes=notes)


def _lower_limit(mg: Result, newborn: bool, k: Limits) -> Decimal:
    """The laboratory's own when it is a plausible one for a child, else ours for the age."""
    own = mg.range.low if mg.range is not None else None
    if own is not None and k["site_low_from"] <= own <= k["site_low_to"]:
        return own
    return k["low_newborn"] if newborn else k["low"]
