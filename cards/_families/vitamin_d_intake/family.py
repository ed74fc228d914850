"""Vitamin D a day from the products on the drug list, in micrograms (40 units are 1 microgram)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from cards._families.daily_intake.measures import is_counted
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Dosage, Exposure
from cds_service.facts.units import unit_of

UNITS = frozenset({"iu", "ie", "e", "eenheden", "units"})
MICROGRAMS = frozenset({"ug", "µg", "μg", "mcg", "microgram"})
DAILY = frozenset({"d", "dag", "day", "24h"})
MICRO = 1_000_000
# A strength in a name: 800 IE, 25.000 IE/ml, 50 ug/d, 12,5 microgram per dag.
_STRENGTH = re.compile(
    r"(?<![\w.,])(\d+(?:[.,\s]\d+)*)\s?(IE|IU|E|eenheden|units|ug|µg|μg|mcg|microgram)\b(?:\s?(?:/|per)\s?(\w+))?",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,\s]\d{3})+\Z")


class VitaminDLine(msgspec.Struct, frozen=True):
    """One product in regular use; `per_day` in micrograms, None when it cannot be computed."""

    exposure: Exposure
    per_day: Decimal | None


class VitaminDIntake(msgspec.Struct, frozen=True):
    """The products that raise 25-OH vitamin D, as-needed use left out."""

    lines: tuple[VitaminDLine, ...]

    @property
    def known(self) -> Decimal:
        """Micrograms a day of the products whose dose is known."""
        return sum((line.per_day for line in self.lines if line.per_day is not None), Decimal(0))

    @property
    def complete(self) -> bool:
        """Whether every dose is known."""
        return all(line.per_day is not None for line in self.lines)


def vitamin_d_intake(patient: Patient, k: Limits) -> VitaminDIntake:
    """One line for each product. Never raises: an unknown dose is a line too; active vitamin D does not count."""
    products = [e for e in patient.taking("vitamin-d") if "vitamin-d-active" not in e.groups and not e.as_needed]
    return VitaminDIntake(tuple([VitaminDLine(e, _per_day(e, k)) for e in products]))


def _per_day(exposure: Exposure, k: Limits) -> Decimal | None:
    """The sum of the dosage instructions; without one, a name that says how much a day."""
    if not exposure.dosages:
        content = _named(exposure.name, k)
        return content[0] if content is not None and content[1] in DAILY else None
    amounts = [_once_a_day(exposure, dosage, k) for dosage in exposure.dosages if not dosage.as_needed]
    return _sum(amounts)


def _once_a_day(exposure: Exposure, dosage: Dosage, k: Limits) -> Decimal | None:
    if dosage.amount is None or dosage.per_day is None:
        content = _named(exposure.name, k)
        return content[0] if content is not None and content[1] in DAILY else None
    content_of_unit = _micrograms(Decimal(1), dosage.unit, k)
    if content_of_unit is None:
        content_of_unit = _in_one(exposure, dosage.unit, k)
    return None if content_of_unit is None else content_of_unit * dosage.amount * dosage.per_day


def _in_one(exposure: Exposure, unit: str, k: Limits) -> Decimal | None:
    """Micrograms in one unit of the product: by its listed ingredient, else by the strength in its name."""
    for strength in exposure.strengths:
        content = _micrograms(strength.amount, strength.unit, k)
        of_vitamin = "calciferol" in strength.ingredient.lower() or len(exposure.ingredients) == 1
        if content is not None and of_vitamin and _same_unit(unit, strength.per_unit):
            return content / strength.per
    named = _named(exposure.name, k)
    return named[0] if named is not None and _same_unit(unit, named[1]) else None


def _same_unit(one: str, other: str) -> bool:
    """Whether a dose unit is what a strength is stated for; tablets, capsules and pieces are one and the same."""
    if is_counted(one) or is_counted(other):
        return is_counted(one) and is_counted(other)
    return one.lower() == other.lower()


def _named(name: str, k: Limits) -> tuple[Decimal, str] | None:
    """The one strength in a name, in micrograms, and what it is per (empty: one piece)."""
    found = _STRENGTH.findall(name)
    if len(found) != 1:
        return None
    number, unit, per = found[0]
    amount = _number(number, unit)
    content = None if amount is None else _micrograms(amount, unit, k)
    return None if content is None else (content, per.lower())


def _number(text: str, unit: str) -> Decimal | None:
    """Thousands are separated only in units: 25.000 IE; 1.000 ug may be one or a thousand."""
    if _THOUSANDS.match(text):
        return Decimal(re.sub(r"\D", "", text)) if unit.lower() in UNITS else None
    plain = text.replace(",", ".")
    return Decimal(plain) if re.fullmatch(r"\d+(\.\d+)?", plain) else None


def _micrograms(amount: Decimal, unit: str, k: Limits) -> Decimal | None:
    word = unit.lower().strip("[]")
    if word in UNITS:
        return amount / k["units_per_ug"]
    if word in MICROGRAMS:
        return amount
    known = unit_of(unit)
    if known is None or known.per or known.of not in ("mass", "arbitrary"):
        return None
    size = amount * known.factor.numerator / known.factor.denominator
    return size / k["units_per_ug"] if known.of == "arbitrary" else size * MICRO


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = list(amounts)
    return None if not known or None in known else sum((a for a in known if a is not None), Decimal(0))
