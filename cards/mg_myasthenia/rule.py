"""mg-myasthenia: magnesium in myasthenia gravis or the Lambert-Eaton syndrome."""

from __future__ import annotations

from cards._families.intravenous_magnesium.family import intravenous_magnesium, is_for
from cards._families.magnesium_intake.family import magnesium_intake, whole
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Severity, Value
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure, Problem

LIFE_SAVING = ("eclampsia", "torsade", "asthma-severe")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Intravenous magnesium is critical, unless it saves a life; oral magnesium by its amount."""
    myasthenia = patient.has("myasthenia-gravis")
    if myasthenia is None:
        patient.complete("conditions")
        return NotApplicable("no myasthenia")
    magnesium = patient.ask(intravenous_magnesium)
    infusions = (*magnesium.drafts, *magnesium.running)
    if infusions and (patient.hook not in ORDER_HOOKS or magnesium.judged):
        return _intravenous(patient, k, myasthenia, infusions)
    return _oral(patient, k, myasthenia)


def _intravenous(patient: Patient, k: Limits, myasthenia: Problem, infusions: tuple[Exposure, ...]) -> Fires:
    reason = patient.has(*LIFE_SAVING, within=k.span("therapy_window"))
    needed = reason is not None or all(is_for(infusion, *LIFE_SAVING) for infusion in infusions)
    also: tuple[Fact, ...] = () if reason is None else (reason,)
    return Fires("life-saving" if needed else "intravenous", because=(*infusions, myasthenia), also=also)


def _oral(patient: Patient, k: Limits, myasthenia: Problem) -> Outcome:
    intake = patient.ask(magnesium_intake)
    products = tuple(dict.fromkeys(line.exposure for line in intake.lines if not line.superseded))
    if not products:
        patient.complete("medications")
        return NotApplicable("no magnesium")
    laxatives = [product for product in products if "laxative-magnesium" in product.groups]
    strong = bool(laxatives) or intake.upper >= k["large"]
    values: dict[str, Value] = {"products": Listing(products), "total": whole(intake.upper)}
    return Fires(
        "oral",
        severity=Severity.WARNING if strong else Severity.INFO,
        because=(*products, myasthenia),
        values=values,
        notes=() if intake.at_least else ("total",),
        unknown=("unknown-magnesium-dose",) if intake.at_least else (),
    )
