"""mg-hypermagnesaemia (catalogue section 2): a high serum magnesium, its sources, and when it is an emergency."""

from __future__ import annotations

from cards._families.ctcae_magnesium.family import ctcae_magnesium
from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cards._families.magnesium_dosing.family import magnesium_dosing
from cards._families.magnesium_reference.family import magnesium_reference
from cards._families.pre_eclampsia.family import pre_eclampsia
from cards._families.sample_quality.family import sample_quality
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Problem, Result

SIGNS = ("areflexia", "hypotension", "bradycardia", "respiratory-failure", "somnolence", "conduction-widening")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires above the upper limit of normal, by band; critical from 2.0 or with a sign of toxicity."""
    mg = patient.latest("magnesium-serum")
    if mg is None:
        return NotApplicable(patient.absent("magnesium-serum"))
    if not mg.at_least(min(patient.ask(magnesium_reference).upper, k["raised"])):
        return Satisfied((mg,))
    if patient.ask(sample_quality).replaces_high("magnesium-serum"):
        return NotApplicable("replaced by sample-quality-repeat")
    kidney = patient.ask(kidney_function)
    sign = patient.has(*SIGNS, within=k.span("signs"))
    variant = _variant(patient, mg, kidney, sign, k)
    if variant is None:
        return Satisfied((mg,))
    sources = patient.taking("magnesium") + patient.judged("magnesium")
    worse = variant == "mild" and (bool(patient.taking("magnesium")) or kidney.below(kidney.limit))
    grade = patient.ask(ctcae_magnesium)
    notes = (
        ("therapeutic", patient.ask_or(pre_eclampsia, None) is not None),
        ("dialysis", kidney.dialysis is not None),
        ("ctcae", grade is not None),
    )
    return Fires(
        variant,
        severity=Severity.WARNING if worse else None,
        because=(mg, sign) if variant == "toxic" and sign is not None else (mg,),
        also=(*sources, *((kidney.basis,) if kidney.basis is not None else ())),
        values={
            "mg": mg,
            "sign": sign,
            "sources": Listing(sources) if sources else Phrase("no-source"),
            "grade": None if grade is None else grade.high,
        },
        notes=tuple(name for name, holds in notes if holds),
        unknown=() if kidney.known else ("unknown-egfr",),
    )


def _variant(patient: Patient, mg: Result, kidney: KidneyFunction, sign: Problem | None, k: Limits) -> str | None:
    """The band: its own in dialysis and under therapeutic magnesium in pregnancy; None when no card is due."""
    toxic = sign is not None and mg.above(k["raised"])
    if patient.ask_or(pre_eclampsia, None) is not None:
        return "severe" if mg.at_least(k["therapeutic"]) else "toxic" if toxic else None
    if kidney.dialysis is not None and not mg.above(k["dialysis"]):
        return None
    if mg.at_least(k["severe"]):
        return "severe"
    if toxic:
        return "toxic"
    if not mg.above(patient.ask(magnesium_reference).upper):
        return None
    if patient.ask(magnesium_dosing).peak is not None:
        return "after-dose"
    return "high" if mg.above(k["raised"]) else "mild"
