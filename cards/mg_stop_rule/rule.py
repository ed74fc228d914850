"""mg-stop-rule (catalogue, section 12): magnesium is and stays normal, no cause is left, and the supplement goes on."""

from __future__ import annotations

from cards._families.magnesium_dosing.family import magnesium_dosing
from cards._families.magnesium_intake.family import magnesium_intake
from cards._families.magnesium_intake.lines import is_supplement
from cards._families.magnesium_reference.family import magnesium_reference
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Result

LOSERS = ("tubulopathy", "short-bowel", "high-output-stoma")
CULPRITS = (
    "ppi", "loop-diuretic", "thiazide", "egfr-mab", "platinum", "amphotericin", "aminoglycoside",
    "foscarnet-pentamidine", "patiromer", "laxative-stimulant",
)  # fmt: skip
CAUSES = (
    "alcohol-use-disorder", "coeliac-disease", "inflammatory-bowel-disease", "chronic-pancreatitis",
    "bariatric-malabsorptive", "chronic-diarrhoea", "malnutrition", "eating-disorder",
)  # fmt: skip
INTENDED = ("migraine", "constipation")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires on two normal magnesiums four weeks apart in a patient without a known cause who still takes magnesium."""
    products = _treatment(patient, k)
    if not products:
        return NotApplicable("no magnesium in a treatment dose")
    mg = patient.latest("magnesium-serum")
    if mg is None:
        return NotApplicable(patient.absent("magnesium-serum"))
    if mg.above(patient.ask(magnesium_reference).upper):
        return NotApplicable("left to mg-hypermagnesaemia")
    pair = _normal_pair(patient, k)
    if pair is None:
        return Satisfied((mg,))
    if patient.has(*LOSERS) is not None or patient.taking("calcineurin-inhibitor"):
        return NotApplicable("chronic magnesium loss")
    if not patient.surely_without("calcineurin-inhibitor", *CULPRITS) or not patient.surely_free_of(*LOSERS, *CAUSES):
        return Satisfied(pair)
    return Fires(
        "stop",
        because=(pair[0], *products),
        also=pair[1:],
        values={"mg": pair[0], "first": pair[1], "drug": products[0]},
    )


def _treatment(patient: Patient, k: Limits) -> tuple[Exposure, ...]:
    """Supplements in regular use that may reach a treatment dose, not meant for migraine or constipation."""
    supplements = [e for e in patient.taking("magnesium") if is_supplement(e)]
    if not supplements:
        return ()
    lines = [line for line in patient.ask(magnesium_intake).counted if line.exposure in supplements]
    meant = [line for line in lines if line.exposure.reason_groups.isdisjoint(INTENDED)]
    return tuple(dict.fromkeys(line.exposure for line in meant if line.may_reach(k["dose"])))


def _normal_pair(patient: Patient, k: Limits) -> tuple[Result, Result] | None:
    """The latest normal magnesium and one at least four weeks older, with nothing lower between or after.

    A normal value drawn within 24 h of an infusion does not count.
    """
    dosing, latest = patient.ask(magnesium_dosing), None
    for result in patient.series("magnesium-serum"):
        if not result.at_least(k["normal"]):
            return None
        if dosing.spoils(result) is not None:
            continue
        if latest is None:
            latest = result
        elif latest.at.earliest - result.at.earliest >= k.span("apart"):
            return latest, result
    return None
