"""k-hypokalaemia-mg-low-or-unknown: low potassium whose magnesium is low, borderline or not measured alongside."""

from __future__ import annotations

from cards._families.dialysis.family import dialysis
from cards._families.potassium_context.family import PotassiumContext, potassium_context
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when potassium is below 3.5 and magnesium near it is low, borderline or absent; never milder than potassium
    alone."""
    context = patient.ask(potassium_context)
    potassium, band, alone = context.potassium, context.band, context.severity
    if potassium is None:
        return NotApplicable(patient.absent("potassium"))
    if band is None or alone is None:
        return Satisfied((potassium,))
    if not context.moderate and patient.ask_or(dialysis, None) is not None:
        return NotApplicable("dialysis")
    mg = patient.near("magnesium-serum", potassium.at, k.span("near"))
    if mg is not None and mg.below(k["mg_low"]):
        stepped = Severity.WARNING if band is Severity.INFO else Severity.CRITICAL
        decides: tuple[Result, ...] = (potassium, mg) if stepped > alone else (potassium,)
        return _fires("low", max(stepped, alone), decides, context, potassium, mg)
    if _not_measured_alongside(patient, potassium, k):
        matters = context.moderate or bool(context.magnesium_risk)
        severity = max(alone, Severity.WARNING if matters else Severity.INFO)
        variant = "unknown-moderate" if context.moderate else "unknown"
        return _fires(variant, severity, (potassium,), context, potassium, mg)
    if mg is not None and mg.below(k["mg_borderline"]):
        return _fires("borderline", alone, (potassium,), context, potassium, mg)
    return Satisfied((potassium,) if mg is None else (potassium, mg))


def _not_measured_alongside(patient: Patient, potassium: Result, k: Limits) -> bool:
    """Certainly no magnesium from shortly before the potassium until now."""
    since_potassium = patient.as_of.at - potassium.at.earliest
    window = k.span("window_inpatient" if patient.inpatient else "window_outpatient")
    return patient.not_measured_within("magnesium-serum", since_potassium + window)


def _fires(
    variant: str,
    severity: Severity,
    because: tuple[Result, ...],
    context: PotassiumContext,
    potassium: Result,
    mg: Result | None,
) -> Fires:
    shown: tuple[Fact, ...] = (*(() if mg is None else (mg,)), *context.reasons, *context.causes)
    values = {"k": potassium, "mg": mg}
    chosen = "urgent" if severity is Severity.CRITICAL else variant
    return Fires(chosen, severity, because, shown, values, context.notes, context.unknown)
