"""ca-basis (catalogue section 5): which calcium counts, and how low or high it is.

Ionised calcium wins; otherwise unadjusted total calcium leads and the albumin-adjusted value is shown beside it. When
the two disagree the milder one counts and ionised calcium is asked for, except where that would be unsafe.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import msgspec

from cards._families.icu.family import icu
from cards._families.kidney_function.family import kidney_function
from cds_service.facts.outcomes import Fact, Phrase, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result


class Bands(msgspec.Struct, frozen=True):
    """Where one calcium lies: None = not low, not high. A value can be in one of the two at most."""

    low: Severity | None = None
    high: Severity | None = None


NORMAL = Bands()
LIFETIME = timedelta(days=150 * 365)


class CalciumBasis(msgspec.Struct, frozen=True):
    """The calcium that counts now. All amounts in mmol/L.

    kind         which calcium decides; "adjusted" only when the laboratory sent no other
    result       that calcium; None when there is no usable one
    low, high    its bands; None = not low (not high). Signs are not weighed in here: see `low_with_signs`
    because      the results that decide; `also`: those that the card must show beside them
    discordant   unadjusted and adjusted calcium lie in different bands
    adjusted     adjusted calcium, the laboratory's own or computed; None without albumin of at most 7 d apart
    by_total, by_adjusted   the bands of each, to tell how they disagree
    signs        coded tetany, seizure or laryngospasm, or a QTc that long (last 72 h)
    unknown      shared phrases: what the card should ask for
    """

    kind: Literal["ionised", "total", "adjusted", "none"] = "none"
    result: Result | None = None
    low: Severity | None = None
    high: Severity | None = None
    because: tuple[Result, ...] = ()
    also: tuple[Result, ...] = ()
    discordant: bool = False
    adjusted: Decimal | None = None
    by_total: Bands = NORMAL
    by_adjusted: Bands | None = None
    signs: Fact | None = None
    unknown: tuple[str, ...] = ()

    @property
    def low_with_signs(self) -> Severity | None:
        """The low band, critical when there are signs: any low calcium with signs is."""
        return Severity.CRITICAL if self.low is not None and self.signs is not None else self.low

    @property
    def corrected(self) -> bool:
        """Whether adjusting calcium for albumin gives another value than the one that decides."""
        return self.result is not None and self.adjusted is not None and self.adjusted != self.result.value

    @property
    def shown(self) -> Phrase:
        """Name and value for a sentence; with the adjusted value where that one decides as well."""
        phrase = "calcium-with-adjusted" if len(self.because) > 1 else "calcium-shown"
        return Phrase(phrase, {"ca": self.result, "adjusted": self.adjusted})


def calcium_basis(patient: Patient, k: Limits) -> CalciumBasis:
    """Which calcium counts and in which band it lies."""
    total, ionised = patient.latest("calcium-total"), patient.latest("calcium-ionised")
    reported = patient.latest("calcium-adjusted")
    signs = _signs(patient, k)
    if ionised is not None and (total is None or ionised.at.latest >= total.at.earliest - k.span("pairing")):
        bands = _ionised_bands(ionised, k)
        also = (
            (total,) if total is not None and abs(ionised.at.earliest - total.at.earliest) <= k.span("pairing") else ()
        )
        return CalciumBasis("ionised", ionised, bands.low, bands.high, (ionised,), also, signs=signs)
    if total is not None and (reported is None or reported.at.earliest - total.at.latest <= k.span("pairing")):
        return _from_total(patient, total, signs, k)
    if reported is None:
        return CalciumBasis(signs=signs)
    bands = _total_bands(reported, k)
    return CalciumBasis(
        "adjusted",
        reported,
        bands.low,
        bands.high,
        (reported,),
        adjusted=reported.value,
        by_adjusted=bands,
        signs=signs,
        unknown=("unknown-ionised-calcium",),
    )


def _from_total(patient: Patient, total: Result, signs: Fact | None, k: Limits) -> CalciumBasis:
    """Total calcium leads; its adjusted value restrains it, or replaces it where albumin and value allow."""
    by_total = _total_bands(total, k)
    reported = patient.near("calcium-adjusted", total.at, k.span("pairing"))
    albumin = _albumin(patient, total, k)
    adjusted = reported if reported is not None else _adjusted(total, albumin, k)
    if adjusted is None:
        return CalciumBasis(
            "total",
            total,
            by_total.low,
            by_total.high,
            (total,),
            by_total=by_total,
            signs=signs,
            unknown=("unknown-albumin-or-ionised-calcium",),
        )
    by_adjusted = _total_bands(adjusted, k)
    unsure = _neither_decides(patient, albumin, k)
    bands = _weigh(by_total, by_adjusted, _trusted(adjusted, albumin, k) and not unsure, signs is not None)
    beside = tuple(r for r in (reported, albumin) if r is not None)
    needs_both = bands is not by_total and _exceeds(bands, by_total)
    discordant = by_total != by_adjusted
    return CalciumBasis(
        "total",
        total,
        bands.low,
        bands.high,
        (total, *beside) if needs_both else (total,),
        beside,
        discordant,
        adjusted.value,
        by_total,
        by_adjusted,
        signs,
        ("unknown-ionised-calcium",) if discordant or unsure else (),
    )


def _weigh(by_total: Bands, by_adjusted: Bands, trusted: bool, signs: bool) -> Bands:
    """The milder of two that disagree; with signs the more severe; the adjusted one where it may be trusted."""
    if by_total == by_adjusted:
        return by_total
    if signs:
        return Bands(_higher(by_total.low, by_adjusted.low), _higher(by_total.high, by_adjusted.high))
    if trusted:
        return by_adjusted
    return Bands(_lower(by_total.low, by_adjusted.low), _lower(by_total.high, by_adjusted.high))


def _trusted(adjusted: Result, albumin: Result | None, k: Limits) -> bool:
    """Adjusted calcium decides when it is far out and albumin is not too low for the correction."""
    far_out = adjusted.below(k["total_severe"]) or adjusted.above(k["total_high"])
    return far_out and albumin is not None and albumin.value >= k["albumin_low"]


def _neither_decides(patient: Patient, albumin: Result | None, k: Limits) -> bool:
    """Settings in which neither total nor adjusted calcium follows ionised calcium well."""
    if albumin is not None and albumin.value < k["albumin_low"]:
        return True
    if patient.has("paraproteinaemia", "acid-base-disorder") is not None or patient.ask(icu) is not None:
        return True
    kidney = patient.ask(kidney_function)
    return kidney.dialysis is not None or kidney.below(k["advanced_ckd"])


def _signs(patient: Patient, k: Limits) -> Fact | None:
    qtc = patient.latest("qtc", k.span("signs_window"))
    if qtc is not None and qtc.at_least(k["qtc"]):
        return qtc
    return patient.has("tetany", "seizure", "laryngospasm", within=k.span("signs_window"))


def _albumin(patient: Patient, total: Result, k: Limits) -> Result | None:
    """The exact albumin nearest to the calcium, at most 7 d apart (however old both are now)."""
    window = k.span("albumin_window")
    nearest, at = None, total.at.earliest
    for albumin in patient.series("albumin", LIFETIME):
        apart = abs(albumin.at.earliest - at)
        if apart <= window and not albumin.comparator and (nearest is None or apart < window):
            nearest, window = albumin, apart
    return nearest


def _adjusted(total: Result, albumin: Result | None, k: Limits) -> Result | None:
    """Simplified Payne, rounded half-up to the decimals of the limits; a bound is never used in arithmetic."""
    if albumin is None or total.comparator:
        return None
    value = total.amount + k["payne_factor"] * (k["payne_albumin"] - albumin.amount)
    return msgspec.structs.replace(total, value=value.quantize(k["total_lower"], ROUND_HALF_UP), exact=None)


def _total_bands(calcium: Result, k: Limits) -> Bands:
    if calcium.below(k["total_severe"]):
        return Bands(low=Severity.CRITICAL)
    if calcium.below(k["total_moderate"]):
        return Bands(low=Severity.WARNING)
    if calcium.below(_lower_limit(calcium, k)):
        return Bands(low=Severity.INFO)
    if calcium.at_least(k["total_very_high"]):
        return Bands(high=Severity.CRITICAL)
    if calcium.at_least(k["total_high"]):
        return Bands(high=Severity.WARNING)
    return Bands(high=Severity.INFO) if calcium.above(k["total_upper"]) else NORMAL


def _lower_limit(calcium: Result, k: Limits) -> Decimal:
    """The laboratory's own lower limit when it is a credible one."""
    own = calcium.range.low if calcium.range is not None else None
    credible = own is not None and k["site_lower_from"] <= own <= k["site_lower_to"]
    return own if own is not None and credible else k["total_lower"]


def _ionised_bands(ionised: Result, k: Limits) -> Bands:
    if ionised.below(k["ionised_severe"]):
        return Bands(low=Severity.CRITICAL)
    if ionised.below(k["ionised_moderate"]):
        return Bands(low=Severity.WARNING)
    if ionised.below(k["ionised_lower"]):
        return Bands(low=Severity.INFO)
    if ionised.above(k["ionised_very_high"]):
        return Bands(high=Severity.CRITICAL)
    if ionised.at_least(k["ionised_high"]):
        return Bands(high=Severity.WARNING)
    return Bands(high=Severity.INFO) if ionised.above(k["ionised_upper"]) else NORMAL


def _lower(one: Severity | None, two: Severity | None) -> Severity | None:
    return None if one is None or two is None else min(one, two)


def _higher(one: Severity | None, two: Severity | None) -> Severity | None:
    if one is None or two is None:
        return two if one is None else one
    return max(one, two)


def _exceeds(bands: Bands, base: Bands) -> bool:
    """Whether `bands` is more severe than `base` in either direction."""
    return _higher(bands.low, base.low) != base.low or _higher(bands.high, base.high) != base.high
