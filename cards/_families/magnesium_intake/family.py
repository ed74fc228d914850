"""Elemental magnesium a day from oral products (catalogue section 10), as a range where the chart leaves it open."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import msgspec

from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Dosage, Exposure, Strength
from cds_service.facts.units import unit_of
from cds_service.facts.vocabulary import normal_name

Range = tuple[Decimal, Decimal]
Statement = Literal["elemental", "salt", ""]

ELEMENT = "magnesium"
BARE_NAMES = frozenset({"magnesium", "mg", "magnesium ion", "magnesiumion"})
ELEMENTAL = frozenset({"elemental", "elementair", "elementaire", "elementar"})
SALT = frozenset({"salt", "zout"})
UNSTATED = frozenset({"not", "non", "niet", "geen", "no", "unknown", "onbekend", "unclear", "onduidelijk"})
AS_SALT = ("as salt", "als zout")
MILLI = Decimal(1000)
ATC_SUBSTANCE = 7
_STRENGTH = re.compile(r"(?<![\d.,])(\d+(?:[.,]\d{1,2})?)\s?(mg|g|mmol|meq)\b(?!\s?/)", re.IGNORECASE)


class MagnesiumLine(msgspec.Struct, frozen=True):
    """One product, regular or as needed: elemental magnesium in mg a day, from the lowest to the highest reading.

    known       the dose can be computed; otherwise lower and upper say nothing
    as_needed   the amount at the maximum frequency; not part of the sum
    superseded  an active product of which a draft is the renewal: the draft counts instead
    """

    exposure: Exposure
    lower: Decimal
    upper: Decimal
    known: bool
    as_needed: bool = False
    superseded: bool = False

    @property
    def ambiguous(self) -> bool:
        """Whether more than one reading is left."""
        return self.lower != self.upper

    @property
    def draft(self) -> bool:
        """Whether this is a new order of the session."""
        return self.exposure.status == "draft"

    def may_reach(self, limit: Decimal) -> bool:
        """Whether this product may supply `limit` mg a day; an unknown dose counts as enough."""
        return not self.known or self.upper >= limit


class MagnesiumIntake(msgspec.Struct, frozen=True):
    """All oral magnesium products, active and draft, one line each."""

    lines: tuple[MagnesiumLine, ...]

    @property
    def counted(self) -> tuple[MagnesiumLine, ...]:
        """The lines that make the sum: regular use, drafts included."""
        return tuple(line for line in self.lines if not line.as_needed and not line.superseded)

    @property
    def as_needed(self) -> tuple[MagnesiumLine, ...]:
        """What may be taken on top, when needed."""
        return tuple(line for line in self.lines if line.as_needed and not line.superseded)

    @property
    def lower(self) -> Decimal:
        """Lowest reading of the sum, mg elemental a day, drafts included."""
        return _sum(line.lower for line in self.counted)

    @property
    def upper(self) -> Decimal:
        """Highest reading of the sum, mg elemental a day, drafts included."""
        return _sum(line.upper for line in self.counted)

    @property
    def at_least(self) -> bool:
        """A product without a computable dose makes the sum a minimum."""
        return any(not line.known for line in self.counted)

    @property
    def ambiguous(self) -> bool:
        """Whether the sum is a range."""
        return self.lower != self.upper

    def may_reach(self, limit: Decimal) -> bool:
        """Whether the active products together (without drafts) may supply `limit` mg elemental a day or more."""
        active = [line for line in self.lines if not line.as_needed and not line.draft]
        return any(not line.known for line in active) or _sum(line.upper for line in active) >= limit


def magnesium_intake(patient: Patient, k: Limits) -> MagnesiumIntake:
    """Every oral magnesium product with its elemental magnesium a day. Never raises: an unknown dose is a line too."""
    found = patient.taking_or_ordering("magnesium", "multivitamin-mineral")
    oral = [exposure for exposure in found if exposure.route in ("oral", None)]
    drafts = [exposure for exposure in oral if exposure.status == "draft"]
    lines = []
    for exposure in oral:
        renewed = exposure.status == "active" and any(same_drug(exposure, draft) for draft in drafts)
        for line in _lines(exposure, renewed, patient, k):
            if "multivitamin-mineral" not in exposure.groups or _rich(line, k):
                lines.append(line)
    return MagnesiumIntake(tuple(lines))


def whole(amount: Decimal) -> Decimal:
    """An amount as it is printed: whole milligrams."""
    return amount.quantize(Decimal(1), ROUND_HALF_UP)


def _rich(line: MagnesiumLine, k: Limits) -> bool:
    """A multivitamin counts only when its magnesium content is known and large."""
    return line.known and line.lower >= k["multivitamin_counts_from"]


def same_drug(one: Exposure, other: Exposure) -> bool:
    """One drug by one route: the same ATC level 5, or the same ingredients when either has none."""
    first, second = ({code for code in e.atc if len(code) == ATC_SUBSTANCE} for e in (one, other))
    if first and second:
        return not first.isdisjoint(second)
    return one.ingredients == other.ingredients


def _lines(exposure: Exposure, superseded: bool, patient: Patient, k: Limits) -> list[MagnesiumLine]:
    if not exposure.dosages:
        zero = Decimal(0)
        return [MagnesiumLine(exposure, zero, zero, False, exposure.as_needed, superseded)]
    product = _Product(exposure, patient, k)
    found = []
    for as_needed in (False, True):
        amounts = [product.per_day(dosage) for dosage in exposure.dosages if dosage.as_needed == as_needed]
        if amounts:
            known = [amount for amount in amounts if amount is not None]
            lower, upper = (_sum(amount[end] for amount in known) for end in (0, 1))
            found.append(MagnesiumLine(exposure, lower, upper, len(known) == len(amounts), as_needed, superseded))
    return found


class _Product:
    """How much elemental magnesium one product holds, as far as its record says."""

    def __init__(self, exposure: Exposure, patient: Patient, k: Limits) -> None:
        self.exposure = exposure
        self.k = k
        salts = patient.salts(ELEMENT)
        self.single = exposure.ingredients <= salts.keys()
        self.percent = _percent([salts[name] for name in exposure.ingredients if name in salts], salts.values())

    def per_day(self, dosage: Dosage) -> Range | None:
        """mg elemental a day from one dosage instruction, None when it cannot be computed."""
        if dosage.amount is None or dosage.per_day is None:
            return None
        once = self._per_dose(dosage, dosage.amount)
        return None if once is None else (once[0] * dosage.per_day, once[1] * dosage.per_day)

    def _per_dose(self, dosage: Dosage, amount: Decimal) -> Range | None:
        stated = _statement((self.exposure.name, dosage.text))
        if _is_content(dosage.unit):
            return self._elemental(amount, dosage.unit, stated) if self.single else None
        contents = self._contents(dosage, stated)
        return None if contents is None else (contents[0] * amount, contents[1] * amount)

    def _contents(self, dosage: Dosage, stated: Statement) -> Range | None:
        """mg elemental in one unit of the product, from its listed ingredients, else from the strength in its name."""
        by_text: dict[str, list[Range]] = {}
        for strength in self._magnesium_strengths():
            share = _units_in(dosage.unit, strength)
            content = self._elemental(strength.amount, strength.unit, _strength_statement(strength, stated))
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
        if not _is_counted(unit):
            return None
        named = _STRENGTH.findall(self.exposure.name)
        if self.single and len(named) == 1:
            amount, content_unit = named[0]
            return self._elemental(Decimal(amount.replace(",", ".")), content_unit.lower(), stated)
        if "phosphate-binder-magnesium" in self.exposure.groups:
            return self.k["binder_per_tablet"], self.k["binder_per_tablet"]
        return None

    def _magnesium_strengths(self) -> list[Strength]:
        strengths = self.exposure.strengths
        named = [s for s in strengths if "magnes" in normal_name(s.ingredient) or normal_name(s.ingredient) == "mg"]
        return named or (list(strengths) if self.single and len(strengths) == 1 else [])

    def _elemental(self, amount: Decimal, unit: str, stated: Statement) -> Range | None:
        known = unit_of(unit)
        if known is None or known.per:
            return None
        size = amount * known.factor.numerator / known.factor.denominator * MILLI
        if known.of in ("substance", "charge"):
            size = size * self.k["molar_mass"] / (self.k["valence"] if known.of == "charge" else 1)
            return size, size
        if known.of != "mass":
            return None
        if stated == "elemental":
            return size, size
        if self.percent is None:
            return None
        low, high = (size * share / 100 for share in self.percent)
        return (low, high) if stated == "salt" else (low, size)


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


def _strength_statement(strength: Strength, stated: Statement) -> Statement:
    """A listed ingredient states its basis by what it names: magnesium itself, or a salt of it."""
    said = _says(strength.ingredient) or stated
    if said:
        return said
    return "elemental" if normal_name(strength.ingredient) in BARE_NAMES else "salt"


def _is_content(unit: str) -> bool:
    known = unit_of(unit)
    return known is not None and not known.per and known.of in ("mass", "substance", "charge")


def _is_counted(unit: str) -> bool:
    known = unit_of(unit)
    return known is None or known.of == "fraction"


def _units_in(unit: str, strength: Strength) -> Decimal | None:
    """How many times the strength's denominator goes into one dose unit; None when they cannot be compared."""
    if _is_counted(unit) and _is_counted(strength.per_unit):
        return 1 / strength.per
    one, other = unit_of(unit), unit_of(strength.per_unit)
    if one is None or other is None or (one.of, one.per) != (other.of, other.per):
        return None
    share = one.factor / other.factor
    return Decimal(share.numerator) / Decimal(share.denominator) / strength.per


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
