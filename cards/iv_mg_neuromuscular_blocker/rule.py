"""iv-mg-neuromuscular-blocker: intravenous magnesium together with a neuromuscular blocker or an aminoglycoside."""

from __future__ import annotations

from cards._families.intravenous_magnesium.family import intravenous_magnesium
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

INJECTED = frozenset({"intravenous", "intramuscular"})


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Either of the two is ordered while the other runs, ran in the last 24 hours, or is ordered too."""
    magnesium = patient.ask(intravenous_magnesium).large
    blockers = _present(patient, k, "neuromuscular-blocker")
    antibiotics = tuple([e for e in _present(patient, k, "aminoglycoside") if e.route in INJECTED])
    if not magnesium or not (blockers or antibiotics):
        return NotApplicable("no intravenous magnesium with a neuromuscular blocker or aminoglycoside")
    others = blockers or antibiotics
    if not any(exposure.judged for exposure in (*magnesium, *others)):
        return NotApplicable("not about an order of this call")
    depolarising = any("suxamethonium" in blocker.ingredients for blocker in blockers)
    notes = (*(("suxamethonium",) if depolarising else ()), *(("both",) if blockers and antibiotics else ()))
    return Fires(
        "blocker" if blockers else "aminoglycoside",
        because=(*magnesium, *others),
        also=antibiotics if blockers else (),
        values={"drugs": Listing(others), "both": Listing(antibiotics)},
        notes=notes,
    )


def _present(patient: Patient, k: Limits, group: str) -> tuple[Exposure, ...]:
    """Drafts, active orders, and what ended in the last 24 hours."""
    ended = [e for e in patient.took(group) if e.until is not None and patient.as_of.within(e.until, k.span("window"))]
    return (*patient.drafts(group), *patient.taking(group), *ended)
