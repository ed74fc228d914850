"""vitd-refractory-or-low-with-mg-risk (catalogue section 6): vitamin D stays low on treatment."""

from __future__ import annotations

from decimal import Decimal

from cards._families.magnesium_risk.family import MagnesiumRisk, magnesium_risk
from cards._families.vitamin_d_intake.family import VitaminDLine, vitamin_d_intake
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import (
    CannotTell,
    Fact,
    Fires,
    Listing,
    NotApplicable,
    Outcome,
    Phrase,
    Satisfied,
    Value,
)
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

MALABSORPTION = (
    "malabsorption", "coeliac-disease", "inflammatory-bowel-disease", "short-bowel", "chronic-pancreatitis",
    "cystic-fibrosis", "bariatric-malabsorptive",
)  # fmt: skip


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Below 50 nmol/L after twelve weeks of enough vitamin D, with a low magnesium, or none measured and a risk."""
    d = patient.latest("vitamin-d")
    if d is None:
        return NotApplicable(patient.absent("vitamin-d"))
    if not d.below(k["insufficient"]):
        return Satisfied((d,))
    lines = patient.ask(vitamin_d_intake).lines
    if not lines:
        return NotApplicable("no vitamin D on the medication list")
    taken = _long_enough(lines, d, k)
    if taken < k["dose"]:
        return NotApplicable("not enough vitamin D, or not long enough, before the result")
    if _is_only_d3(patient, d, k):
        return CannotTell(("vitamin-d",), (d,))
    mg = patient.latest("magnesium-serum", k.span("mg_window"))
    if mg is not None:
        if not mg.below(k["mg_borderline"]):
            return Satisfied((d, mg))
        return _fires(patient, "mg-low", d, mg, None, taken, k)
    risk = patient.ask(magnesium_risk)
    if risk.points < k["risk"] or not patient.not_measured_within("magnesium-serum", k.span("mg_window")):
        return Satisfied((d,))
    if not patient.surely_not_ordered("magnesium-serum", k.span("order_window")):
        return NotApplicable("magnesium is already ordered")
    return _fires(patient, "mg-unknown", d, None, risk, taken, k)


def _long_enough(lines: tuple[VitaminDLine, ...], d: Result, k: Limits) -> Decimal:
    """Micrograms a day of the products that were in use long enough at the draw. Raises CannotTellError when a dose or
    a start that is not known could make it enough."""
    taken, missing = Decimal(0), []
    for line in lines:
        since = line.exposure.since
        if since is None:
            missing.append("start date of vitamin D")
        elif d.at.earliest - since.latest >= k.span("use"):
            if line.per_day is None:
                missing.append("dose of vitamin D")
            else:
                taken += line.per_day
    if taken < k["dose"] and missing:
        raise CannotTellError(*dict.fromkeys(missing))
    return taken


def _is_only_d3(patient: Patient, d: Result, k: Limits) -> bool:
    """D2 was reported in the same draw and no total beside its parts: what is called vitamin D is D3 alone."""
    if patient.near("vitamin-d2", d.at, k.span("same_draw")) is None:
        return False
    return all(r is d or r.at != d.at for r in patient.series("vitamin-d"))


def _fires(
    patient: Patient, variant: str, d: Result, mg: Result | None, risk: MagnesiumRisk | None, taken: Decimal, k: Limits
) -> Fires:
    causes = _other_causes(patient, k)
    items = () if risk is None else risk.items
    values: dict[str, Value] = {
        "d": d,
        "mg": mg,
        "dose": round(taken),
        "terms": Listing(tuple(Phrase(item.id) for item in items)),
    }
    named = [Phrase("obese", {"bmi": cause}) if isinstance(cause, Result) else cause for cause in causes]
    facts = [fact for item in items for fact in item.because]
    products = [line.exposure for line in patient.ask(vitamin_d_intake).lines]
    return Fires(
        variant,
        because=(d,) if mg is None else (d, mg),
        also=tuple(dict.fromkeys((*products, *facts, *causes))),
        values=values,
        notes=(Phrase("other-causes", {"causes": Listing(tuple(named))}),) if named else (),
        unknown=() if risk is None else risk.unknown,
    )


def _other_causes(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """Malabsorption, obesity and enzyme inducers."""
    gut = patient.has(*MALABSORPTION) or patient.underwent("bariatric-malabsorptive")
    bmi = patient.latest("bmi")
    obese = (bmi,) if bmi is not None and bmi.at_least(k["obesity"]) else ()
    inducers = patient.taking("enzyme-inducing-antiepileptic", "rifampicin")
    return (*(() if gut is None else (gut,)), *obese, *inducers)
