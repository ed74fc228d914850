"""digoxin-hypercalcaemia-iv-calcium (catalogue section 5): intravenous calcium ordered for a patient on digoxin."""

from __future__ import annotations

from cards._families.calcium_basis.family import CalciumBasis, calcium_basis
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import Limits, Patient


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when intravenous calcium is being ordered while digoxin is active: slowly, with rhythm monitoring."""
    infusions = tuple([draft for draft in patient.judged("calcium") if draft.route == "intravenous"])
    if not infusions:
        return NotApplicable("no intravenous calcium is ordered")
    digoxin = patient.taking("digoxin")
    if not digoxin:
        patient.surely_without("digoxin")
        return Satisfied()
    basis = patient.ask_or(calcium_basis, CalciumBasis())
    potassium, level = patient.latest("potassium"), patient.latest("digoxin-level", k.span("digoxin_window"))
    beside = tuple([result for result in (basis.result, potassium, level) if result is not None])
    return Fires(
        "slowly",
        because=(*infusions, *digoxin),
        also=beside,
        values={"ca": basis.shown},
        notes=("high-calcium",) if basis.high is not None else (),
        unknown=() if level is not None else ("unknown-digoxin-level",),
    )
