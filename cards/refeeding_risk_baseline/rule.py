"""refeeding-risk-baseline (catalogue section 6): high refeeding risk, and whether its electrolytes are known."""

from __future__ import annotations

from cards._families.refeeding_risk.family import RefeedingRisk, refeeding_risk
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

CONCEPTS = {"potassium": "potassium", "phosphate": "phosphate", "magnesium-serum": "magnesium"}


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """At high risk: a warning when an electrolyte was not measured in two days (nor ordered), else monitoring."""
    risk = patient.ask(refeeding_risk)
    if not risk.occasions:
        return NotApplicable("no feeding, malnutrition or admission with alcohol use disorder")
    if not risk.high:
        return Satisfied()
    unmeasured = [concept for concept in CONCEPTS if patient.not_measured_within(concept, k.span("missing"))]
    ordered = [order for c in unmeasured if (order := patient.ordered(c, k.span("order_window"))) is not None]
    missing = [concept for concept in unmeasured if concept not in [order.concept for order in ordered]]
    listed = Listing(tuple(Phrase(CONCEPTS[concept]) for concept in missing))
    notes, unknown = _thiamine(patient), list(risk.unknown)
    if ordered:
        notes.append(Phrase("ordered", {"tests": Listing(tuple(Phrase(CONCEPTS[o.concept]) for o in ordered))}))
    if not notes:
        unknown.append("unknown-drugs")
    if missing and not _orders_known(patient):
        unknown.append("unknown-orders")
    return Fires(
        "unmeasured" if missing else "monitor",
        because=risk.occasions,
        also=(*risk.criteria, *patient.taking("thiamine")),
        values={
            "missing": listed,
            "criteria": _named(risk),
            "thiamine": Phrase("check-thiamine" if patient.taking("thiamine") else "give-thiamine"),
        },
        notes=tuple(notes),
        unknown=tuple(unknown),
    )


def _thiamine(patient: Patient) -> list[Phrase]:
    """Whether thiamine is on the list; nothing when the list cannot tell."""
    found = patient.taking("thiamine")
    if found:
        return [Phrase("thiamine", {"drug": found[0]})]
    try:
        patient.surely_without("thiamine")
    except CannotTellError:
        return []
    return [Phrase("no-thiamine")]


def _orders_known(patient: Patient) -> bool:
    try:
        patient.complete("orders")
    except CannotTellError:
        return False
    return True


def _named(risk: RefeedingRisk) -> Listing:
    """The criteria in words: a loss of weight is one criterion of two results."""
    weights = [fact for fact in risk.criteria if isinstance(fact, Result) and fact.concept == "body-weight"]
    named: list[Value] = [Phrase("loss", {"now": weights[0], "then": weights[-1]})] if weights else []
    named += [_criterion(fact) for fact in risk.criteria if fact not in weights]
    return Listing(tuple(named))


def _criterion(fact: Fact) -> Value:
    if not isinstance(fact, Result):
        return fact
    return Phrase("bmi" if fact.concept == "bmi" else "low", {"result": fact})
