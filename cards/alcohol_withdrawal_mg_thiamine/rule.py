"""alcohol-withdrawal-mg-thiamine (catalogue, section 11): withdrawal or Wernicke without thiamine on the list."""

from __future__ import annotations

from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Problem

STATES = ("alcohol-withdrawal", "wernicke")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when alcohol withdrawal or Wernicke is of now and no thiamine is found; says whether Mg is missing too."""
    state = _current(patient, k)
    if state is None:
        return NotApplicable("no current withdrawal or Wernicke")
    thiamine = patient.taking_or_ordering("thiamine")
    if thiamine:
        return Satisfied((state, *thiamine))
    patient.surely_without("thiamine")
    unknown: tuple[str, ...] = ()
    try:
        missing = patient.not_measured_within("magnesium-serum", k.span("magnesium"))
        ordered = missing and not patient.surely_not_ordered("magnesium-serum", k.span("ordered"))
    except CannotTellError:
        missing, ordered, unknown = False, False, ("unknown-magnesium",)
    mg = patient.latest("magnesium-serum")
    return Fires(
        "both" if missing and not ordered else "thiamine",
        because=(state,),
        also=(mg,) if mg is not None else (),
        values={"state": state},
        notes=("magnesium-ordered",) if ordered else (),
        unknown=unknown,
    )


def _current(patient: Patient, k: Limits) -> Problem | None:
    """An active diagnosis that began in the window, or of any age when the current stay is about it."""
    recent = patient.has(*STATES, within=k.span("onset"))
    if recent is not None:
        return recent
    stay = patient.stay
    active = [p for p in patient.ever_had(*STATES) if p.active]
    return next((p for p in active if stay is not None and p.encounter == stay.ref), None)
