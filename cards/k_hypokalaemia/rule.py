"""k-hypokalaemia: low potassium in its band, heavier with certain drugs, heart or liver disease, a fall, or signs."""

from __future__ import annotations

from cards._families.dialysis.family import dialysis
from cards._families.potassium_context.family import PotassiumContext, potassium_context
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Phrase, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when potassium is below 3.5, in dialysis patients below 3.0; the severity is that of the shared context."""
    context = patient.ask(potassium_context)
    potassium = context.potassium
    if potassium is None:
        return NotApplicable(patient.absent("potassium"))
    if context.band is None:
        return Satisfied((potassium,))
    if not context.moderate and patient.ask_or(dialysis, None) is not None:
        return NotApplicable("dialysis")
    mg = patient.near("magnesium-serum", potassium.at, k.span("near"))
    variant, known = _variant(context.band), "measure" if mg is None else "measured"
    return Fires(
        variant,
        severity=context.severity,
        because=(potassium,),
        also=(*context.reasons, *context.causes),
        values={
            "k": potassium,
            "action": Phrase(f"{'mild' if variant == 'mild' else 'treat'}-{known}"),
            "magnesium": Phrase(known, {"mg": mg}),
        },
        notes=_notes(context),
        unknown=context.unknown,
    )


def _variant(band: Severity) -> str:
    if band is Severity.CRITICAL:
        return "severe"
    return "moderate" if band is Severity.WARNING else "mild"


def _notes(context: PotassiumContext) -> tuple[str | Phrase, ...]:
    raised = context.severity is Severity.CRITICAL and context.band is not Severity.CRITICAL
    urgent = ("potassium-emergency",) if raised else ()
    wording = ("within-site-range",) if context.within_site_range else ()
    return (*urgent, *context.notes, *wording)
