"""The facts a rule may see: results, drug exposures, problems, orders. Immutable, no I/O, no clock."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from typing import Literal

import msgspec

from cds_service.errors import CannotTellError
from cds_service.facts.moments import Moment

Band = Literal["fresh", "recent", "stale", "ignored"]
CoverageState = Literal["complete", "truncated", "unordered", "failed", "not asked"]
PROVISIONAL = frozenset({"preliminary", "page-incomplete"})  # flags of a result that may not be the last word


class ReferenceRange(msgspec.Struct, frozen=True, gc=False):
    """The laboratory's own interval, in the concept's unit; `text` as the laboratory printed it."""

    low: Decimal | None
    high: Decimal | None
    text: str


class Result(msgspec.Struct, frozen=True, gc=False):
    """One usable measurement.

    value       in the unit of its concept: exactly as reported, or converted and rounded half-up (catalogue 1.1)
    comparator  "", "<", "<=", ">" or ">=": with one, only the proven comparisons below are true
    reported    number and unit as the laboratory printed them, e.g. "1.10" and "mg/dL"
    converted   whether `value` was converted from another unit
    exact       a converted value before it was rounded to the precision of limits; None: `value` is exact
    age         fresh, recent, stale or ignored by the concept's age policy
    flags       preliminary, haemolysed, drip-arm, page-incomplete, lab-low, lab-high, unit-property-mismatch,
                site-unit (the site says which unit this code has), site-range (`range` is of the site, not the result);
                `by-...`: the formula, where the codes of a concept tell (QTc)
    """

    concept: str
    value: Decimal
    comparator: str
    reported: str
    unit: str
    converted: bool
    at: Moment
    age: Band
    flags: frozenset[str]
    range: ReferenceRange | None
    ref: str
    specimen: str | None = None
    exact: Decimal | None = None

    @property
    def amount(self) -> Decimal:
        """The value for arithmetic, not rounded. Raises CannotTellError when only a bound is known."""
        if self.comparator:
            raise CannotTellError(f"{self.concept}: only a bound is known")
        return self.value if self.exact is None else self.exact

    def below(self, limit: Decimal) -> bool:
        """Proven to be < limit."""
        if not self.comparator:
            return self.value < limit
        return (self.comparator == "<" and self.value <= limit) or (self.comparator == "<=" and self.value < limit)

    def at_most(self, limit: Decimal) -> bool:
        """Proven to be <= limit."""
        if not self.comparator:
            return self.value <= limit
        return self.comparator in ("<", "<=") and self.value <= limit

    def above(self, limit: Decimal) -> bool:
        """Proven to be > limit."""
        if not self.comparator:
            return self.value > limit
        return (self.comparator == ">" and self.value >= limit) or (self.comparator == ">=" and self.value > limit)

    def at_least(self, limit: Decimal) -> bool:
        """Proven to be >= limit."""
        if not self.comparator:
            return self.value >= limit
        return self.comparator in (">", ">=") and self.value >= limit


class Unusable(msgspec.Struct, frozen=True, gc=False):
    """A measurement that must not be used: which data-quality rule says so, and what it looked like.

    value  only for `dq-unit-suspect`: what it would be in the concept's unit if its stated unit were believed
    """

    concept: str
    reason: str
    at: Moment | None
    shown: str
    ref: str
    value: Decimal | None = None


class Strength(msgspec.Struct, frozen=True):
    """Content of one ingredient per unit of product: amount and UCUM-like unit, the ingredient's text, and whether the
    text says `elemental`."""

    ingredient: str
    amount: Decimal
    unit: str
    per: Decimal
    per_unit: str


class Dosage(msgspec.Struct, frozen=True):
    """One dosage instruction. `per_day` is the number of administrations a day (the maximum when a range is given)."""

    amount: Decimal | None = None
    unit: str = ""
    per_day: Decimal | None = None
    times: tuple[time, ...] = ()
    when: tuple[str, ...] = ()
    as_needed: bool = False
    text: str = ""


LOCAL_ROUTES = frozenset({"topical", "ophthalmic", "inhaled"})


class Exposure(msgspec.Struct, frozen=True):
    """One drug a patient takes, took, or is about to be prescribed (`status` "draft"); records of one drug are merged.

    ingredients  normalised ingredient ids; groups: the drug groups of the value sets it belongs to
    route        oral, intravenous, ... or None when neither recorded nor implied
    since/until  contiguous coverage; None = not recorded
    judged       a draft that this very hook call is about (selected, signed or refilled)
    known_by     the code system that identified the ingredients, or "text"
    """

    name: str
    ingredients: frozenset[str]
    groups: frozenset[str]
    status: Literal["active", "past", "draft"]
    route: str | None
    since: Moment | None
    until: Moment | None
    dosages: tuple[Dosage, ...]
    strengths: tuple[Strength, ...]
    ref: str
    known_by: str
    judged: bool = False
    as_needed: bool = False
    over_the_counter: bool = False
    atc: frozenset[str] = frozenset()
    refs: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    authored: Moment | None = None
    reason_groups: frozenset[str] = frozenset()

    @property
    def is_local(self) -> bool:
        """Whether it acts where it is put, on the skin, in the eye or in the lungs, and hardly gets into the blood."""
        return self.route in LOCAL_ROUTES


class UnmappedDrug(msgspec.Struct, frozen=True):
    """A drug that could not be identified: its code system (or "text") and its reference; `draft`: a new order."""

    system: str
    ref: str
    draft: bool = False


class Problem(msgspec.Struct, frozen=True):
    """One Condition or Procedure that belongs to a group of the value sets.

    at         onset, else recorded date (procedures: performed); None = no date, or only that of the record of a
               problem of the past
    active     clinical status, as the catalogue's 1.6 says; procedures: done or under way
    confirmed  false for unconfirmed, provisional and differential diagnoses: they count for protection, not for scores
    by_text    matched on its text because it carried no known code
    ongoing    a procedure that is under way, or whose period has no end
    """

    group: str
    name: str
    at: Moment | None
    active: bool
    confirmed: bool
    by_text: bool
    ref: str
    encounter: str | None = None
    ended: Moment | None = None
    ongoing: bool = False


class LabOrder(msgspec.Struct, frozen=True):
    """An active ServiceRequest for a concept, with when it was authored or is due."""

    concept: str
    at: Moment | None
    ref: str


class Stay(msgspec.Struct, frozen=True):
    """The Encounter of the call, else the patient's own. `paediatric` when its ward says so in words or codes.

    encounter_class: the code of its class (IMP, AMB, ...), "" when it has none
    """

    ref: str
    inpatient: bool
    status: str
    place: str
    paediatric: bool
    started: Moment | None
    codes: frozenset[str] = frozenset()
    encounter_class: str = ""


class Person(msgspec.Struct, frozen=True):
    """The patient: bare id, birth date as recorded, administrative sex, whether deceased."""

    id: str
    birth: Moment | None
    sex: str | None
    deceased: bool


class Coverage(msgspec.Struct, frozen=True):
    """How completely one prefetch key was answered; a cut page that is provably newest-first `reaches_to` a moment.

    reason: why it could not be fetched, where that was tried
    """

    state: CoverageState
    reaches_to: Moment | None = None
    reason: str = ""
