"""In what a dose is counted: pieces, or a measure of their own; shared by the families that add up doses."""

from __future__ import annotations

from decimal import Decimal

from cds_service.facts.records import Strength
from cds_service.facts.units import Unit, unit_of

INTERNATIONAL = frozenset({"ie", "iu", "[iu]", "[ie]"})


def unit_called(text: str) -> Unit | None:
    """The unit of this spelling, international units in Dutch too; None when it is no unit (a tablet)."""
    return unit_of("[IU]") if text.lower() in INTERNATIONAL else unit_of(text)


def is_counted(unit: str) -> bool:
    """Whether doses in this unit are pieces: tablets, capsules, or a fraction of one."""
    known = unit_called(unit)
    return known is None or known.of == "fraction"


def units_in(unit: str, strength: Strength) -> Decimal | None:
    """How many times the strength's denominator goes into one dose unit; None when they cannot be compared."""
    if is_counted(unit) and is_counted(strength.per_unit):
        return 1 / strength.per
    one, other = unit_called(unit), unit_called(strength.per_unit)
    if one is None or other is None or (one.of, one.per) != (other.of, other.per):
        return None
    share = one.factor / other.factor
    return Decimal(share.numerator) / Decimal(share.denominator) / strength.per
