"""ca-albumin-correction-caution (catalogue section 5): total and albumin-adjusted calcium lie in different bands."""

from __future__ import annotations

from cards._families.calcium_basis.family import NORMAL, CalciumBasis, calcium_basis
from cards._families.sample_quality.family import sample_quality
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient


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
    """Total calcium in its lowest band, or adjusted calcium in one of the two highest, and the other in none."""
    adjusted_high = None if basis.by_adjusted is None else basis.by_adjusted.high
    very_low = basis.by_total.low is Severity.CRITICAL and basis.by_adjusted == NORMAL
    return very_low or (adjusted_high is not None and adjusted_high >= Severity.WARNING and basis.by_total == NORMAL)
