"""How much potassium, calcium and vitamin D the products on the medication list supply a day, where the chart says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec

from cards._families.daily_intake.measures import INTERNATIONAL, is_counted, unit_called, units_in
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Dosage, Exposure, Strength
from cds_service.facts.units import Unit
from cds_service.facts.vocabulary import normal_name

MILLI, MICRO = Decimal(1000), Decimal(1_000_000)
CONTENT = frozenset({"mass", "substance", "charge", "arbitrary", "activity"})
ACTIVITY = frozenset({"arbitrary", "activity"})
ELEMENTAL = frozenset({"elemental", "elementair", "elementaire"})
SALT = re.compile(r"carb|citr|glucon|glubion|lact|acet|chlor|fosf|phosph|aspart|salt|zout|kcl|caco3", re.IGNORECASE)
_NAMED = re.compile(
    r"(?<![\d.,])(\d+(?:[.,]\d+)*)\s?(mg|g|mmol|meq|ug|mcg|µg|ie|iu)\b(?:\s?/\s?(ml)\b)?", re.IGNORECASE
)
Convert = Callable[[Decimal, Unit, bool], Decimal | None]


class Supply(msgspec.Struct, frozen=True):
    """One product in regular use and what it supplies a day; None when the chart does not say."""

    exposure: Exposure
    per_day: Decimal | None


class DailyIntake(msgspec.Struct, frozen=True):
    """Active products in regular use: potassium in mmol a day, calcium in mg elemental, vitamin D in micrograms."""

    potassium: tuple[Supply, ...] = ()
    calcium: tuple[Supply, ...] = ()
    vitamin_d: tuple[Supply, ...] = ()


def total(supplies: Iterable[Supply]) -> Decimal:
    """The sum of what is known: a minimum when one of them is not."""
    return sum((supply.per_day for supply in supplies if supply.per_day is not None), Decimal(0))


def daily_intake(patient: Patient, k: Limits) -> DailyIntake:
    """What the active products supply a day. Never raises: an unknown dose is an answer too."""

    def potassium(exposure: Exposure) -> Decimal | None:
        by_mass = _salt_share(patient, "potassium", exposure)
        content = _Content(
            exposure, ("kalium", "potassium"), ("mg", "g", "mmol", "meq"), _to_mmol(by_mass, k), implied=False
        )
        return content.per_day(_has_only(patient, "potassium", exposure))

    def calcium(exposure: Exposure) -> Decimal | None:
        by_mass = _salt_share(patient, "calcium", exposure)
        content = _Content(exposure, ("calcium", "ca"), ("mg", "g", "mmol", "meq"), _to_calcium(by_mass, k))
        return content.per_day(_has_only(patient, "calcium", exposure))

    def vitamin_d(exposure: Exposure) -> Decimal | None:
        alone = "calcium" not in exposure.groups and len(exposure.ingredients) <= 1
        units = ("ug", "mcg", "µg", "ie", "iu", *(("mg",) if alone else ()))
        names = ("calciferol", "vitamin d", "vitamine d", "vit d")
        return _Content(exposure, names, units, _to_micrograms(k)).per_day(alone)

    inactive = [e for e in patient.taking("vitamin-d") if "vitamin-d-active" not in e.groups]
    return DailyIntake(
        _supplies(patient.taking("potassium"), potassium),
        _supplies(patient.taking("calcium"), calcium),
        _supplies(inactive, vitamin_d),
    )


def _supplies(exposures: Iterable[Exposure], per_day: Callable[[Exposure], Decimal | None]) -> tuple[Supply, ...]:
    regular = [e for e in exposures if not e.is_local and not _only_as_needed(e)]
    return tuple([Supply(e, per_day(e)) for e in regular])


def _only_as_needed(exposure: Exposure) -> bool:
    if exposure.dosages:
        return all(dosage.as_needed for dosage in exposure.dosages)
    return exposure.as_needed


def _has_only(patient: Patient, element: str, exposure: Exposure) -> bool:
    return bool(exposure.ingredients) and exposure.ingredients <= patient.salts(element).keys()


def _salt_share(patient: Patient, element: str, exposure: Exposure) -> Decimal | None:
    """The element's lowest share of its salt in percent, when the product holds one salt of known share."""
    salts = patient.salts(element)
    shares = [salts[name] for name in exposure.ingredients if name in salts]
    return shares[0][0] if len(shares) == 1 and shares[0] is not None else None


def _to_mmol(share: Decimal | None, k: Limits) -> Convert:
    def convert(amount: Decimal, unit: Unit, elemental: bool) -> Decimal | None:
        size = _size(amount, unit) * MILLI
        if unit.of in ("substance", "charge"):
            return size
        milligrams = _as_element(size, unit, elemental, share)
        return None if milligrams is None else milligrams / k["potassium_mass"]

    return convert


