"""CTCAE grade of the latest serum magnesium, taken in the unit that the laboratory reported (catalogue 1.1)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cds_service.facts.patient import Limits, Patient

MASS_UNITS = frozenset({"mg/dL", "mg/dl"})


class CtcaeMagnesium(msgspec.Struct, frozen=True):
    """The grade (1 to 4) if the value is below, or above, the reference interval: the rule that fires knows which."""

    low: int
    high: int


def ctcae_magnesium(patient: Patient, k: Limits) -> CtcaeMagnesium | None:
    """The grades for a patient with a platinum compound or an EGFR antibody (now or before); None for others and for a
    value that is only a bound."""
    mg = patient.last_known("magnesium-serum")
    drugs = ("platinum", "egfr-mab")
    if mg is None or mg.comparator or not patient.taking(*drugs) + patient.took(*drugs):
        return None
    by_mass = mg.converted and mg.unit in MASS_UNITS
    value = Decimal(mg.reported) if by_mass else mg.value
    column = "_mass" if by_mass else ""
    low = 1 + sum(value < k[f"low_{grade}{column}"] for grade in (2, 3, 4))
    high = 3 if value > k[f"high_3{column}"] else 1
    return CtcaeMagnesium(low, 4 if value > k[f"high_4{column}"] else high)
