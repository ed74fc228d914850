"""From what a laboratory wrote to a value in a concept's unit, or the data-quality rule that forbids using it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Raw, UnsetType

from cds_service.facts.moments import parse_moment
from cds_service.facts.records import ReferenceRange
from cds_service.facts.units import UnitProblem, convert, is_number, unit_of
from cds_service.facts.vocabulary import Concept, RangeCheck
from cds_service.fhir.datatypes import CodeableConcept, ObservationRange, Quantity
from cds_service.fhir.read.lexicon import remember_short
from cds_service.fhir.structs import Measured, decode
from cds_service.knowledge.vocabulary_systems import UCUM_NAMES

MISSING = "dq-latest"
UNIT = "dq-unit"
UNIT_SUSPECT = "dq-unit-suspect"
COMPARATOR = "dq-comparator"
CODE = "dq-code"
COMPARATORS = frozenset({"", "<", "<=", ">", ">="})
COUNTS = frozenset({"{score}", "{index}", "1"})
COUNT_SPELLINGS = frozenset({"", "{score}", "score", "1", "{points}", "points", "{index}"})
INDEXED, PLAIN = "mL/min/{1.73_m2}", "mL/min"
MAX_SHOWN = 60
FAR_OFF = 10


class Reading(msgspec.Struct, frozen=True, gc=False):
    """A usable value: in the concept's unit, as printed, and the unit string that was understood.

    unit_of_site: the result carried no unit, the site's own for its code was taken. exact: a converted value before it
    was rounded.
    """

    value: Decimal
    comparator: str
    reported: str
    unit: str
    converted: bool
    understood: str
    unit_of_site: bool = False
    exact: Decimal | None = None


class RangeReading(msgspec.Struct, frozen=True, gc=False):
    """The reference range in the concept's unit, whether it contradicts its own unit, and whether that unit is another
    one than the value's."""

    range: ReferenceRange | None
    suspect: bool
    other_unit: bool = False


NO_RANGE = RangeReading(None, suspect=False)


def read_value(found: Measured, concept: Concept, zone: ZoneInfo, site_unit: str = "") -> Reading | str:
    """The one value of a measurement, or the id of the rule that makes it unusable. Text is never parsed.

    A coded answer becomes the number its concept gives it; a date (concepts without unit and without coded answers)
    the number of its day as `date.toordinal` counts. site_unit: the unit of a quantity that carries none.
    """
    kinds = _values(found)
    if len(kinds) > 1:
        return UNIT
    if not kinds or _is_sent(found.data_absent_reason):
        return MISSING
    kind, value = kinds[0]
    if kind == "quantity":
        if not concept.unit:
            return UNIT
        if site_unit and not (value.unit or value.code):
            reading = _quantity(msgspec.structs.replace(value, unit=site_unit), concept)
            return msgspec.structs.replace(reading, unit_of_site=True) if isinstance(reading, Reading) else reading
        return _quantity(value, concept)
    if kind == "coded":
        return _coded(value, concept)
    if kind == "date" and not concept.unit and not concept.coded_values:
        return _date(value, zone)
    if kind == "integer" and concept.unit in COUNTS:
        return _integer(value, concept)
    return UNIT


def _values(found: Measured) -> list[tuple[str, Any]]:
    kinds: list[tuple[str, Any]] = []
    quantity = quantity_of(found)
    if quantity is not None and quantity.value is not None:
        kinds.append(("quantity", quantity))
    if found.value_codeable_concept is not None:
        kinds.append(("coded", found.value_codeable_concept))
    if found.value_date_time:
        kinds.append(("date", found.value_date_time))
    if _is_sent(found.value_integer):
        kinds.append(("integer", found.value_integer))
    if _is_sent(found.value_string) or _is_sent(found.value_boolean) or _is_sent(found.value_range):
        kinds.append(("other", None))
    if (
        _is_sent(found.value_ratio)
        or _is_sent(found.value_sampled_data)
        or _is_sent(found.value_time)
        or _is_sent(found.value_period)
    ):
        kinds.append(("other", None))
    return kinds


