"""mg-supplement-interaction-opener (catalogue section 10): the line "start after consultation" for cards that fire."""

from __future__ import annotations

from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_intake.family import same_drug
from cards._families.magnesium_intake.lines import is_supplement
from cards._families.pregnancy.family import pregnancy
from cds_service.facts.outcomes import Listing, Phrase, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

DRUGS = ("diuretic", "ppi", "antibiotic")
HEART = ("heart-failure", "ischaemic-heart-disease", "heart-block", "arrhythmia", "atrial-fibrillation")


def supplement_opener(patient: Patient, k: Limits) -> tuple[Phrase, ...]:
    """The line for a new magnesium supplement in a patient with a reason to consult first; empty when there is none.

    New: an order of this call, and the patient takes no such product yet. Never raises: what is not known is no reason.
    """
    taken = patient.taking("magnesium")
    new = [
        draft
        for draft in patient.judged("magnesium")
        if is_supplement(draft) and not any(same_drug(draft, product) for product in taken)
    ]
    reasons = _reasons(patient, k) if new else ()
    if not reasons:
        return ()
    return (Phrase("consult-first", {"supplement": Listing(tuple(new)), "reasons": Listing(reasons)}),)


def _reasons(patient: Patient, k: Limits) -> tuple[Value, ...]:
    drugs: tuple[Exposure, ...] = patient.taking_or_ordering(*DRUGS)
    heart, kidney = patient.has(*HEART), patient.ask(kidney_function)
    disease = patient.has("ckd")
    reduced = Phrase("reduced-kidney-function") if kidney.advanced or kidney.below(k["egfr_reduced"]) else disease
    pregnant = None if patient.ask_or(pregnancy, None) is None else Phrase("pregnant")
    return (*drugs, *(reason for reason in (heart, reduced, pregnant) if reason is not None))
