"""k-raising-combination (catalogue section 4): a new potassium-raising drug with a high or unknown potassium."""

from __future__ import annotations

from cards._families.dialysis.family import dialysis
from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cards._families.sample_quality.family import sample_quality
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Result

# In this order: a drug counts for the first class it belongs to.
CLASSES = ("mra", "k-sparing", "potassium", "trimethoprim-group", "ace-inhibitor", "arb", "raas-inhibitor")
STRICT = ("eplerenone", "finerenone")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when the drug being ordered meets a potassium from 5.0, or poor kidneys or company and no potassium."""
    drafts = patient.judged(*CLASSES)
    if not drafts:
        return NotApplicable("no potassium-raising drug is ordered")
    potassium = patient.latest("potassium", k.span("window"))
    together = _by_class(patient)
    if potassium is not None and potassium.at_least(k["caution"]):
        return _fires(patient, k, _band(patient, potassium, drafts, k), drafts, (potassium,), together)
    kidney = patient.ask(kidney_function)
    poor = kidney.below(k["egfr_low"]) or patient.ask_or(dialysis, None) is not None
    basis = kidney.dialysis or kidney.basis
    decides: tuple[Fact, ...] = () if basis is None else (basis,)
    no_potassium = patient.not_measured_within("potassium", k.span("window"))
    if poor and no_potassium:
        return _fires(patient, k, "unmeasured-kidneys", drafts, decides, together)
    at_risk = kidney.below(k["egfr_reduced"]) or patient.aged_at_least(k["age"])
    combines = len(together) >= k["classes"]
    if combines and at_risk and (no_potassium or _no_creatinine(patient, k)):
        return _fires(patient, k, "unmeasured", drafts, (), together, _shown(kidney))
    return Satisfied(() if potassium is None else (potassium,))


def _by_class(patient: Patient) -> dict[str, Exposure]:
    """One drug per class, those taken and those ordered together."""
    found: dict[str, Exposure] = {}
    for drug in patient.taking_or_ordering(*CLASSES):
        found.setdefault(next(name for name in CLASSES if name in drug.groups), drug)
    return found


def _band(patient: Patient, potassium: Result, drafts: tuple[Exposure, ...], k: Limits) -> str:
    if potassium.at_least(k["moderate"]):
        return "very-high"
    if potassium.at_least(k["mild"]):
        return "high"
    supplement = any("potassium" in draft.groups for draft in drafts)
    started = any(patient.judged(name) and not patient.taking(name) for name in STRICT)
    return "contraindicated" if supplement or (started and potassium.above(k["contraindicated"])) else "raised"


def _no_creatinine(patient: Patient, k: Limits) -> bool:
    """Certainly neither a creatinine nor an eGFR (which is made from one) in the window."""
    window = k.span("window")
    return patient.not_measured_within("creatinine", window) and patient.not_measured_within("egfr", window)


def _shown(kidney: KidneyFunction) -> tuple[Fact, ...]:
    return () if kidney.basis is None else (kidney.basis,)


def _fires(
    patient: Patient,
    k: Limits,
    variant: str,
    drafts: tuple[Exposure, ...],
    decides: tuple[Fact, ...],
    together: dict[str, Exposure],
    beside: tuple[Fact, ...] = (),
) -> Fires:
    results = [fact for fact in decides if isinstance(fact, Result) and fact.concept == "potassium"]
    doubtful = bool(results) and patient.ask(sample_quality).doubts("potassium")
    company = tuple(together.values())
    notes = (
        ("mra", bool(patient.judged("mra"))),
        ("finerenone", bool(patient.judged("finerenone"))),
        ("combination", len(company) >= k["classes"] and variant != "unmeasured"),
        ("sample", doubtful),
    )
    return Fires(
        variant,
        because=(*drafts, *decides),
        also=(*company, *beside),
        values={"k": results[0] if results else None, "drugs": Listing(drafts), "classes": Listing(company)},
        notes=tuple(name for name, holds in notes if holds),
        unknown=() if patient.ask(kidney_function).known else ("unknown-egfr",),
    )
