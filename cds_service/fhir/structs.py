"""FHIR R4 resources as far as rules need them: one Struct each, naming only what is read; unknown members are skipped.

Members of STU3 and R5 stand beside them where that tells a version, or where R4 reads the rest as it is.

Deliberately tolerant. Elements that are wrong in the wild and that no rule needs (Observation.category, extension
values) are left out or kept as undecoded `msgspec.Raw`; a resource that still does not fit is quarantined alone.
Every `isModifier` element that R4 has on these paths is present.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from cds_service.fhir.datatypes import (
    Annotation,
    CodeableConcept,
    Coding,
    Dosage,
    Extension,
    MedicationIngredient,
    Meta,
    Period,
    Quantity,
    Ratio,
    Reference,
)

Kind = TypeVar("Kind")
UNREADABLE = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)


class Resource(Struct, gc=False, rename="camel"):
    """What every resource has. `implicit_rules` and `modifier_extension` change the meaning of everything else."""

    resource_type: str = ""
    id: str = ""
    meta: Meta | None = None
    implicit_rules: str | None = None
    modifier_extension: tuple[Extension, ...] = ()
    extension: tuple[Extension, ...] = ()
    contained: tuple[Raw, ...] = ()


class Patient(Resource, gc=False, rename="camel"):
    """The person. `link` says that this may not be the main record."""

    active: bool | None = None
    gender: str | None = None
    birth_date: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None
    link: tuple[Raw, ...] = ()


class PatientLink(Struct, gc=False, rename="camel"):
    """Another record of the same person; `type` says which of the two is in use."""

    type: str = ""
    modifier_extension: tuple[Extension, ...] = ()


class Measured(Struct, gc=False, rename="camel"):
    """What an Observation and its components share. What repeats from result to result (codes, ranges) stays undecoded:
    equal bytes are decoded once."""

    code: Raw | UnsetType = UNSET
    value_quantity: Raw | UnsetType = UNSET
    value_codeable_concept: CodeableConcept | None = None
    value_date_time: str | None = None
    value_integer: Raw | UnsetType = UNSET
    value_string: Raw | UnsetType = UNSET
    value_boolean: Raw | UnsetType = UNSET
    value_range: Raw | UnsetType = UNSET
    value_ratio: Raw | UnsetType = UNSET
    value_sampled_data: Raw | UnsetType = UNSET
    value_time: Raw | UnsetType = UNSET
    value_period: Raw | UnsetType = UNSET
    data_absent_reason: Raw | UnsetType = UNSET
    interpretation: Raw | UnsetType = UNSET
    reference_range: Raw | UnsetType = UNSET
    modifier_extension: tuple[Extension, ...] = ()


class Observation(Measured, gc=False, rename="camel"):
    """One measurement; `comment` is its note in STU3."""

    resource_type: str = ""
    id: str = ""
    meta: Meta | None = None
    implicit_rules: str | None = None
    status: str = ""
    subject: Raw | UnsetType = UNSET
    effective_date_time: str | None = None
    effective_instant: str | None = None
    effective_period: Period | None = None
    issued: str | None = None
    specimen: Raw | UnsetType = UNSET
    note: Raw | UnsetType = UNSET
    comment: Raw | UnsetType = UNSET
    component: Raw | UnsetType = UNSET
    contained: Raw | UnsetType = UNSET


class Specimen(Struct, gc=False, rename="camel"):
    """What was measured in, and in which condition it arrived."""

    resource_type: str = ""
    id: str = ""
    implicit_rules: str | None = None
    modifier_extension: tuple[Extension, ...] = ()
    status: str = ""
    type: CodeableConcept | None = None
    condition: tuple[CodeableConcept, ...] = ()


class DispenseRequest(Struct, gc=False, rename="camel"):
    """How long a supply is meant to last."""

    expected_supply_duration: Quantity | None = None
    number_of_repeats_allowed: Decimal | None = None
    quantity: Quantity | None = None
    modifier_extension: tuple[Extension, ...] = ()


class MedicationRequest(Resource, gc=False, rename="camel"):
    """An order or prescription. `do_not_perform` turns it into a prohibition."""

    status: str = ""
    intent: str = ""
    do_not_perform: bool | None = None
    category: Raw | UnsetType = UNSET
    reported_boolean: bool | None = None
    reported_reference: Reference | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    authored_on: str | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    note: tuple[Annotation, ...] = ()
    dosage_instruction: tuple[Dosage, ...] = ()
    dispense_request: DispenseRequest | None = None


class Adherence(Struct, gc=False, rename="camel"):
    """R5: whether the patient takes it."""

    code: CodeableConcept | None = None


class MedicationStatement(Resource, gc=False, rename="camel"):
    """What a patient is said to take; `taken` (STU3), `was_not_taken` (DSTU2) and `adherence` (R5) may deny it."""

    status: str = ""
    category: Raw | UnsetType = UNSET
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    date_asserted: str | None = None
    taken: str = ""
    was_not_taken: bool | None = None
    adherence: Adherence | None = None
    information_source: Reference | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    note: tuple[Annotation, ...] = ()
    dosage: tuple[Dosage, ...] = ()


MEDICINES = (MedicationRequest, MedicationStatement)


class Medication(Resource, gc=False, rename="camel"):
    """A product: its codes, form and ingredients; `dose_form` is its form in R5."""

    status: str = ""
    code: CodeableConcept | None = None
    form: CodeableConcept | None = None
    dose_form: Raw | UnsetType = UNSET
    amount: Ratio | None = None
    ingredient: tuple[MedicationIngredient, ...] = ()


class Condition(Resource, gc=False, rename="camel"):
    """A problem or diagnosis; both statuses change its meaning (plain codes in STU3, as `context`, `asserted_date`)."""

    clinical_status: CodeableConcept | str | None = None
    verification_status: CodeableConcept | str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    onset_date_time: str | None = None
    onset_period: Period | None = None
    abatement_date_time: str | None = None
    abatement_period: Period | None = None
    abatement_boolean: bool | None = None
    abatement_string: Raw | UnsetType = UNSET
    abatement_age: Raw | UnsetType = UNSET
    abatement_range: Raw | UnsetType = UNSET
    recorded_date: str | None = None
    context: Reference | None = None
    asserted_date: str | None = None


class Procedure(Resource, gc=False, rename="camel"):
    """Something done to the patient, unless `not_done` (STU3) or `not_performed` (DSTU2); `context` is STU3."""

    status: str = ""
    not_done: bool | None = None
    not_performed: bool | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    context: Reference | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None


class ServiceRequest(Resource, gc=False, rename="camel"):
    """An order for a test or service. `do_not_perform` turns it into a prohibition."""

    status: str = ""
    intent: str = ""
    do_not_perform: bool | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    occurrence_date_time: str | None = None
    occurrence_period: Period | None = None
    authored_on: str | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    note: tuple[Annotation, ...] = ()


class EncounterLocation(Struct, gc=False, rename="camel"):
    """A ward or place of the stay; `status` says whether it is the present one."""

    location: Reference | None = None
    status: str = ""
    period: Period | None = None
    modifier_extension: tuple[Extension, ...] = ()


class Encounter(Resource, gc=False, rename="camel"):
    """A stay or visit; `reason` holds its reasons in STU3 and R5."""

    status: str = ""
    class_: Coding | None = field(default=None, name="class")
    type: tuple[CodeableConcept, ...] = ()
    service_type: CodeableConcept | None = None
    subject: Reference | None = None
    period: Period | None = None
    location: tuple[EncounterLocation, ...] = ()
    reason_code: tuple[CodeableConcept, ...] = ()
    reason: Raw | UnsetType = UNSET


def decode(raw: Raw, kind: type[Kind]) -> Kind | None:
    """Decode one resource or element (`kind` may be a list type); None when it cannot be read. Never raises.

    Members that are null or an empty string (not valid FHIR, but sent) are dropped in a second attempt.
    """
    decoder: msgspec.json.Decoder[Any] = _DECODERS.get(kind) or _decoder_of(kind)
    found: Kind
    try:
        found = decoder.decode(raw)
    except UNREADABLE:
        try:
            found = decoder.decode(_NUMBERS.encode(_without_empty(_EXACT.decode(raw))))
        except UNREADABLE:
            return None
    return found


def _decoder_of(kind: Any) -> msgspec.json.Decoder[Any]:
    return _DECODERS.setdefault(kind, msgspec.json.Decoder(kind))


_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}
_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_NUMBERS = msgspec.json.Encoder(decimal_format="number")


def _without_empty(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _without_empty(member) for name, member in node.items() if member is not None and member != ""}
    if isinstance(node, list):
        return [_without_empty(item) for item in node if item is not None and item != ""]
    return node
