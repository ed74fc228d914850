"""FHIR R4 data types, and two elements, as far as rules need them; unknown members are skipped.

Numbers are `Decimal`, exactly as written in the JSON text. Extension values stay undecoded.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import UNSET, Raw, Struct, UnsetType


class Extension(Struct, gc=False, rename="camel"):
    """An extension by its `url`; values stay undecoded, as a wrong one must not cost the resource."""

    url: str = ""
    value_period: Raw | UnsetType = UNSET
    value_codeable_concept: Raw | UnsetType = UNSET
    value_coding: Raw | UnsetType = UNSET
    extension: Raw | UnsetType = UNSET


class Meta(Struct, gc=False, rename="camel"):
    """Only when the server last changed the resource."""

    last_updated: str | None = None


class Coding(Struct, gc=False, frozen=True):
    """One code; `system` as sent, aliases are resolved by the vocabulary."""

    system: str = ""
    code: str = ""
    display: str = ""


class CodeableConcept(Struct, gc=False):
    """Codes for one thing, and its text."""

    coding: tuple[Coding, ...] = ()
    text: str = ""


class Reference(Struct, gc=False):
    """A reference in any of its forms (relative, absolute, urn, `#contained`); `type` and `display` as sent."""

    reference: str = ""
    type: str = ""
    display: str = ""


class Quantity(Struct, gc=False):
    """A number with its unit: `unit` is for people, `code` with `system` for machines. `value` is exact."""

    value: Decimal | None = None
    comparator: str = ""
    unit: str = ""
    system: str = ""
    code: str = ""


class Range(Struct, gc=False):
    """Two bounds, either may be open."""

    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Struct, gc=False):
    """An amount per amount."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Period(Struct, gc=False):
    """Start and end as FHIR date or dateTime text."""

    start: str | None = None
    end: str | None = None


class Annotation(Struct, gc=False):
    """A note: its text only."""

    text: str = ""


class TimingRepeat(Struct, gc=False, rename="camel"):
    """When something is repeated. Counts are Decimal because `1.0` is sent as well as `1`."""

    bounds_period: Period | None = None
    frequency: Decimal | None = None
    frequency_max: Decimal | None = None
    period: Decimal | None = None
    period_unit: str = ""
    day_of_week: tuple[str, ...] = ()
    time_of_day: tuple[str, ...] = ()
    when: tuple[str, ...] = ()


class Timing(Struct, gc=False, rename="camel"):
    """Moments, a repetition, or a code such as BID."""

    event: tuple[str, ...] = ()
    repeat: TimingRepeat | None = None
    code: CodeableConcept | None = None
    modifier_extension: tuple[Extension, ...] = ()


class DoseAndRate(Struct, gc=False, rename="camel"):
    """The amount of one administration."""

    dose_quantity: Quantity | None = None
    dose_range: Range | None = None


class Dosage(Struct, gc=False, rename="camel"):
    """One dosage instruction; `dose_quantity` and `dose_range` directly on it are the STU3 shape."""

    text: str = ""
    timing: Timing | None = None
    as_needed_boolean: bool | None = None
    as_needed_codeable_concept: CodeableConcept | None = None
    route: CodeableConcept | None = None
    dose_and_rate: tuple[DoseAndRate, ...] = ()
    dose_quantity: Quantity | None = None
    dose_range: Range | None = None
    modifier_extension: tuple[Extension, ...] = ()


class ObservationRange(Struct, gc=False, rename="camel"):
    """A reference range as the laboratory gave it."""

    low: Quantity | None = None
    high: Quantity | None = None
    type: CodeableConcept | None = None
    text: str = ""
    modifier_extension: tuple[Extension, ...] = ()


class MedicationIngredient(Struct, gc=False, rename="camel"):
    """One ingredient of a product and its strength; STU3 says `amount`, R5 has one `item` for the first two."""

    item_codeable_concept: CodeableConcept | None = None
    item_reference: Reference | None = None
    is_active: bool | None = None
    strength: Ratio | None = None
    amount: Raw | UnsetType = UNSET
    item: Raw | UnsetType = UNSET
    modifier_extension: tuple[Extension, ...] = ()
