"""mg-test-suggested: serum magnesium never or long not measured in a patient at risk with complaints."""

from __future__ import annotations

from decimal import Decimal

from cards._families.magnesium_risk.family import magnesium_risk
from cards._families.magnesium_signs.family import magnesium_signs
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.patient import Limits, Patient

CLOSE_WATCH = (
    "aminoglycoside",
    "amphotericin",
    "foscarnet-pentamidine",
    "platinum",
    "egfr-mab",
    "calcineurin-inhibitor",
)


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Enough risk with a sign or symptom, or much risk alone, and no serum magnesium: propose one."""
    if _just_measured(patient, k):
        return NotApplicable("magnesium was measured")
    interval = k.span("interval_watched" if patient.taking(*CLOSE_WATCH) else "interval")
    if any(not result.comparator for result in patient.series("magnesium-serum", interval)):
        return NotApplicable("magnesium was measured")
    risk, signs = patient.ask(magnesium_risk), patient.ask(magnesium_signs)
    much = risk.points >= k["risk_alone"]
    if not much and (risk.points < k["risk_with_signs"] or signs.points < k["signs_needed"]):
        return Satisfied()
    patient.not_measured_within("magnesium-serum", interval)
    if not patient.surely_not_ordered("magnesium-serum", k.span("order_window")):
        return NotApplicable("magnesium is already ordered")
    items = (*risk.items, *signs.signs, *signs.symptoms)
    return Fires(
        "never-measured",
        because=tuple(dict.fromkeys(fact for item in items for fact in item.because)),
        values={
            "points": risk.points,
            "terms": Listing(
                tuple(Phrase("scored", {"item": Phrase(i.id), "points": Decimal(i.points)}) for i in items)
            ),
        },
        unknown=risk.unknown,
    )


def _just_measured(patient: Patient, k: Limits) -> bool:
    """Whether the latest magnesium lies within both intervals: which drugs are taken then makes no difference."""
    mg = patient.latest("magnesium-serum", min(k.span("interval"), k.span("interval_watched")))
    return mg is not None and not mg.comparator
