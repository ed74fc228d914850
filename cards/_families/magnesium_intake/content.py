"""How much of a substance one product supplies, as far as its record says: a range where the record leaves it open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from cards._families.daily_intake.measures import is_counted, units_in
from cds_service.facts.records import Dosage, Exposure, Strength
from cds_service.facts.units import unit_of
from cds_service.facts.vocabulary import normal_name

Range = tuple[Decimal, Decimal]
Statement = Literal["elemental", "salt", ""]

ELEMENTAL = frozenset({"elemental", "elementair", "elementaire", "elementar"})
SALT = frozenset({"salt", "zout"})
UNSTATED = frozenset({"not", "non", "niet", "geen", "no", "unknown", "onbekend", "unclear", "onduidelijk"})
AS_SALT = ("as salt", "als zout")
MILLI = Decimal(1000)
WHOLE = (Decimal(100), Decimal(100))
_STRENGTH = re.compile(r"(?<![\d.,])(\d+(?:[.,]\d{1,2})?)\s?(mg|g|mmol|meq)\b(?!\s?/)", re.IGNORECASE)


class Substance(msgspec.Struct, frozen=True):
    """An element whose content counts, or nothing in particular: then what the label says is the content.

    stem        how the names of its salts begin, in all languages; "" fits every ingredient
    names       what the element itself is called
    salts       the ingredients that supply it, each with its share in percent w/w (None: unknown)
    molar_mass  with `valence`, for amounts in mmol and meq; without them such amounts cannot be read
    per_piece   mg in one piece, for a product of known content whose record states none
    """

    stem: str
    names: frozenset[str]
    salts: Mapping[str, Range | None]
    molar_mass: Decimal | None = None
    valence: Decimal | None = None
    per_piece: Decimal | None = None


def as_labelled(exposure: Exposure) -> Substance:
    """The substance for amounts as the label prints them, salt or not."""
    return Substance("", frozenset(), dict.fromkeys(exposure.ingredients, WHOLE))


class Content:
    """How much of a substance one product supplies, in mg."""

    def __init__(self, exposure: Exposure, of: Substance) -> None:
        self.exposure = exposure
        self.of = of
        self.single = exposure.ingredients <= of.salts.keys()
        own = [of.salts[name] for name in exposure.ingredients if name in of.salts]
        self.percent = _percent(own, of.salts.values())

    def per_day(self, dosage: Dosage) -> Range | None:
        """mg a day from one dosage instruction, None when it cannot be computed."""
        once = self.per_dose(dosage)
        if once is None or dosage.per_day is None:
            return None
        return once[0] * dosage.per_day, once[1] * dosage.per_day

    def per_dose(self, dosage: Dosage) -> Range | None:
        """mg at one intake, None when it cannot be computed."""
        if dosage.amount is None:
            return None
        stated = _statement((self.exposure.name, dosage.text))
        if _is_content(dosage.unit):
            return self._size(dosage.amount, dosage.unit, stated) if self.single else None
        contents = self._contents(dosage, stated)
        return None if contents is None else (contents[0] * dosage.amount, contents[1] * dosage.amount)

    def _contents(self, dosage: Dosage, stated: Statement) -> Range | None:
        """mg in one unit of the product, from its listed ingredients, else from the strength in its name."""
        by_text: dict[str, list[Range]] = {}
        for strength in self._own_strengths():
            share = units_in(dosage.unit, strength)
            content = self._size(strength.amount, strength.unit, self._basis(strength, stated))
            if share is None or content is None:
                return None
            by_text.setdefault(normal_name(strength.ingredient), []).append((content[0] * share, content[1] * share))
        if by_text:
            return (
                _sum(min(low for low, _ in found) for found in by_text.values()),
                _sum(max(high for _, high in found) for found in by_text.values()),
            )
        return self._by_name(dosage.unit, stated)

    def _by_name(self, unit: str, stated: Statement) -> Range | None:
        if not is_counted(unit):
            return None
        named = _STRENGTH.findall(self.exposure.name)
        if self.single and len(named) == 1:
            amount, content_unit = named[0]
            return self._size(Decimal(amount.replace(",", ".")), content_unit.lower(), stated)
        return None if self.of.per_piece is None else (self.of.per_piece, self.of.per_piece)

    def _own_strengths(self) -> list[Strength]:
        strengths = self.exposure.strengths
        named = [s for s in strengths if self._is_named(normal_name(s.ingredient))]
        return named or (list(strengths) if self.single and len(strengths) == 1 else [])

    def _size(self, amount: Decimal, unit: str, stated: Statement) -> Range | None:
        known = unit_of(unit)
        if known is None or known.per:
            return None
        size = amount * known.factor.numerator / known.factor.denominator * MILLI
        if known.of in ("substance", "charge"):
            return self._from_moles(size, known.of == "charge")
        if known.of != "mass":
            return None
        if stated == "elemental":
            return size, size
        if self.percent is None:
            return None
        low, high = (size * share / 100 for share in self.percent)
        return (low, high) if stated == "salt" else (low, size)

    def _from_moles(self, amount: Decimal, charge: bool) -> Range | None:
        if self.of.molar_mass is None or self.of.valence is None:
            return None
        size = amount * self.of.molar_mass / (self.of.valence if charge else 1)
        return size, size

    def _is_named(self, ingredient: str) -> bool:
        return self.of.stem in ingredient or ingredient in self.of.names

    def _basis(self, strength: Strength, stated: Statement) -> Statement:
        """A listed ingredient states its basis by what it names: the element itself, or a salt of it."""
        said = _says(strength.ingredient) or stated
        if said:
            return said
        return "elemental" if normal_name(strength.ingredient) in self.of.names else "salt"


def _percent(own: list[Range | None], salts: Iterable[Range | None]) -> Range | None:
    """The lowest and highest share of the named salts; of all salts when its own share is not known."""
    if len(own) == 1 and own[0] is None:
        own = [share for share in salts if share is not None]
    shares = [share for share in own if share is not None]
    if not shares or len(shares) < len(own):
        return None
    return min(low for low, _ in shares), max(high for _, high in shares)


def _statement(texts: Iterable[str]) -> Statement:
    """What the texts say the strength is; nothing when they say nothing, or contradict each other."""
    said = {statement for text in texts if (statement := _says(text))}
    return said.pop() if len(said) == 1 else ""


def _says(text: str) -> Statement:
    name = normal_name(text)
    words = set(name.split())
    if words & UNSTATED:
        return ""
    if words & ELEMENTAL and not words & SALT:
        return "elemental"
    return "salt" if any(phrase in name for phrase in AS_SALT) and not words & ELEMENTAL else ""


def _is_content(unit: str) -> bool:
    known = unit_of(unit)
    return known is not None and not known.per and known.of in ("mass", "substance", "charge")


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
