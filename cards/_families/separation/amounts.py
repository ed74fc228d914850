"""Whether a victim, or the products with cations, supply as much as a row asks for."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from cards._families.magnesium_intake.content import Content, Substance, as_labelled
from cards._families.separation.table import Amount
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

NAMES = {
    "calcium": ("calcium", frozenset({"calcium", "ca"})),
    "zinc": ("zin", frozenset({"zinc", "zink", "zn"})),
}


def supplies(amount: Amount, exposures: Iterable[Exposure], patient: Patient, k: Limits) -> bool | None:
    """Whether the limit of `amount` is reached by the one product's dose, or by all products in a day; None: unknown.

    An unknown part leaves it open only while the known part does not reach the limit by itself.
    """
    sizes = [_size(amount, exposure, patient) for exposure in exposures]
    known = [size for size in sizes if size is not None]
    total = sum(known, Decimal(0))
    if amount.below is not None:
        return total < k[amount.below] if len(known) == len(sizes) else None
    reached = total >= k[amount.at_least] if amount.at_least is not None else total > k[amount.above or ""]
    return True if reached else None if len(known) < len(sizes) else False


def _size(amount: Amount, exposure: Exposure, patient: Patient) -> Decimal | None:
    """mg a dose or a day, in the highest reading of the record."""
    content = Content(exposure, _substance(amount, exposure, patient))
    found = []
    for dosage in exposure.dosages:
        size = content.per_dose(dosage) if amount.per == "dose" else content.per_day(dosage)
        if size is None:
            return None
        found.append(size[1])
    if not found:
        return None
    return max(found) if amount.per == "dose" else sum(found, Decimal(0))


def _substance(amount: Amount, exposure: Exposure, patient: Patient) -> Substance:
    if amount.element is None:
        return as_labelled(exposure)
    stem, names = NAMES[amount.element]
    return Substance(stem, names, patient.salts(amount.element))
