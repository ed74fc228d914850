"""phos-hypophosphataemia (catalogue section 6): low phosphate, by band."""

from __future__ import annotations

from decimal import Decimal

from cards._families.refeeding_risk.family import RefeedingRisk, refeeding_risk
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Result

BINDING = frozenset({"cation-aluminium", "cation-magnesium", "cation-calcium"})
CAUSES = ("insulin", "tenofovir", "denosumab", "phosphate-binder")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Severe and moderate by the value alone; mildly low only with refeeding risk or a phosphate-binding antacid."""
    phosphate = patient.latest("phosphate")
    if phosphate is None:
        return NotApplicable(patient.absent("phosphate"))
    if not phosphate.below(max(_lower(phosphate, k), k["moderate"])):
        return Satisfied((phosphate,))
    risk = patient.ask(refeeding_risk)
    antacids = tuple([e for e in patient.taking("antacid") if not e.groups.isdisjoint(BINDING)])
    if phosphate.below(k["moderate"]):
        variant = "severe" if phosphate.below(k["severe"]) else "moderate"
        return _fires(patient, variant, phosphate, risk, antacids, k)
    if risk.high or antacids:
        return _fires(patient, "mild", phosphate, risk, antacids, k)
    patient.surely_without("antacid", "parenteral-nutrition")
    patient.surely_free_of("malnutrition", "eating-disorder")
    return Satisfied((phosphate,))


def _lower(phosphate: Result, k: Limits) -> Decimal:
    """The laboratory's own lower limit when it is credible, else ours."""
    own = phosphate.range.low if phosphate.range is not None else None
    return own if own is not None and k["site_low_from"] <= own <= k["site_low_to"] else k["low"]


def _fires(
    patient: Patient,
    variant: str,
    phosphate: Result,
    risk: RefeedingRisk,
    antacids: tuple[Exposure, ...],
    k: Limits,
) -> Fires:
    causes = (*antacids, *patient.taking(*CAUSES), *_iron(patient, k))
    notes: list[str | Phrase] = ["refeeding"] if risk.high else []
    if causes:
        notes.append(Phrase("causes", {"drugs": Listing(causes)}))
    also = (*(risk.occasions + risk.criteria if risk.high else ()), *causes)
    reason = Phrase("refeeding-risk" if risk.high else "on-antacid")
    return Fires(
        variant,
        because=(phosphate,),
        also=also,
        values={"phosphate": phosphate, "reason": reason},
        notes=tuple(notes),
        unknown=_unknown(patient),
    )


def _iron(patient: Patient, k: Limits) -> tuple[Exposure, ...]:
    """Ferric carboxymaltose, running or given in the months before: it lowers phosphate for weeks."""
    ended = (e for e in patient.took("ferric-carboxymaltose") if (last := e.until or e.authored) is not None
             and patient.as_of.within(last, k.span("iron_window")))  # fmt: skip
    return (*patient.taking("ferric-carboxymaltose"), *ended)


def _unknown(patient: Patient) -> tuple[str, ...]:
    try:
        patient.surely_without("antacid", *CAUSES)
    except CannotTellError:
        return ("unknown-drugs",)
    return ()
