"""antacid-hypophosphataemia (catalogue section 6): a new magnesium or aluminium antacid while phosphate is low."""

from __future__ import annotations

from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Satisfied, Value
from cds_service.facts.patient import Limits, Patient


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """The latest phosphate of the last months is below the limit at which antacids are contraindicated."""
    drafts = tuple([e for e in patient.judged("antacid-mg-al") if e.route in ("oral", None)])
    if not drafts:
        return NotApplicable("no new magnesium or aluminium antacid")
    phosphate = patient.latest("phosphate", k.span("window"))
    if phosphate is None:
        return NotApplicable(patient.absent("phosphate"))
    if not phosphate.below(k["low"]):
        return Satisfied((phosphate,))
    values: dict[str, Value] = {"phosphate": phosphate, "drug": Listing(drafts)}
    return Fires("contraindicated", because=(phosphate, *drafts), values=values)
