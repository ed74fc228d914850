"""mg-urine-24h-interpretation: what a day's magnesium excretion means beside the serum magnesium of that time."""

from __future__ import annotations

from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_dosing.family import time_since_dose
from cards._families.magnesium_loss.family import magnesium_loss
from cards._families.urine_collection.family import UrineCollection, urine_collection
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Result


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Low serum: renal wasting or conservation; serum in the grey zone: little in urine supports depletion."""
    collection = patient.ask(urine_collection)
    if collection is None:
        return NotApplicable(patient.absent("magnesium-urine-24h"))
    if collection.problem:
        return NotApplicable(collection.problem)
    urine, mg = collection.magnesium, collection.serum
    if mg is None:
        patient.absent("magnesium-serum")
        return NotApplicable("no usable serum magnesium near the collection")
    variant = _variant(urine, mg, k)
    if not variant:
        return Satisfied((urine, mg))
    causes = _causes(patient, variant)
    severe = variant == "wasting" and mg.below(k["serum_severe"])
    influences = _influences(patient, urine)
    return Fires(
        variant,
        severity=Severity.WARNING if severe else None,
        because=(urine, mg),
        also=(*collection.checks, *causes),
        values={"urine": urine, "mg": mg},
        notes=(*_notes(collection), *_influenced(influences)),
        unknown=() if patient.ask(kidney_function).known else ("unknown-egfr",),
    )


def _variant(urine: Result, mg: Result, k: Limits) -> str:
    """The meaning of the pair; empty when it has none, or a bound leaves it open."""
    if mg.below(k["serum_low"]):
        return "wasting" if urine.above(k["urine_low"]) else "conserving" if urine.at_most(k["urine_low"]) else ""
    if not (mg.at_least(k["serum_low"]) and mg.below(k["serum_grey"])):
        return ""
    if urine.below(k["urine_low"]):
        return "depletion"
    return "low-intake" if urine.at_least(k["urine_low"]) and urine.below(k["urine_usual"]) else ""


def _causes(patient: Patient, variant: str) -> tuple[Fact, ...]:
    loss = patient.ask(magnesium_loss)
    return loss.renal if variant == "wasting" else loss.other


def _influences(patient: Patient, urine: Result) -> tuple[Exposure, ...]:
    """Magnesium and diuretics in use when the urine was collected."""
    found = patient.taking("magnesium", "diuretic")
    return tuple(drug for drug in found if time_since_dose(urine, drug) is not None)


def _notes(collection: UrineCollection) -> tuple[str, ...]:
    notes = (("unchecked", not collection.checked), ("small", collection.small))
    return tuple(name for name, holds in notes if holds)


def _influenced(drugs: tuple[Exposure, ...]) -> tuple[Phrase, ...]:
    return (Phrase("influenced", {"drugs": Listing(drugs)}),) if drugs else ()
