"""ca-albumin-correction-caution (catalogue section 5): total and albumin-adjusted calcium lie in different bands."""

from __future__ import annotations

from cards._families.calcium_basis.family import NORMAL, Bands, CalciumBasis, calcium_basis
from cards._families.sample_quality.family import sample_quality
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient

MILD_LOW, MILD_HIGH = Bands(low=Severity.INFO), Bands(high=Severity.INFO)


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when the bands differ and no ionised calcium settles it; a warning when one is far out."""
    basis = patient.ask(calcium_basis)
    total = basis.result
    if total is None:
        return NotApplicable(patient.absent("calcium-total"))
    if basis.kind != "total" or basis.adjusted is None:
        return NotApplicable("there is no total beside an adjusted calcium to compare")
    if not basis.discordant:
        return Satisfied((total,))
    if patient.ask(sample_quality).replaces_low("calcium-total"):
        return NotApplicable("sample-quality-repeat")
    return Fires(
        "far-apart" if _far_apart(basis) else "discordant",
        because=(total,),
        also=basis.also,
        values={"ca": total, "adjusted": basis.adjusted},
    )


def _far_apart(basis: CalciumBasis) -> bool:
    """Total calcium in its lowest band, or adjusted calcium in one of the two highest, and the other in none or in the
    mildest band on the same side: a worse case never has the milder card."""
    adjusted = basis.by_adjusted or NORMAL
    very_low = basis.by_total.low is Severity.CRITICAL and adjusted in (NORMAL, MILD_LOW)
    high = adjusted.high is not None and adjusted.high >= Severity.WARNING
    return very_low or (high and basis.by_total in (NORMAL, MILD_HIGH))
