"""cumulative-mg-wasting-drugs (catalogue, group F): several classes of drugs that lower magnesium, none measured."""

from __future__ import annotations

from cards._families.magnesium_wasting.family import magnesium_wasting
from cards._families.qt_drugs.family import systemic
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

RISKS = (
    "alcohol-use-disorder", "chronic-diarrhoea", "type-2-diabetes", "malabsorption", "coeliac-disease",
    "inflammatory-bowel-disease", "short-bowel", "chronic-pancreatitis", "bariatric-malabsorptive",
)  # fmt: skip


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires with three classes, or two and a risk, when magnesium was not measured and is not ordered."""
    mg = patient.latest("magnesium-serum", k.span("interval"))
    if mg is not None and not mg.comparator:
        return Satisfied((mg,))
    wasting = patient.ask(magnesium_wasting)
    count, possible = len(wasting.classes), len(wasting.classes) + len(wasting.undecided)
    if possible < k["classes_with_risk"]:
        return NotApplicable("too few classes")
    risks = _risks(patient)
    at_risk = bool(risks) or patient.aged_at_least(k["age_from"])
    needed = k["classes_with_risk"] if at_risk else k["classes_alone"]
    if count < needed:
        if possible >= needed:
            raise CannotTellError("start date of the drug")
        patient.complete("conditions")
        return Satisfied(wasting.drugs)
    if not patient.not_measured_within("magnesium-serum", k.span("interval")):
        return Satisfied(wasting.drugs)
    if not patient.surely_not_ordered("magnesium-serum", k.span("order_window")):
        return NotApplicable("the test is already ordered")
    urgent = _urgent(patient, k)
    return Fires(
        "urgent" if urgent else "due",
        because=wasting.drugs,
        also=tuple(dict.fromkeys((*risks, *urgent))),
        values={"count": count, "drugs": Listing(wasting.drugs), "reason": _named(urgent[0]) if urgent else None},
        unknown=() if patient.latest("potassium") is not None else ("unknown-potassium",),
    )


def _named(reason: Fact) -> Value:
    """How the summary shows a reason: a result with what was measured."""
    return Phrase("named-result", {"result": reason}) if isinstance(reason, Result) else reason


def _risks(patient: Patient) -> tuple[Fact, ...]:
    found = (patient.has_confirmed(*RISKS), patient.underwent("bariatric-malabsorptive"))
    return tuple(problem for problem in found if problem is not None)


def _urgent(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    drugs: tuple[Fact, ...] = systemic(patient.taking_or_ordering("digoxin", "qt-candidates"))
    potassium = patient.latest("potassium")
    low = potassium is not None and potassium.below(k["potassium_low"])
    return (*drugs, potassium) if potassium is not None and low else drugs
