"""iv-mg-calcium-channel-blocker: magnesium together with a drug that blocks calcium channels."""

from __future__ import annotations

from cards._families.intravenous_magnesium.family import intravenous_magnesium
from cards._families.pre_eclampsia.family import pre_eclampsia
from cards._families.pregnancy.family import pregnancy
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Value
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure

HEART = ("verapamil", "diltiazem")
FAST = frozenset({"nifedipine", "nicardipine"})
IMMEDIATE = ("capsul", "immediate", "directe afgifte", "drank", "druppel", "solution", "oplossing")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Intravenous magnesium with a calcium channel blocker; oral magnesium only when blood pressure is low already."""
    blockers = patient.taking_or_ordering("calcium-channel-blocker")
    if not blockers:
        return NotApplicable("no calcium channel blocker")
    magnesium = patient.ask(intravenous_magnesium)
    infusions = (*magnesium.drafts, *magnesium.running)
    if not infusions:
        return _oral(patient, k, blockers)
    if patient.hook in ORDER_HOOKS and not any(exposure.judged for exposure in (*infusions, *blockers)):
        return NotApplicable("not about an order of this call")
    strong = tuple([blocker for blocker in blockers if _acts_fast(blocker)])
    obstetric = _obstetric(patient, k)
    variant = "obstetric" if obstetric is not None else "strong" if strong else "oral-dihydropyridine"
    also: tuple[Fact, ...] = (*blockers, *(() if obstetric is None else (obstetric,)))
    return Fires(variant, because=infusions, also=also, values={"drugs": Listing(strong or blockers)})


def _acts_fast(blocker: Exposure) -> bool:
    """Verapamil, diltiazem, and nifedipine or nicardipine into a vein or with immediate release."""
    if not blocker.ingredients.isdisjoint(HEART):
        return True
    if blocker.ingredients.isdisjoint(FAST):
        return False
    texts = (blocker.name, *(dosage.text for dosage in blocker.dosages))
    return blocker.route == "intravenous" or any(word in text.lower() for text in texts for word in IMMEDIATE)


def _obstetric(patient: Patient, k: Limits) -> Fact | None:
    """What makes this obstetric care: magnesium in a pregnant or post-partum patient."""
    if patient.sex == "male":
        return None
    delivery = patient.has("delivery", within=k.span("post_partum"))
    return delivery or patient.ask_or(pregnancy, None) or patient.ask_or(pre_eclampsia, None)


def _oral(patient: Patient, k: Limits, blockers: tuple[Exposure, ...]) -> Outcome:
    products = tuple([e for e in patient.taking_or_ordering("magnesium") if e.route in ("oral", None)])
    pressure = patient.latest("systolic-blood-pressure", k.span("pressure_window"))
    if not products or pressure is None or not pressure.below(k["pressure_low"]):
        patient.complete("medications")
        return NotApplicable("no intravenous magnesium")
    values: dict[str, Value] = {"drugs": Listing(blockers), "pressure": pressure}
    return Fires("oral-magnesium", because=(pressure,), also=(*products, *blockers), values=values)
