"""ca-hypocalcaemia-mg-low-or-unknown: low calcium whose magnesium is low or not measured alongside."""

from __future__ import annotations

from cards._families.calcium_basis.family import CalciumBasis, calcium_basis
from cards._families.sample_quality.family import sample_quality
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

CALCIUM = ("calcium-total", "calcium-ionised", "calcium-adjusted")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when calcium is low and magnesium near it is low (one step up unless only mildly low) or not measured."""
    basis = patient.ask(calcium_basis)
    calcium, alone = basis.result, basis.low_with_signs
    if calcium is None:
        return NotApplicable("; ".join(patient.absent(c) for c in CALCIUM))
    if alone is None:
        return Satisfied(basis.because)
    sample = patient.ask(sample_quality)
    if sample.replaces_low(calcium.concept):
        return NotApplicable("sample-quality-repeat")
    doubts = ("sample-doubtful",) if sample.doubts(calcium.concept) else ()
    mg = patient.near("magnesium-serum", calcium.at, k.span("near"))
    if mg is not None and mg.below(k["mg_moderate"]):
        stepped = Severity.WARNING if alone is Severity.INFO else Severity.CRITICAL
        return _fires("low", stepped, basis, mg, doubts, decides=stepped > alone)
    if mg is not None and mg.below(k["mg_low"]):
        return _fires("contributor", alone, basis, mg, doubts)
    if _not_measured_alongside(patient, calcium, k):
        return _fires("unknown", alone, basis, mg, doubts)
    return Satisfied(basis.because if mg is None else (*basis.because, mg))


def _not_measured_alongside(patient: Patient, calcium: Result, k: Limits) -> bool:
    """Certainly no magnesium from shortly before the calcium until now."""
    since_calcium = patient.as_of.at - calcium.at.earliest
    return patient.not_measured_within("magnesium-serum", since_calcium + k.span("window"))


def _fires(
    variant: str,
    severity: Severity,
    basis: CalciumBasis,
    mg: Result | None,
    notes: tuple[str, ...],
    *,
    decides: bool = False,
) -> Fires:
    signs: tuple[Fact, ...] = () if basis.signs is None else (basis.signs,)
    magnesium: tuple[Fact, ...] = () if mg is None else (mg,)
    because = (*basis.because, *(magnesium if decides else ()))
    if basis.discordant:
        notes = ("discordant", *notes)
    values = {"ca": basis.shown, "mg": mg, "adjusted": basis.adjusted}
    variant = "urgent" if severity is Severity.CRITICAL else variant
    return Fires(variant, severity, because, (*magnesium, *basis.also, *signs), values, notes, basis.unknown)
