"""hypomg-persistent-no-cause (catalogue, section 12): magnesium stays low and nothing on the chart explains it."""

from __future__ import annotations

from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_dosing.family import magnesium_dosing
from cards._families.magnesium_risk.family import magnesium_risk
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

CULPRITS = (
    "ppi", "loop-diuretic", "thiazide", "calcineurin-inhibitor", "egfr-mab", "platinum", "amphotericin",
    "aminoglycoside", "foscarnet-pentamidine", "patiromer", "laxative-stimulant",
)  # fmt: skip
CAUSES = (
    "short-bowel", "high-output-stoma", "alcohol-use-disorder", "coeliac-disease", "inflammatory-bowel-disease",
    "chronic-pancreatitis", "bariatric-malabsorptive", "chronic-diarrhoea", "type-2-diabetes", "malnutrition",
    "eating-disorder", "primary-hyperparathyroidism", "hyperthyroidism", "hyperaldosteronism", "tubulopathy",
)  # fmt: skip
URINE = ("magnesium-urine-spot", "magnesium-urine-24h")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires on two low magnesiums two weeks apart, none normal between, no risk class and no urine magnesium."""
    mg = patient.latest("magnesium-serum")
    if mg is None:
        return NotApplicable(patient.absent("magnesium-serum"))
    if not mg.below(k["low"]):
        return Satisfied((mg,))
    first = _first_low(patient, mg, k)
    if first is None:
        return NotApplicable("not low long enough")
    risk = patient.ask(magnesium_risk)
    known = tuple(fact for item in risk.items for fact in item.because)
    if risk.points or patient.taking(*CULPRITS) or patient.has(*CAUSES) is not None:
        return Satisfied(known)
    patient.surely_without(*CULPRITS)
    patient.surely_free_of(*CAUSES)
    if not all(patient.not_measured_within(concept, k.span("urine")) for concept in URINE):
        return NotApplicable("urine magnesium was measured")
    if not all(patient.surely_not_ordered(concept, k.span("ordered")) for concept in URINE):
        return NotApplicable("urine magnesium is already ordered")
    kidney = patient.ask(kidney_function)
    unknown = () if kidney.known else ("unknown-egfr",)
    return Fires(
        "persistent",
        because=(mg,),
        also=(first,),
        values={"mg": mg, "first": first},
        notes=("unreliable-excretion",) if kidney.below(k["egfr_floor"]) or kidney.aki is True else (),
        unknown=(*unknown, *_unseen(patient), *(item for item in risk.unknown if item not in unknown)),
    )


def _first_low(patient: Patient, mg: Result, k: Limits) -> Result | None:
    """The oldest low magnesium of the year, when it is old enough and no usable normal one came after it.

    A value drawn within 24 h of an infusion says nothing when it is normal.
    """
    series = patient.series("magnesium-serum", k.span("looked_back"))
    if not series or mg.at.earliest - series[-1].at.earliest < k.span("apart"):
        return None
    first, dosing = None, patient.ask(magnesium_dosing)
    for result in series:
        if result.below(k["low"]):
            if mg.at.earliest - result.at.earliest >= k.span("apart"):
                first = result
        elif result.at_least(k["low"]) and dosing.spoils(result) is None:
            break
    return first


def _unseen(patient: Patient) -> tuple[str, ...]:
    """Whether drugs of the past (platinum, EGFR antibody) could be seen."""
    try:
        patient.complete("medicationsPast")
    except CannotTellError:
        return ("unknown-past-drugs",)
    return ()
