"""mg-therapeutic-trial-review (catalogue, section 12): a documented trial of magnesium, at its start and end."""

from __future__ import annotations

from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cards._families.magnesium_intake.family import magnesium_intake
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure
from cds_service.facts.vocabulary import normal_name

TRIAL = ("proefbehandeling", "therapeutic trial", "trial of magnesium")
BLOCKS = ("heart-block", "av-block", "myasthenia-gravis")
KIDNEY_RISK = ("ckd", "hypertension", "diabetes")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires six weeks into a trial of magnesium, and at its order when a precondition is not met."""
    if patient.hook in ORDER_HOOKS:
        return _start(patient, k)
    trials = [e for e in patient.taking("magnesium") if _is_trial(e)]
    if not trials:
        return NotApplicable("no documented trial of magnesium")
    longest = max(trials, key=patient.taken_for)
    lasted = patient.taken_for(longest)
    if lasted < k.span("due"):
        return Satisfied((longest,))
    kidney = patient.ask(kidney_function)
    return Fires(
        "continued" if lasted > k.span("continued") else "review",
        because=(longest,),
        also=() if kidney.basis is None else (kidney.basis,),
        values={"drug": longest},
        notes=("reduced-kidneys",) if kidney.below(k["egfr_reduced"]) else (),
        unknown=() if kidney.known else ("unknown-egfr",),
    )


def _start(patient: Patient, k: Limits) -> Outcome:
    """A trial being ordered: creatinine first when the kidneys are unknown and at risk; else what is not in order."""
    drafts = tuple([e for e in patient.judged("magnesium") if _is_trial(e)])
    if not drafts:
        return NotApplicable("no trial of magnesium ordered")
    kidney = patient.ask(kidney_function)
    risk = patient.has(*KIDNEY_RISK)
    creatinine_first = not kidney.known and (risk is not None or patient.aged_at_least(k["age"]))
    block = patient.has(*BLOCKS)
    blocks = (*((block,) if block is not None else ()), *((Phrase("poor-kidneys"),) if kidney.advanced else ()))
    notes, facts = _unmet(patient, drafts, kidney, k)
    if not notes and not blocks and not creatinine_first:
        return Satisfied(drafts)
    return Fires(
        "blocked" if blocks else "creatinine-first" if creatinine_first else "start",
        because=drafts,
        also=(
            *((block,) if block is not None else ()),
            *facts,
            *((risk,) if creatinine_first and risk is not None else ()),
        ),
        values={"drug": drafts[0], "blocks": Listing(blocks)},
        notes=notes,
        unknown=() if kidney.known else ("unknown-egfr",),
    )


def _unmet(
    patient: Patient, drafts: tuple[Exposure, ...], kidney: KidneyFunction, k: Limits
) -> tuple[tuple[str, ...], tuple[Fact, ...]]:
    """The lines about preconditions that are not met, and the facts behind them."""
    notes: list[str] = []
    facts: list[Fact] = []
    if kidney.advanced or kidney.below(k["egfr_reduced"]):
        notes += [] if kidney.advanced else ["reduced-kidneys"]
        facts += [] if kidney.basis is None else [kidney.basis]
    lines = [line for line in patient.ask(magnesium_intake).lines if line.exposure in drafts]
    if any(line.known and line.lower > k["eu"] for line in lines):
        notes.append("high-dose")
    if any(draft.until is None for draft in drafts):
        notes.append("no-end")
    return tuple(notes), tuple(facts)


def _is_trial(exposure: Exposure) -> bool:
    """Whether a reason, note or instruction calls it a trial."""
    said = [normal_name(text) for text in exposure.reasons]
    return any(term in text for text in said for term in TRIAL)
