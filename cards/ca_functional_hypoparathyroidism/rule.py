"""ca-functional-hypoparathyroidism (catalogue section 5): low calcium whose PTH does not rise: look at magnesium."""

from __future__ import annotations

from decimal import Decimal

from cards._families.calcium_basis.family import CalciumBasis, calcium_basis
from cards._families.sample_quality.family import sample_quality
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

CALCIUM = ("calcium-total", "calcium-ionised", "calcium-adjusted")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when calcium is low, PTH near it is not raised, and magnesium near it is low, high or not measured."""
    basis = patient.ask(calcium_basis)
    calcium = basis.result
    if calcium is None:
        return NotApplicable("; ".join(patient.absent(c) for c in CALCIUM))
    if basis.low is None:
        return Satisfied(basis.because)
    if patient.ask(sample_quality).replaces_low(calcium.concept):
        return NotApplicable("sample-quality-repeat")
    pth = patient.near("pth", calcium.at, k.span("near"))
    if pth is None:
        return NotApplicable("no PTH near the calcium")
    limit = _upper(pth)
    if not pth.at_most(k["pth_high"] if limit is None else limit):
        return Satisfied((pth,))
    mg = patient.near("magnesium-serum", calcium.at, k.span("near"))
    notes = ("no-range",) if limit is None else ()
    if mg is not None and mg.below(k["mg_low"]):
        return _fires("low", basis, pth, mg, notes)
    if mg is not None and mg.above(k["mg_high"]):
        return _fires("high", basis, pth, mg, notes)
    if _not_measured_alongside(patient, calcium, k):
        return _fires("unknown", basis, pth, mg, notes)
    return Satisfied((*basis.because, pth) if mg is None else (*basis.because, pth, mg))


def _upper(pth: Result) -> Decimal | None:
    """The laboratory's own upper limit."""
    return pth.range.high if pth.range is not None else None


def _not_measured_alongside(patient: Patient, calcium: Result, k: Limits) -> bool:
    """Certainly no magnesium from shortly before the calcium until now."""
    since_calcium = patient.as_of.at - calcium.at.earliest
    return patient.not_measured_within("magnesium-serum", since_calcium + k.span("near"))


def _fires(variant: str, basis: CalciumBasis, pth: Result, mg: Result | None, notes: tuple[str, ...]) -> Fires:
    magnesium = () if mg is None else (mg,)
    values = {"ca": basis.shown, "pth": pth, "mg": mg}
    return Fires(
        variant,
        because=(*basis.because, pth, *magnesium),
        also=basis.also,
        values=values,
        notes=notes,
        unknown=basis.unknown,
    )
