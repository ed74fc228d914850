"""mg-latent-deficiency-suspected: the hidden-deficiency score, a transparent and unvalidated point count."""

from __future__ import annotations

from decimal import Decimal

from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_intake.family import magnesium_intake
from cards._families.magnesium_loading.family import is_loading_test
from cards._families.magnesium_risk.family import MagnesiumRisk, RiskItem, magnesium_risk
from cards._families.magnesium_signs.family import MagnesiumSigns, magnesium_signs
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

OTHER_TESTS = ("magnesium-rbc", "magnesium-ionised", "magnesium-urine-24h")
INTRAVENOUS = "intravenous"


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """A serum magnesium in the grey zone, a risk class, and enough points: think of a hidden deficiency."""
    mg = patient.latest("magnesium-serum", k.span("window"))
    if mg is None:
        return NotApplicable(patient.absent("magnesium-serum"))
    if not (mg.at_least(k["zone_from"]) and mg.below(k["zone_to"])):
        return Satisfied((mg,))
    if reason := _not_interpretable(patient, k):
        return NotApplicable(reason)
    risk, signs = patient.ask(magnesium_risk), patient.ask(magnesium_signs)
    total = _serum_points(mg, k) + risk.points + signs.points
    if risk.points < k["risk_needed"] or total < k["fires_from"]:
        return Satisfied((mg,))
    strong = total >= k["warns_from"] and bool(signs.signs)
    facts = tuple(fact for item in (*risk.items, *signs.signs, *signs.symptoms) for fact in item.because)
    return Fires(
        "with-signs" if strong else "points",
        because=(mg,),
        also=facts,
        values={"mg": mg, "score": total, "terms": _terms(mg, risk, signs, k)},
        unknown=(*risk.unknown, *signs.unknown, *_unknown(patient)),
    )


def _not_interpretable(patient: Patient, k: Limits) -> str:
    """Why the score may not be used now; empty when it may. Raises CannotTellError when that is not known."""
    if patient.ask(kidney_function).below(k["egfr_floor"]):
        return "kidney function too low for the score"
    if any(not patient.not_measured_within(concept, k.span("other_tests")) for concept in OTHER_TESTS):
        return "another magnesium test is available"
    if _had_loading_test(patient, k):
        return "a magnesium loading test was done"
    if _had_magnesium(patient, k):
        return "magnesium was given until recently"
    if not patient.surely_without("magnesium") and patient.ask(magnesium_intake).may_reach(k["supplement"]):
        return "takes magnesium"
    return ""


def _had_loading_test(patient: Patient, k: Limits) -> bool:
    if patient.underwent("magnesium-loading-test", within=k.span("other_tests")) is not None:
        return True
    tests = [e for e in patient.taking("magnesium") + patient.took("magnesium") if is_loading_test(e)]
    starts = [start for e in tests if (start := e.since or e.authored) is not None]
    return any(patient.as_of.within(start, k.span("other_tests")) for start in starts)


def _had_magnesium(patient: Patient, k: Limits) -> bool:
    """An infusion that runs or ended of late, or an oral product that was stopped of late."""
    if any(e.route == INTRAVENOUS for e in patient.taking("magnesium")):
        return True
    for past in patient.took("magnesium"):
        infused = past.route == INTRAVENOUS
        end = past.until or ((past.authored or past.since) if infused else None)
        window = k.span("infusion_window" if infused else "supplement_window")
        if end is not None and patient.as_of.within(end, window):
            return True
    return False


def _serum_points(mg: Result, k: Limits) -> int:
    if mg.below(k["zone_low"]):
        return int(k["points_low"])
    return int(k["points_middle"]) if mg.below(k["zone_middle"]) else int(k["points_high"])


def _terms(mg: Result, risk: MagnesiumRisk, signs: MagnesiumSigns, k: Limits) -> Listing:
    serum = RiskItem("score-serum", _serum_points(mg, k))
    items = (serum, *risk.items, *signs.signs, *signs.symptoms)
    return Listing(tuple(Phrase("scored", {"item": Phrase(i.id), "points": Decimal(i.points)}) for i in items))


def _unknown(patient: Patient) -> tuple[str, ...]:
    return () if patient.ask(kidney_function).known else ("unknown-egfr",)
