"""mg-borderline-low (catalogue section 2): magnesium between the two lower limits in use."""

from __future__ import annotations

from cards._families.magnesium_dosing.family import magnesium_dosing
from cards._families.magnesium_risk.family import magnesium_risk
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires at 0.70 to below 0.75 when the laboratory calls it low or a risk class is present."""
    mg = patient.latest("magnesium-serum")
    if mg is None:
        return NotApplicable(patient.absent("magnesium-serum"))
    if not (mg.at_least(k["from"]) and mg.below(k["to"])):
        return Satisfied((mg,))
    if patient.ask(magnesium_dosing).spoils(mg) is not None:
        return NotApplicable("drawn during or shortly after intravenous magnesium")
    if _called_low(mg):
        return Fires("borderline", because=(mg,), values={"mg": mg}, notes=("lab-low", "contested"))
    risk = patient.ask(magnesium_risk)
    if not risk.points:
        return Satisfied((mg,))
    items = Phrase("risk", {"items": Listing(tuple(Phrase(item.id) for item in risk.items))})
    return Fires("borderline", because=(mg,), values={"mg": mg}, notes=(items, "contested"))


def _called_low(mg: Result) -> bool:
    own = mg.range.low if mg.range is not None else None
    return "lab-low" in mg.flags or (own is not None and mg.below(own))
