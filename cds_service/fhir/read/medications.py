"""One MedicationRequest, MedicationStatement or draft as a record: what, whether it counts, since when, how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any, Literal

import msgspec

from cds_service.facts.moments import AsOf, Moment, parse_moment
from cds_service.facts.records import Dosage, Strength
from cds_service.facts.units import is_number
from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir import datatypes, structs
from cds_service.fhir.read.conditions import condition_names, name_of
from cds_service.fhir.read.dosage import read_dosage, read_strengths, routes
from cds_service.fhir.read.drugs import NO_DRUG, Identity, identify
from cds_service.fhir.read.modifiers import says_stopped
from cds_service.fhir.read.products import Product, products
from cds_service.fhir.read.references import MedicationShelf, bare_id
from cds_service.fhir.read.reports import (
    denies,
    has_category,
    is_by_patient,
    is_from_patient,
    names_otc,
    statement_status,
)

Medicine = structs.MedicationRequest | structs.MedicationStatement
Standing = Literal["active", "past", "draft", "not taken", "unclear"]

_ORDERS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order", ""})
_OVER = frozenset({"completed", "stopped", "ended"})
_NOT_ORDERED = frozenset({"entered-in-error", "cancelled", "stopped", "completed", "ended", "on-hold"})
_UNCLEAR = frozenset({"unknown", ""})
_PATIENT_REPORTED = frozenset({"patientspecified", "community"})
_AS_NEEDED = attrgetter("as_needed")
_PERIOD_OF_USE = "ext-TimeInterval.Period"


class Record(msgspec.Struct, gc=False):
    """One record of a drug. `standing` says how it counts; `since`/`until` are its own, not yet joined with others."""

    ref: str
    standing: Standing
    name: str
    identity: Identity
    route: str | None
    since: Moment | None
    until: Moment | None
    authored: Moment | None
    dosages: tuple[Dosage, ...]
    strengths: tuple[Strength, ...]
    as_needed: bool
    over_the_counter: bool
    reasons: tuple[str, ...]
    reason_groups: frozenset[str]
    supply: timedelta | None = None
    judged: bool = False


class MedicationReader:
    """Reads the medication records of one call."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        shelf: MedicationShelf,
        as_of: AsOf,
        condition_groups: Mapping[str, frozenset[str]],
        *,
        admit_unknown_status: bool = False,
    ) -> None:
        self._vocabulary = vocabulary
        self._products = products(vocabulary)
        self._routes = routes(vocabulary)
        self._conditions = condition_names(vocabulary)
        self._shelf = shelf
        self._as_of = as_of
        self._condition_groups = condition_groups
        self._admit_unknown = admit_unknown_status
        self._times: dict[str | None, Moment | None] = {}

    def request(self, request: structs.MedicationRequest) -> Record | None:
        """An existing order; None when it is no drug use (proposal, cancelled, on hold, prohibition, ...)."""
        if request.do_not_perform:
            return None
        reported = bool(request.reported_boolean) or request.reported_reference is not None
        if request.intent != "order" and request.intent not in _ORDERS:
            by_patient = reported or has_category(request.category, _PATIENT_REPORTED)
            if request.intent != "plan" or not by_patient:
                return None
        status = request.status.strip()
        authored = self._time(request.authored_on)
        since, until = self._bounds(request.dosage_instruction, request.extension)
        standing: Standing | None = "active"
        if status != "active" or until is not None or request.modifier_extension:
            standing = self._standing(status, until, stopped=says_stopped(request.modifier_extension))
        if standing is None:
            return None
        record = self._record(request, request.dosage_instruction, standing, since or authored, until, authored)
        if not record.over_the_counter and (reported or request.category is not msgspec.UNSET):
            record.over_the_counter = is_by_patient(request, reported)
        if request.dispense_request is not None:
            record.supply = _supply(request.dispense_request)
        return record

    def statement(self, statement: structs.MedicationStatement) -> Record | None:
        """What the patient is said to take, or not to take; None when it is neither."""
        period = statement.effective_period or datatypes.Period()
        since, until = self._bounds(statement.dosage, statement.extension)
        since = since or self._time(period.start or statement.effective_date_time)
        until = self._time(period.end) or until
        standing: Standing | None
        if denies(statement):
            standing = None if statement.status.strip() == "entered-in-error" else "not taken"
        else:
            standing = self._standing(
                statement_status(statement), until, stopped=says_stopped(statement.modifier_extension)
            )
        if standing is None:
            return None
        asserted = self._time(statement.date_asserted) or since
        record = self._record(statement, statement.dosage, standing, since, until, asserted)
        if record.identity.known_by == NO_DRUG:
            return None
        if not record.over_the_counter:
            record.over_the_counter = is_from_patient(statement)
        return record

    def draft(self, draft: structs.MedicationRequest, *, judged: bool) -> Record | None:
        """An order of the call itself, whatever it is called; None when it takes an order away."""
        if draft.do_not_perform or draft.status.strip() in _NOT_ORDERED or says_stopped(draft.modifier_extension):
            return None
        authored = self._time(draft.authored_on)
        since, until = self._bounds(draft.dosage_instruction, draft.extension)
        record = self._record(draft, draft.dosage_instruction, "draft", since or authored, until, authored)
        record.judged = judged
        return record

    def _record(
        self,
        medicine: Medicine,
        instructions: Sequence[datatypes.Dosage],
        standing: Standing,
        since: Moment | None,
        until: Moment | None,
        authored: Moment | None,
    ) -> Record:
        concept = medicine.medication_codeable_concept
        product = None
        if concept is not None:
            known = self._products.of(concept.coding, concept.text)
        else:
            known, product = self._referred(medicine)
        name, identity, route = known.name, known.identity, known.route
        for instruction in instructions:
            if instruction.route is not None and (instruction.route.coding or instruction.route.text):
                route = self._routes.recorded(instruction.route)
                break
        if identity.ingredients and not identity.atc:
            identity = self._routes.settled(identity, route)
        strengths = read_strengths(product) if product is not None else ()
        if not strengths and identity.mapped is not None:
            strengths = identity.mapped.strengths
        dosages = tuple([read_dosage(instruction) for instruction in instructions])
        reasons, groups = self._reasons(medicine, dosages, name)
        return Record(
            f"{medicine.resource_type}/{medicine.id}", standing, name, identity, route, since, until, authored, dosages,
            strengths, bool(dosages) and all(map(_AS_NEEDED, dosages)),
            known.over_the_counter, reasons, groups,
        )  # fmt: skip

    def _referred(self, medicine: Medicine) -> tuple[Product, structs.Medication | None]:
        """The drug of a record that only refers to it."""
        reference = medicine.medication_reference
        product = self._shelf.find(reference, medicine.contained)
        shown = reference.display if reference is not None else ""
        identity = identify((), shown, product, self._vocabulary)
        name = name_of(product.code) if product is not None and product.code is not None else shown
        name = name or shown or ", ".join(sorted(identity.ingredients))
        form = product.form if product is not None else None
        described = (form.text, *(c.display for c in form.coding), name) if form is not None else (name,)
        return Product(name, identity, self._routes.told_by(described, identity), names_otc(name)), product

    def _standing(self, status: str, until: Moment | None, *, stopped: bool) -> Standing | None:
        if status == "active" or (status in _UNCLEAR and (self._admit_unknown or stopped)):
            return "past" if stopped or self._is_over(until) else "active"
        if status in _OVER:
            return "past"
        if status in _UNCLEAR:
            return "past" if self._is_over(until) else "unclear"
        return None

    def _is_over(self, until: Moment | None) -> bool:
        """Whether an end lies before today."""
        return until is not None and until.latest.astimezone(self._as_of.zone).date() < self._as_of.today

    def _bounds(
        self, instructions: Sequence[datatypes.Dosage], extensions: Sequence[datatypes.Extension]
    ) -> tuple[Moment | None, Moment | None]:
        """First start and last end of the dosage instructions and of the period of use of the whole order; no end when
        an instruction is open and the order is too."""
        if len(instructions) == 1 and not extensions:
            period = _period_of_dose(instructions[0])
            return (None, None) if period is None else (self._time(period.start), self._time(period.end))
        of_doses = [p for instruction in instructions if (p := _period_of_dose(instruction)) is not None]
        of_order = [p for e in extensions if e.url.endswith(_PERIOD_OF_USE) and (p := _period(e)) is not None]
        starts = [moment for p in (*of_doses, *of_order) if (moment := self._time(p.start)) is not None]
        dose_ends = [moment for p in of_doses if (moment := self._time(p.end)) is not None]
        order_ends = [moment for p in of_order if (moment := self._time(p.end)) is not None]
        is_open = len(dose_ends) < len(instructions) and not order_ends
        return (
            min(starts, key=_earliest, default=None),
            None if is_open else max((*dose_ends, *order_ends), key=_latest, default=None),
        )

    def _time(self, text: str | None) -> Moment | None:
        """What a date means, worked out once: an order is often written on the day that its dosage starts."""
        if text in self._times:
            return self._times[text]
        found = self._times[text] = parse_moment(text, self._as_of.zone)
        return found

    def _reasons(
        self, medicine: Medicine, dosages: tuple[Dosage, ...], name: str
    ) -> tuple[tuple[str, ...], frozenset[str]]:
        """Texts of reasons, notes and instructions, and the condition groups they name."""
        groups: set[str] = set()
        texts: dict[str, None] = {}
        if not (medicine.reason_code or medicine.reason_reference or medicine.note):
            said = tuple([dosage.text for dosage in dosages if dosage.text and dosage.text != name])
            return said, self._conditions.in_text(said[0]) if len(said) == 1 else self._in_texts(said)
        for reason in medicine.reason_code:
            groups |= self._conditions.groups(tuple(reason.coding), reason.text)[0]
            texts[name_of(reason)] = None
        for reference in medicine.reason_reference:
            groups |= self._condition_groups.get(bare_id(reference.reference), frozenset())
            texts[reference.display] = None
        usual, free = self._conditions.in_text, self._conditions.in_note
        said_by = [(text, usual) for text in texts] + [(note.text, free) for note in medicine.note]
        for text, groups_in in (*said_by, *((dosage.text, usual) for dosage in dosages)):
            if text and text != name:
                groups |= groups_in(text)
                texts[text] = None
        texts.pop("", None)
        return tuple(texts), frozenset(groups)

    def _in_texts(self, texts: Sequence[str]) -> frozenset[str]:
        return frozenset[str]().union(*(self._conditions.in_text(text) for text in texts))


def _earliest(moment: Moment) -> Any:
    return moment.earliest


def _latest(moment: Moment) -> Any:
    return moment.latest


def _period_of_dose(instruction: datatypes.Dosage) -> datatypes.Period | None:
    timing = instruction.timing
    return timing.repeat.bounds_period if timing is not None and timing.repeat is not None else None


def _period(extension: datatypes.Extension) -> datatypes.Period | None:
    if isinstance(extension.value_period, msgspec.UnsetType):
        return None
    try:
        return msgspec.json.decode(extension.value_period, type=datatypes.Period)
    except structs.UNREADABLE:
        return None


def _supply(dispense: structs.DispenseRequest) -> timedelta | None:
    """How long the supply lasts with all its repeats; None when not stated in days, or only as a bound."""
    duration = dispense.expected_supply_duration or datatypes.Quantity()
    if duration.value is None or duration.comparator or (duration.code or duration.unit) not in ("d", "day", "days"):
        return None
    repeats = dispense.number_of_repeats_allowed or Decimal(0)
    if not (is_number(duration.value) and is_number(repeats)):
        return None
    days = float(duration.value) * (1 + float(repeats))
    return timedelta(days=days) if 0 < days < 3660 else None
