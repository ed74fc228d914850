"""On which side of its limit red-cell and ionised magnesium lie: the reporting laboratory's limit, else ours."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

Side = Literal["low", "grey", "normal", "high", "unproven"]


class Reading(msgspec.Struct, frozen=True):
    """One result, and where it lies; `unproven` when only a bound is known that does not tell.

    by_laboratory  whether the lower limit is the one printed with the result
    """

    result: Result
    side: Side
    lower: Decimal
    by_laboratory: bool


class MagnesiumTests(msgspec.Struct, frozen=True):
    """The latest red-cell and ionised magnesium, None when there is no fresh or recent one."""

    rbc: Reading | None
    ionised: Reading | None


def magnesium_tests(patient: Patient, k: Limits) -> MagnesiumTests:
    """Both readings. Without a laboratory limit red-cell magnesium has a grey zone, because laboratories differ."""
    rbc, ionised = patient.latest("magnesium-rbc"), patient.latest("magnesium-ionised")
    return MagnesiumTests(
        None if rbc is None else _red_cell(rbc, k),
        None if ionised is None else _ionised(ionised, k),
    )


def _red_cell(rbc: Result, k: Limits) -> Reading:
    own = None if rbc.range is None else rbc.range.low
    if own is not None:
        side: Side = "low" if rbc.below(own) else "normal" if rbc.at_least(own) else "unproven"
        return Reading(rbc, side, own, True)
    if rbc.below(k["rbc_low"]):
        side = "low"
    elif rbc.below(k["rbc_grey"]):
        side = "grey" if rbc.at_least(k["rbc_low"]) else "unproven"
    else:
        side = "normal" if rbc.at_least(k["rbc_grey"]) else "unproven"
    return Reading(rbc, side, k["rbc_low"], False)


def _ionised(ionised: Result, k: Limits) -> Reading:
    low = None if ionised.range is None else ionised.range.low
    high = None if ionised.range is None else ionised.range.high
    lower, upper = (k["ionised_low"] if low is None else low), (k["ionised_high"] if high is None else high)
    side: Side = "unproven"
    if ionised.below(lower):
        side = "low"
    elif ionised.above(upper):
        side = "high"
    elif ionised.at_least(lower) and ionised.at_most(upper):
        side = "normal"
    return Reading(ionised, side, lower, low is not None)
