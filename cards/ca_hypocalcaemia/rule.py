"""ca-hypocalcaemia: low calcium by ca-basis, critical with signs."""

from __future__ import annotations

from cards._families.calcium_basis.family import CalciumBasis, calcium_basis
from cards._families.sample_quality.family import sample_quality
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

CALCIUM = ("calcium-total", "calcium-ionised", "calcium-adjusted")
CAUSES = (
    "antiresorptive", "loop-diuretic", "foscarnet-pentamidine", "phenytoin", "cinacalcet", "ppi", "egfr-mab",
    "platinum",
)  # fmt: skip


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when the calcium that counts is low; any low calcium with signs is critical."""
    basis = patient.ask(calcium_basis)
    calcium = basis.result
    if calcium is None:
        return NotApplicable("; ".join(patient.absent(c) for c in CALCIUM))
    if basis.low is None:
        return Satisfied(basis.because)
    sample = patient.ask(sample_quality)
    if sample.replaces_low(calcium.concept):
        return NotApplicable("sample-quality-repeat")
    causes = patient.taking(*CAUSES)
    signs: tuple[Fact, ...] = () if basis.signs is None else (basis.signs,)
    raised = basis.low is not Severity.CRITICAL
    return Fires(
        _variant(basis),
        severity=basis.low_with_signs,
        because=basis.because + (signs if raised else ()),
        also=(*basis.also, *signs, *causes),
        values={"ca": basis.shown, "adjusted": basis.adjusted},
        notes=_notes(basis, causes, doubtful=sample.doubts(calcium.concept)),
        unknown=basis.unknown,
    )


def _variant(basis: CalciumBasis) -> str:
    if basis.low is Severity.CRITICAL:
        return "severe"
    if basis.signs is not None:
        return "signs"
    clear = basis.low is Severity.WARNING or basis.by_total.low is Severity.CRITICAL
    return "moderate" if clear else "mild"


def _notes(basis: CalciumBasis, causes: tuple[Exposure, ...], *, doubtful: bool) -> tuple[str | Phrase, ...]:
    notes: list[str | Phrase] = []
    if basis.discordant:
        notes.append("discordant")
    elif basis.corrected:
        notes.append("adjusted")
    if causes:
        notes.append(Phrase("causes", {"drugs": Listing(causes)}))
    if doubtful:
        notes.append("sample-doubtful")
    return tuple(notes)