def quantity_of(found: Measured) -> Quantity | None:
    """The decoded valueQuantity; None when there is none or it cannot be read."""
    return None if found.value_quantity is UNSET else decode(found.value_quantity, Quantity)


def _is_sent(raw: Raw | UnsetType) -> bool:
    return raw is not UNSET and bytes(raw) not in (b"null", b'""', b"[]", b"{}")


def _quantity(quantity: Quantity, concept: Concept) -> Reading | str:
    comparator = quantity.comparator.strip()
    if comparator not in COMPARATORS:
        return COMPARATOR
    unit = stated_unit(quantity.unit, quantity.system, quantity.code)
    if unit is None or quantity.value is None or len(str(quantity.value)) > MAX_SHOWN:
        return UNIT
    if concept.unit in COUNTS and unit in COUNT_SPELLINGS:
        unit = concept.unit
    printed = quantity.unit if unit_of(quantity.unit) is not None else unit
    unit = _indexed(unit, concept)
    converted = convert(quantity.value, unit, concept)
    if isinstance(converted, UnitProblem):
        return UNIT
    shown = _printed(quantity.value)
    return Reading(converted.value, comparator, shown, printed, converted.converted, unit, exact=converted.exact)


def _indexed(unit: str, concept: Concept) -> str:
    """`mL/min` under a code that says "/1.73 sq M" is how many laboratories abbreviate the unit of the code."""
    return INDEXED if concept.unit == INDEXED and unit_of(unit) == unit_of(PLAIN) else unit


def _printed(value: Decimal) -> str:
    text = str(value)
    return format(value, "f") if "E" in text else text


def _coded(answer: CodeableConcept, concept: Concept) -> Reading | str:
    meanings = {concept.coded_values[key] for c in answer.coding if (key := (c.system, c.code)) in concept.coded_values}
    if len(meanings) != 1:
        return CODE
    return Reading(meanings.pop(), "", shown_concept(answer), "", converted=False, understood="")


def _date(text: str, zone: ZoneInfo) -> Reading | str:
    moment = parse_moment(text, zone)
    if moment is None:
        return MISSING
    day = moment.earliest.astimezone(zone).date()
    if moment.latest.astimezone(zone).date() != day:
        return MISSING
    return Reading(Decimal(day.toordinal()), "", day.isoformat(), "", converted=False, understood="")


def _integer(raw: Raw, concept: Concept) -> Reading | str:
    number = decode(raw, Decimal)
    if number is None:
        return UNIT
    return _quantity(Quantity(value=number, unit=concept.unit, code=concept.unit), concept)


@remember_short
def stated_unit(unit: str, system: str, code: str) -> str | None:
    """The unit string of a Quantity: its UCUM code, else its text. None when the two are different units."""
    by_code, by_text = unit_of(code), unit_of(unit)
    if not code or (system and system not in UCUM_NAMES) or (not system and by_code is None):
        return unit
    if by_code is not None and by_text is not None and by_code != by_text:
        return None
    return code


def shown(found: Measured) -> str:
    """What an unusable value looked like, shortened; empty when there is nothing to show."""
    quantity = quantity_of(found)
    if quantity is not None and quantity.value is not None:
        return f"{quantity.comparator}{str(quantity.value)[:MAX_SHOWN]} {quantity.unit or quantity.code}"[
            :MAX_SHOWN
        ].strip()
    if found.value_codeable_concept is not None:
        return shown_concept(found.value_codeable_concept)
    if found.value_string is not UNSET:
        return (decode(found.value_string, str) or "")[:MAX_SHOWN]
    return ""


def shown_concept(answer: CodeableConcept) -> str:
    """The text of a coded answer, else the display of its first coding, shortened."""
    return (answer.text or next((c.display for c in answer.coding if c.display), ""))[:MAX_SHOWN]


