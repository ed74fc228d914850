"""mg-loading-test-contraindicated: a magnesium loading test in someone whom it can harm, or in whom it says nothing."""

from __future__ import annotations

import msgspec

from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cards._families.magnesium_loading.family import is_loading_test
from cards._families.magnesium_reference.family import magnesium_reference
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

ILLNESSES = ("av-block", "bradycardia", "respiratory-failure", "myasthenia-gravis")
WASTING_DRUGS = ("diuretic", "cisplatin", "ciclosporin", "sglt2-inhibitor")


class Reason(msgspec.Struct, frozen=True):
    """Why the test must not be done: how it is named, and the fact."""

    name: Phrase
    fact: Fact | None


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Critical with kidney failure or high-grade AV block, a warning with other reasons or unknown kidney function."""
    tests = tuple(draft for draft in patient.judged("magnesium") if is_loading_test(draft))
    if not tests:
        return NotApplicable("no loading test is ordered")
    kidney = patient.ask(kidney_function)
    renal, block = _renal(patient, kidney, k), patient.has("heart-block")
    unpaced = block is not None and (patient.has("pacemaker") or patient.underwent("pacemaker")) is None
    reasons = (*_others(patient, block, k), *((renal,) if renal is not None else ()))
    wasters = _wasters(patient, k)
    variant = _variant(kidney, unpaced, bool(reasons), bool(wasters), k)
    if not variant:
        patient.surely_free_of("heart-block", *ILLNESSES)
        return Satisfied(tests)
    first: Value = reasons[0].name if reasons else next(iter(wasters), None)
    return Fires(
        variant,
        because=(*tests, *(reason.fact for reason in reasons if reason.fact is not None)),
        also=wasters,
        values={
            "kidney": None if renal is None else renal.name,
            "block": block,
            "first": first,
            "reasons": Listing(tuple(reason.name for reason in reasons)),
            "wasters": Listing(wasters),
        },
        notes=_notes(variant, kidney, wasters, paced=block is not None and not unpaced),
        unknown=_unknown(patient, kidney, k),
    )


def _variant(kidney: KidneyFunction, unpaced: bool, contraindicated: bool, invalid: bool, k: Limits) -> str:
    """The card, the gravest first; empty when nothing is against the test."""
    if kidney.advanced or unpaced:
        return "kidney-failure" if kidney.advanced else "heart-block"
    if contraindicated:
        return "caution"
    if not _is_safe(kidney, k):
        return "unknown-kidney"
    return "invalid" if invalid else ""


def _renal(patient: Patient, kidney: KidneyFunction, k: Limits) -> Reason | None:
    if kidney.dialysis is not None:
        return Reason(Phrase("in-dialysis"), kidney.dialysis)
    if kidney.aki is True:
        return Reason(Phrase("in-aki"), patient.has("aki") or patient.latest("creatinine"))
    if kidney.by_diagnosis:
        return Reason(Phrase("by-diagnosis"), kidney.basis)
    if kidney.below(k["egfr_reduced"]):
        return Reason(Phrase("egfr", {"egfr": kidney.basis if kidney.egfr is None else kidney.egfr}), kidney.basis)
    return None


def _others(patient: Patient, block: Fact | None, k: Limits) -> tuple[Reason, ...]:
    found = [block, *(patient.has(group) for group in ILLNESSES)]
    facts: dict[str, Fact] = {}  # one block belongs to more than one group, the first names it best
    for fact in found:
        if fact is not None:
            facts.setdefault(fact.ref, fact)
    reasons = [Reason(Phrase("named", {"fact": fact}), fact) for fact in facts.values()]
    mg = patient.latest("magnesium-serum")
    if mg is not None and mg.above(patient.ask(magnesium_reference).upper):
        reasons.append(Reason(Phrase("high-magnesium", {"mg": mg}), mg))
    return tuple(reasons)


def _wasters(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """What makes the kidney lose the load: drugs, alcohol, hyperaldosteronism."""
    alcohol = patient.latest("alcohol-use")
    limit = k["drinks_women"] if patient.sex == "female" else k["drinks_men"]
    much = (alcohol,) if alcohol is not None and alcohol.above(limit) else ()
    problems = (patient.has("alcohol-use-disorder"), patient.has("hyperaldosteronism"))
    return (*patient.taking(*WASTING_DRUGS), *much, *(problem for problem in problems if problem is not None))


def _is_safe(kidney: KidneyFunction, k: Limits) -> bool:
    """Proven not to be below the limit."""
    if kidney.egfr is not None:
        return kidney.egfr >= k["egfr_reduced"]
    return isinstance(kidney.basis, Result) and kidney.basis.at_least(k["egfr_reduced"])


def _notes(variant: str, kidney: KidneyFunction, wasters: tuple[Fact, ...], *, paced: bool) -> tuple[str, ...]:
    notes = (
        ("also-invalid", bool(wasters) and variant != "invalid"),
        ("paced", paced),
        ("computed", kidney.computed),
    )
    return tuple(name for name, holds in notes if holds)


def _unknown(patient: Patient, kidney: KidneyFunction, k: Limits) -> tuple[str, ...]:
    found = [] if kidney.advanced or kidney.below(k["egfr_reduced"]) or _is_safe(kidney, k) else ["unknown-egfr"]
    if patient.latest("magnesium-serum") is None:
        found.append("unknown-serum-magnesium")
    try:
        patient.complete("conditions")
    except CannotTellError:
        found.append("unknown-problems")
    return tuple(found)