def _to_calcium(share: Decimal | None, k: Limits) -> Convert:
    def convert(amount: Decimal, unit: Unit, elemental: bool) -> Decimal | None:
        size = _size(amount, unit) * MILLI
        if unit.of in ("substance", "charge"):
            return size * k["calcium_mass"] / (k["calcium_valence"] if unit.of == "charge" else 1)
        return _as_element(size, unit, elemental, share)

    return convert


def _to_micrograms(k: Limits) -> Convert:
    def convert(amount: Decimal, unit: Unit, elemental: bool) -> Decimal | None:
        if unit.of in ACTIVITY:
            return _size(amount, unit) / k["vitamin_d_units"]
        return _size(amount, unit) * MICRO if unit.of == "mass" else None

    return convert


def _as_element(milligrams: Decimal, unit: Unit, elemental: bool, share: Decimal | None) -> Decimal | None:
    if unit.of != "mass":
        return None
    if elemental:
        return milligrams
    return None if share is None else milligrams * share / 100


def _size(amount: Decimal, unit: Unit) -> Decimal:
    return amount * unit.factor.numerator / unit.factor.denominator


class _Content:
    """What one product holds of one substance, as far as its record says.

    implied: a strength beside a name without a salt means the element (calcium); potassium is sold by its salt.
    """

    def __init__(
        self,
        exposure: Exposure,
        names: tuple[str, ...],
        units: tuple[str, ...],
        convert: Convert,
        *,
        implied: bool = True,
    ) -> None:
        self.exposure = exposure
        self.names = names
        self.units = units
        self.convert = convert
        self.implied = implied

    def per_day(self, alone: bool) -> Decimal | None:
        """The sum of the regular dosages. `alone`: the product holds nothing else, so its own amounts are meant."""
        regular = [dosage for dosage in self.exposure.dosages if not dosage.as_needed]
        amounts = [self._of_dosage(dosage, alone) for dosage in regular]
        known = [amount for amount in amounts if amount is not None]
        return sum(known, Decimal(0)) if amounts and len(known) == len(amounts) else None

    def _of_dosage(self, dosage: Dosage, alone: bool) -> Decimal | None:
        if dosage.amount is None or dosage.per_day is None:
            return None
        unit = unit_called(dosage.unit)
        if unit is not None and not unit.per and unit.of in CONTENT:
            once = (
                self.convert(dosage.amount, unit, self._is_element(self.exposure.name, dosage.text)) if alone else None
            )
        else:
            holds = self._by_strength(dosage, alone) or self._by_name(dosage)
            once = None if holds is None else holds * dosage.amount
        return None if once is None else once * dosage.per_day

    def _by_strength(self, dosage: Dosage, alone: bool) -> Decimal | None:
        """From the listed ingredients: what one unit of the dose holds."""
        named = [s for s in self.exposure.strengths if self._is_named(s)]
        found = named or (self.exposure.strengths if alone and len(self.exposure.strengths) == 1 else ())
        for strength in sorted(found, key=lambda s: not _says_elemental(s.ingredient)):
            share, unit = units_in(dosage.unit, strength), unit_called(strength.unit)
            if share is not None and unit is not None and unit.of in CONTENT:
                elemental = self._is_element(strength.ingredient, "")
                holds = self.convert(strength.amount, unit, elemental)
                return None if holds is None else holds * share
        return None

    def _is_named(self, strength: Strength) -> bool:
        name = normal_name(strength.ingredient)
        return any(own in name if len(own) > 2 else own in name.split() for own in self.names)

    def _by_name(self, dosage: Dosage) -> Decimal | None:
        """From the one strength in the product's name that can be meant, per piece or per ml."""
        found = [m for m in _NAMED.finditer(self.exposure.name) if m[2].lower() in self.units]
        if len(found) != 1:
            return None
        number, spelling, per_ml = found[0].groups()
        measure, unit = unit_called(dosage.unit), unit_called(spelling.lower())
        liquid = measure is not None and measure.of == "volume"
        if unit is None or liquid != bool(per_ml) or not (liquid or is_counted(dosage.unit)):
            return None
        holds = self.convert(_number(number, spelling), unit, self._is_element(self.exposure.name, ""))
        if holds is None or measure is None or not liquid:
            return holds
        return holds * _size(Decimal(1), measure) * MILLI

    def _is_element(self, name: str, text: str) -> bool:
        """Whether amounts are meant as the element: said so, or implied by a name without a salt."""
        return _says_elemental(f"{name} {text}") or (self.implied and not SALT.search(name))


def _says_elemental(text: str) -> bool:
    return not ELEMENTAL.isdisjoint(normal_name(text).split())


def _number(text: str, unit: str) -> Decimal:
    """A number as a product name writes it; in units of activity points and commas group thousands."""
    if unit.lower() in INTERNATIONAL:
        return Decimal(text.replace(".", "").replace(",", ""))
    whole, _, decimals = text.replace(",", ".").rpartition(".")
    return Decimal(f"{whole.replace('.', '')}.{decimals}" if whole else decimals)
