"""The limits of normal for serum magnesium (mg-hypomagnesaemia, mg-hypermagnesaemia): the laboratory's own where they
are plausible, ours otherwise."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cds_service.facts.patient import Limits, Patient


class MagnesiumReference(msgspec.Struct, frozen=True):
    """Limits in mmol/L that go with the latest result: below `lower` is low, above `upper` is high."""

    lower: Decimal
    upper: Decimal


def magnesium_reference(patient: Patient, k: Limits) -> MagnesiumReference:
    """The laboratory's limits of the latest magnesium: the lower one only when it narrows the zone and is in mmol/L."""
    lower, upper = k["lower"], k["upper"]
    mg = patient.last_known("magnesium-serum")
    if mg is not None and mg.range is not None:
        low, high = mg.range.low, mg.range.high
        if low is not None and not mg.converted and k["lower_from"] <= low < lower:
            lower = low
        if high is not None and k["upper_from"] <= high <= k["upper_to"]:
            upper = high
    return MagnesiumReference(lower, upper)
