"""laxative-misuse-mg-check (catalogue, group F): long daily use of a stimulant laxative that seems to do harm."""

from __future__ import annotations

from cards._families.laxative_misuse.family import laxative_misuse
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Result


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when such use is found and magnesium was not measured, and is not ordered, within the interval."""
    drafts = patient.judged("laxative-stimulant")
    if patient.hook in ORDER_HOOKS and not drafts:
        return NotApplicable("no stimulant laxative is ordered")
    misuse = patient.ask(laxative_misuse)
    if misuse is None:
        return NotApplicable("no long daily use with a sign of harm")
    if not patient.not_measured_within("magnesium-serum", k.span("interval")):
        return Satisfied(misuse.drugs)
    if not patient.surely_not_ordered("magnesium-serum", k.span("order_window")):
        return NotApplicable("the test is already ordered")
    return Fires(
        "due",
        because=tuple(dict.fromkeys((*drafts, *misuse.drugs))),
        also=misuse.signs,
        values={"drug": misuse.drugs[0], "sign": _named(misuse.signs[0])},
    )


def _named(sign: Fact) -> Value:
    """How the summary shows a sign of harm: a result with what was measured."""
    return Phrase("named-result", {"result": sign}) if isinstance(sign, Result) else sign
