"""Dosage instructions, product strengths and routes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from decimal import Decimal
from functools import lru_cache

import msgspec

from cds_service.facts.records import Dosage, Strength
from cds_service.facts.units import is_number
from cds_service.facts.vocabulary import Vocabulary, words_of
from cds_service.fhir import datatypes
from cds_service.fhir.read.drugs import Identity, drug_names
from cds_service.fhir.read.lexicon import Terms, per_vocabulary, remember_texts
from cds_service.fhir.structs import Medication
from cds_service.knowledge.vocabulary_systems import UCUM_NAMES

ORAL = "oral"
_MAX_DIGITS = 30
_ONCE = Decimal(1)
_MAX_HOURS_DIGITS = 3
_NEEDLE_ROUTES = frozenset({"intravenous", "intramuscular", "subcutaneous"})
_NEEDLE_WORDS = frozenset(
    {"injection", "injectable", "injectie", "injectievloeistof", "injektionslosung", "injector", "syringe", "spuit"}
)

# periodUnit -> (how many in a day, how many days in one)
_UNITS_OF_TIME = {
    "s": (86400, 1), "min": (1440, 1), "h": (24, 1), "d": (1, 1), "wk": (1, 7), "mo": (1, 30), "a": (1, 365),
}  # fmt: skip
# HL7 GTSAbbreviation (https://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation) and the NHS/US forms seen beside it.
_TIMES_A_DAY = {
    "QD": Decimal(1), "OD": Decimal(1), "AM": Decimal(1), "PM": Decimal(1), "BED": Decimal(1), "QHS": Decimal(1),
    "HS": Decimal(1), "BID": Decimal(2), "BD": Decimal(2), "TID": Decimal(3), "TDS": Decimal(3), "QID": Decimal(4),
    "QDS": Decimal(4), "QOD": Decimal(1) / 2, "WK": Decimal(1) / 7, "QWK": Decimal(1) / 7, "MO": Decimal(1) / 30,
}  # fmt: skip


def read_dosage(instruction: datatypes.Dosage) -> Dosage:
    """One dosage instruction: how much at a time, how often, when."""
    amount, unit = _dose(instruction)
    timing = instruction.timing
    per_day: Decimal | None = None
    times: tuple[time, ...] = ()
    when: tuple[str, ...] = ()
    if timing is not None:
        repeat = timing.repeat
        if repeat is not None:
            times = _clock_times(repeat.time_of_day) if repeat.time_of_day else ()
            when = repeat.when
            per_day = _per_day(repeat, len(times) or len(when))
        if per_day is None and timing.code is not None:
            per_day = _coded_per_day(timing.code)
    as_needed = bool(instruction.as_needed_boolean) or instruction.as_needed_codeable_concept is not None
    return Dosage(amount, unit, per_day, times, when, as_needed, instruction.text)


def _dose(instruction: datatypes.Dosage) -> tuple[Decimal | None, str]:
    """Amount and unit of one administration: the high end of a range."""
    quantity, interval = instruction.dose_quantity, instruction.dose_range
    if quantity is None and interval is not None:
        quantity = interval.high or interval.low
    for dose in instruction.dose_and_rate:
        if dose.dose_quantity is not None:
            quantity = dose.dose_quantity
            break
        if dose.dose_range is not None:
            quantity = dose.dose_range.high or dose.dose_range.low
            break
    if quantity is None:
        return None, ""
    return _amount(quantity), unit_of(quantity)


def _amount(quantity: datatypes.Quantity) -> Decimal | None:
    """Its value as an amount; None for a bound."""
    return None if quantity.comparator else _number(quantity.value)


def _number(value: Decimal | None) -> Decimal | None:
    """An amount that can be calculated with and printed; None for a negative or absurd one, as for one not stated."""
    if value is None:
        return None
    text = str(value)
    if len(text) > _MAX_DIGITS:
        return None
    plain = text.isdigit() or text.replace(".", "", 1).isdigit()
    return value if plain or (is_number(value) and value >= 0) else None


def unit_of(quantity: datatypes.Quantity) -> str:
    """The UCUM code, else the unit as printed; a bare annotation such as `{tablet}` without its braces."""
    unit = quantity.code if quantity.code and quantity.system in UCUM_NAMES else quantity.unit or quantity.code
    return unit[1:-1] if unit[:1] == "{" and unit[-1:] == "}" else unit


def _finite(value: Decimal | None) -> Decimal | None:
    """A number; None for the words NaN and Infinity, which a decimal sent as text may hold, as for one not stated."""
    return value if value is not None and value.is_finite() else None


def _per_day(repeat: datatypes.TimingRepeat, moments: int) -> Decimal | None:
    days, often, lasting = repeat.day_of_week, _finite(repeat.frequency_max or repeat.frequency), _finite(repeat.period)
    if not (days or moments) and lasting is not None and repeat.period_unit:
        return _plain_rate(often, lasting, repeat.period_unit)
    frequency, period = _number(often), _number(lasting)
    if frequency is None and moments:
        frequency = Decimal(moments)
    if period is None or not repeat.period_unit:
        if frequency is None or not moments:
            return None
        return frequency * len(days) / 7 if days else frequency
    if days and frequency is None:
        frequency = Decimal(len(days) if repeat.period_unit == "wk" else 1)
    per_day = _rate(frequency or _ONCE, period, repeat.period_unit)
    if per_day is not None and days and repeat.period_unit == "d":
        return per_day * len(days) / 7
    return per_day


@lru_cache(maxsize=1024)
def _plain_rate(frequency: Decimal | None, period: Decimal, unit: str) -> Decimal | None:
    """So many times in so many units of time, and nothing else said."""
    lasts = _number(period)
    return None if lasts is None else _rate(_number(frequency) or _ONCE, lasts, unit)


@lru_cache(maxsize=1024)
def _rate(frequency: Decimal, period: Decimal, unit: str) -> Decimal | None:
    in_a_day, days = _UNITS_OF_TIME.get(unit, (0, 1))
    return frequency * in_a_day / (period * days) if in_a_day and period > 0 else None


def _coded_per_day(code: datatypes.CodeableConcept) -> Decimal | None:
    for word in (*(coding.code for coding in code.coding), code.text):
        word = word.strip().upper()
        if word in _TIMES_A_DAY:
            return _TIMES_A_DAY[word]
        if (
            word[:1] == "Q"
            and word[-1:] == "H"
            and word[1:-1].isascii()
            and word[1:-1].isdigit()
            and 0 < len(word) - 2 <= _MAX_HOURS_DIGITS
            and int(word[1:-1]) > 0
        ):
            return Decimal(24) / int(word[1:-1])
    return None


def _clock_times(texts: tuple[str, ...]) -> tuple[time, ...]:
    found = []
    for text in texts:
        try:
            found.append(time.fromisoformat(text).replace(tzinfo=None))
        except ValueError:
            continue
    return tuple(found)


def read_strengths(medication: Medication) -> tuple[Strength, ...]:
    """Content per unit of product of every ingredient whose strength is stated."""
    found = []
    for ingredient in medication.ingredient:
        strength, item = ingredient.strength, ingredient.item_codeable_concept
        amount = _amount(strength.numerator) if strength is not None and strength.numerator is not None else None
        if strength is None or strength.numerator is None or amount is None:
            continue
        per = strength.denominator
        name = "" if item is None else item.text or next((c.display for c in item.coding if c.display), "")
        per_amount = _amount(per) if per is not None and per.value else Decimal(1)
        if per_amount is None:
            continue
        unit = unit_of(strength.numerator)
        found.append(Strength(name, amount, unit, per_amount, unit_of(per) if per is not None else ""))
    return tuple(found)


class Routes:
    """How a drug enters the body: as recorded, else as the site's drug map, its name or its form says, else as is usual
    for its ATC class."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._codes = vocabulary.routes
        self._systems = vocabulary.systems
        self._terms = Terms(vocabulary.route_words.items())
        self._usual = sorted(vocabulary.atc_routes, key=lambda pair: -len(pair[0]))
        self._names = drug_names(vocabulary)
        self.in_words = remember_texts(self._in_words)
        self.usual = lru_cache(maxsize=4096)(self._usual_route)
        self.by_needle = lru_cache(maxsize=4096)(self._route_by_needle)
        self.settled = lru_cache(maxsize=4096)(self._settled)

    def recorded(self, route: datatypes.CodeableConcept) -> str | None:
        """The route that an instruction records; None when it is one that we do not know."""
        for coding in route.coding:
            known = self._codes.get((self._systems.get(coding.system, coding.system), coding.code))
            if known is not None:
                return known
        for text in (route.text, *(coding.display for coding in route.coding)):
            if text and (known := self.in_words(text)) is not None:
                return known
        return None

    def told_by(self, product: Sequence[str], identity: Identity) -> str | None:
        """The route that a drug map or the words for a product tell, else the usual one of its class; None when nothing
        tells."""
        if identity.mapped is not None and identity.mapped.route is not None:
            return identity.mapped.route
        for text in product:
            if text and (route := self.in_words(text)) is not None:
                return route
            if text and _is_injected(text):
                return self.by_needle(identity)
        return self.usual(identity)

    def _settled(self, identity: Identity, route: str | None) -> Identity:
        """A drug known without an ATC code, with the groups that all its ingredients' codes for this route imply."""
        groups = [self._names.class_groups(i, lambda code: self._usual_of(code) == route) for i in identity.ingredients]
        return msgspec.structs.replace(identity, groups=identity.groups.union(*groups))

    def _usual_of(self, code: str) -> str:
        return next((route for prefix, route in self._usual if code.startswith(prefix)), ORAL)

    def _in_words(self, text: str) -> str | None:
        found = {meanings[0] for _, _, meanings in self._terms.found_in(words_of(text))}
        return found.pop() if len(found) == 1 else None

    def _usual_route(self, identity: Identity) -> str | None:
        """The route of its ATC class, oral where none is listed; of several classes oral when one of them is."""
        if not identity.known_by:
            return None
        usual = {self._usual_of(code) for code in self._names.atc_codes(identity)}
        if not usual or ORAL in usual:
            return ORAL
        return usual.pop() if len(usual) == 1 else None

    def _route_by_needle(self, identity: Identity) -> str | None:
        """The route of an injection whose record names none: the only one of its ATC classes that takes a needle."""
        usual = {self._usual_of(code) for code in self._names.atc_codes(identity)} & _NEEDLE_ROUTES
        return usual.pop() if len(usual) == 1 else None


@remember_texts
def _is_injected(text: str) -> bool:
    """Whether a product's name or form says that it is injected."""
    return not _NEEDLE_WORDS.isdisjoint(words_of(text))


routes = per_vocabulary(Routes)
