"""Facts of the last 72 hours that make any low magnesium critical (catalogue: mg-hypomagnesaemia)."""

from __future__ import annotations

from cards._families.calcium_basis.family import calcium_basis
from cds_service.facts.outcomes import Fact, Severity
from cds_service.facts.patient import Limits, Patient

SIGNS = ("seizure", "tetany", "ventricular-arrhythmia")


def electrolyte_red_flags(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """Coded seizure, tetany, ventricular arrhythmia; QTc, potassium or calcium in a critical band; empty = none."""
    window = k.span("window")
    found: list[Fact] = []
    if patient.has(*SIGNS, within=window) is not None:
        found += [sign for group in SIGNS if (sign := patient.has(group, within=window)) is not None]
    qtc, potassium = patient.latest("qtc", window), patient.latest("potassium", window)
    if qtc is not None and qtc.at_least(k["qtc_long"]):
        found.append(qtc)
    if potassium is not None and potassium.below(k["potassium_severe"]):
        found.append(potassium)
    calcium = patient.ask_or(calcium_basis, None)
    if calcium is not None and calcium.low is Severity.CRITICAL:
        found += [result for result in calcium.because if patient.as_of.within(result.at, window)]
    return tuple(found)
