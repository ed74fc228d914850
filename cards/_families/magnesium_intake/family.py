"""Elemental magnesium a day from oral products (catalogue section 10), as a range where the chart leaves it open."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from cards._families.magnesium_intake.content import Content, Substance
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

ELEMENT = "magnesium"
BARE_NAMES = frozenset({"magnesium", "mg", "magnesium ion", "magnesiumion"})
ATC_SUBSTANCE = 7


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
    as_needed: bool
    superseded: bool

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
    product = Content(exposure, _magnesium(exposure, patient, k))
    found = []
    for as_needed in (False, True):
        amounts = [product.per_day(dosage) for dosage in exposure.dosages if dosage.as_needed == as_needed]
        if amounts:
            known = [amount for amount in amounts if amount is not None]
            lower, upper = (_sum(amount[end] for amount in known) for end in (0, 1))
            found.append(MagnesiumLine(exposure, lower, upper, len(known) == len(amounts), as_needed, superseded))
    return found


def _magnesium(exposure: Exposure, patient: Patient, k: Limits) -> Substance:
    per_piece = k["binder_per_tablet"] if "phosphate-binder-magnesium" in exposure.groups else None
    return Substance("magnes", BARE_NAMES, patient.salts(ELEMENT), k["molar_mass"], k["valence"], per_piece)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
