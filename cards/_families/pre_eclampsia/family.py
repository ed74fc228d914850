"""gate-preeclampsia (catalogue 1.4): therapeutic intravenous magnesium in a pregnant or post-partum patient."""

from __future__ import annotations

from cards._families.pregnancy.family import pregnancy
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure


def pre_eclampsia(patient: Patient, k: Limits) -> Exposure | None:
    """The intravenous magnesium, running or ended less than 48 h ago; None when there is none or no pregnancy."""
    running = [e for e in patient.taking("magnesium") if e.route == "intravenous"]
    ended = [
        e
        for e in patient.took("magnesium")
        if e.route == "intravenous" and e.until is not None and patient.as_of.within(e.until, k.span("after_infusion"))
    ]
    infusions = running + ended
    if not infusions or patient.sex == "male":
        return None
    recent_delivery = patient.has("delivery", within=k.span("post_partum")) is not None
    return infusions[0] if recent_delivery or patient.ask(pregnancy) is not None else None
