"""mg-urine-spot-ratio: a spot urine magnesium that says nothing without serum of the same day. A line, never a card."""

from __future__ import annotations

from cards._families.fractional_excretion.family import fractional_excretion
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import Limits, Patient


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """A spot magnesium or ratio of late without serum of that day: ask for the pair."""
    window = k.span("window")
    spot = patient.latest("magnesium-urine-spot", window)
    urine = spot or patient.latest("magnesium-creatinine-ratio-urine", window)
    if urine is None:
        return NotApplicable(patient.absent("magnesium-urine-spot"))
    if patient.ask(fractional_excretion) is not None:
        return Satisfied((urine,))
    return Fires("unpaired", because=(urine,), values={"urine": urine})