def read_range(raw: Raw, concept: Concept, understood: str) -> RangeReading:
    """The laboratory's reference range for a value whose unit was understood as `understood`."""
    ranges = decode(raw, list[ObservationRange])
    chosen = None if ranges is None else _normal_range(ranges)
    if chosen is None:
        return NO_RANGE
    low, low_unit = _bound(chosen.low, understood, concept)
    high, high_unit = _bound(chosen.high, understood, concept)
    if low is not None and high is not None and not low < high:
        return NO_RANGE
    suspect = any(
        unit_of(check.unit) == unit_of(unit) and _breaks(check, low, high)
        for check in concept.range_checks
        for unit in {low_unit, high_unit}
    )
    own_low, own_high = _in_concept_unit(low, low_unit, concept), _in_concept_unit(high, high_unit, concept)
    if own_low is None and own_high is None and not chosen.text:
        return RangeReading(None, suspect)
    other_unit = any(unit_of(unit) != unit_of(understood) for unit in (low_unit, high_unit))
    if chosen.text and len(chosen.text) <= MAX_SHOWN:
        text = chosen.text
    else:  # a card prints it beside the value, whose unit a reader would take for that of both
        text = f"{_range_text(own_low, own_high)} {concept.unit}" if other_unit else _range_text(low, high)
    return RangeReading(ReferenceRange(own_low, own_high, text), suspect, other_unit)


def exceeds_own_range(found: Measured) -> bool:
    """Whether a number lies above the reference range printed with it, in the same unit (or none)."""
    quantity = quantity_of(found)
    if quantity is None or quantity.value is None or not is_number(quantity.value) or "<" in quantity.comparator:
        return False
    ranges = None if found.reference_range is UNSET else decode(found.reference_range, list[ObservationRange])
    chosen = None if ranges is None else _normal_range(ranges)
    understood = stated_unit(quantity.unit, quantity.system, quantity.code) or ""
    high, unit = _bound(None if chosen is None else chosen.high, understood)
    return high is not None and unit == understood and quantity.value > high


def is_far_off(value: Decimal, interval: ReferenceRange) -> bool:
    """Whether a value is ten times outside a range printed in another unit: then one of the two units is wrong."""
    low, high = interval.low, interval.high
    return (low is not None and low > 0 and value * FAR_OFF < low) or (high is not None and value > high * FAR_OFF)


def _normal_range(ranges: list[ObservationRange]) -> ObservationRange | None:
    usable = [r for r in ranges if not r.modifier_extension and (r.low or r.high or r.text)]
    typed = [r for r in usable if r.type is not None and any(c.code == "normal" for c in r.type.coding)]
    untyped = [r for r in usable if r.type is None]
    return next(iter(typed or untyped), None)


def _bound(bound: Quantity | None, understood: str, concept: Concept | None = None) -> tuple[Decimal | None, str]:
    if bound is None or bound.value is None or bound.comparator or not is_number(bound.value):
        return None, understood
    if not (bound.unit or bound.code):
        return bound.value, understood
    unit = stated_unit(bound.unit, bound.system, bound.code) or ""
    return bound.value, unit if concept is None else _indexed(unit, concept)


def _in_concept_unit(value: Decimal | None, unit: str, concept: Concept) -> Decimal | None:
    if value is None:
        return None
    converted = convert(value, unit, concept)
    return None if isinstance(converted, UnitProblem) else converted.value


def _breaks(check: RangeCheck, low: Decimal | None, high: Decimal | None) -> bool:
    return (low is not None and _outside(low, check.low_below, check.low_above)) or (
        high is not None and _outside(high, check.high_below, check.high_above)
    )


def _outside(value: Decimal, below: Decimal | None, above: Decimal | None) -> bool:
    return (below is not None and value < below) or (above is not None and value > above)


def _range_text(low: Decimal | None, high: Decimal | None) -> str:
    if low is not None and high is not None:
        return f"{_printed(low)}–{_printed(high)}"
    if low is not None:
        return f">= {_printed(low)}"
    return f"<= {_printed(high)}" if high is not None else ""
