"""Fractional excretion of magnesium (catalogue, `mg-fe-interpretation`): the calculation, without its meaning."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

MICRO_PER_MILLI = Decimal(1000)
TENTH = Decimal("0.1")


class FractionalExcretion(msgspec.Struct, frozen=True):
    """FEMg in percent, to one decimal, with the results that it was calculated from.

    urine       magnesium and creatinine of one spot, or only their ratio
    ultrafiltered, ionised   the same with ionised instead of 0.7 x total magnesium, when it was measured
    """

    percent: Decimal
    magnesium: Result
    creatinine: Result
    urine: tuple[Result, ...]
    ionised: Result | None = None
    ultrafiltered: Decimal | None = None

    @property
    def terms(self) -> tuple[Result, ...]:
        """All results of the calculation."""
        return (self.magnesium, self.creatinine, *self.urine)


def fractional_excretion(patient: Patient, k: Limits) -> FractionalExcretion | None:
    """FEMg of the latest spot urine, None when one of its values is missing within a day of the others.

    Raises CannotTellError when only a bound of one of them is known.
    """
    urine = _spot(patient, k.span("pair"))
    if urine is None:
        return None
    magnesium = patient.near("magnesium-serum", urine[0].at, k.span("pair"))
    creatinine = None if magnesium is None else patient.near("creatinine", magnesium.at, k.span("pair"))
    if magnesium is None or creatinine is None or not _together((magnesium, creatinine, *urine), k.span("pair")):
        return None
    excreted = _urine_ratio(urine, k) * creatinine.amount / MICRO_PER_MILLI * 100
    percent = _rounded(excreted / (k["ultrafilterable"] * magnesium.amount))
    ionised = patient.near("magnesium-ionised", magnesium.at, k.span("pair"))
    if ionised is None or ionised.comparator or not _together((ionised, creatinine, *urine), k.span("pair")):
        return FractionalExcretion(percent, magnesium, creatinine, urine)
    return FractionalExcretion(percent, magnesium, creatinine, urine, ionised, _rounded(excreted / ionised.amount))


def _spot(patient: Patient, pair: timedelta) -> tuple[Result, ...] | None:
    """Magnesium and creatinine of the latest spot urine, else the ratio that the laboratory reported."""
    magnesium = patient.latest("magnesium-urine-spot")
    creatinine = None if magnesium is None else patient.near("creatinine-urine", magnesium.at, pair)
    if magnesium is not None and creatinine is not None:
        return magnesium, creatinine
    ratio = patient.latest("magnesium-creatinine-ratio-urine")
    return None if ratio is None else (ratio,)


def _urine_ratio(urine: tuple[Result, ...], k: Limits) -> Decimal:
    """Magnesium per creatinine in urine, mol/mol."""
    if len(urine) == 1:
        return urine[0].amount * k["molar_mass_creatinine"] / k["molar_mass_magnesium"]
    return urine[0].amount / urine[1].amount


def _together(results: tuple[Result, ...], span: timedelta) -> bool:
    """Whether all lie within the span of each other, also when only their dates are known."""
    return max(r.at.latest for r in results) - min(r.at.earliest for r in results) <= span


def _rounded(percent: Decimal) -> Decimal:
    return percent.quantize(TENTH, ROUND_HALF_UP)
