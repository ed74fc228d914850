"""The patient and the stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from cds_service.facts.moments import LONG_AGO, Moment, parse_moment
from cds_service.facts.records import Person, Stay
from cds_service.fhir import structs
from cds_service.fhir.call import Call
from cds_service.fhir.datatypes import CodeableConcept
from cds_service.fhir.read.references import bare_id

_IN_HOSPITAL = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC", "SS", "EMER"})
_UNDER_WAY = frozenset({"in-progress", "onleave"})
_PAEDIATRIC = ("paediatr", "pediatr", "kinder", "neonat")
_LEFT = "completed"
_NEVER_TOOK_PLACE = frozenset({"cancelled", "entered-in-error"})


def read_person(patient: structs.Patient | None, patient_id: str, zone: ZoneInfo) -> Person:
    """The person of the call; without a Patient resource only the id is known."""
    if patient is None:
        return Person(patient_id, None, None, False)
    sex = patient.gender if patient.gender in ("male", "female") else None
    deceased = patient.deceased_boolean is True or bool(patient.deceased_date_time)
    return Person(patient_id, parse_moment(patient.birth_date, zone), sex, deceased)


def current_encounter(encounters: Sequence[structs.Encounter], call: Call, zone: ZoneInfo) -> structs.Encounter | None:
    """The Encounter of the call, else the patient's own that is under way, else the latest."""
    encounters = [encounter for encounter in encounters if encounter.status.strip() not in _NEVER_TOOK_PLACE]
    for encounter in encounters:
        if call.encounter_id is not None and encounter.id == bare_id(call.encounter_id):
            return encounter
    if len(encounters) < 2:
        return encounters[0] if encounters else None
    return max(encounters, key=lambda one: (one.status.strip() in _UNDER_WAY, _started(one, zone)))


def read_stay(encounter: structs.Encounter | None, call: Call, zone: ZoneInfo) -> Stay | None:
    """The stay: inpatient by class and status; at discharge whatever the status."""
    if encounter is None:
        return None
    status = encounter.status.strip()
    code = encounter.class_.code if encounter.class_ is not None else ""
    here = status in _UNDER_WAY or (call.hook == "encounter-discharge" and _is_of_call(encounter, call))
    words, codes = _place(encounter)
    place = "; ".join(dict.fromkeys(words))
    seen = f"{place} {' '.join(codes)}".lower()
    return Stay(
        ref=f"Encounter/{encounter.id}",
        inpatient=here and code.upper() in _IN_HOSPITAL,
        status=status,
        place=place,
        paediatric=any(word in seen for word in _PAEDIATRIC),
        started=_start(encounter, zone),
        codes=frozenset(codes),
        encounter_class=code.upper(),
    )


def _is_of_call(encounter: structs.Encounter, call: Call) -> bool:
    return call.encounter_id is None or encounter.id == bare_id(call.encounter_id)


def _start(encounter: structs.Encounter, zone: ZoneInfo) -> Moment | None:
    return parse_moment(encounter.period.start, zone) if encounter.period is not None else None


def _started(encounter: structs.Encounter, zone: ZoneInfo) -> datetime:
    start = _start(encounter, zone)
    return LONG_AGO if start is None else start.earliest


def _place(encounter: structs.Encounter) -> tuple[list[str], list[str]]:
    """Names and codes of service and present wards; a Location is named by its bare id and as `Location/<id>`."""
    words: list[str] = []
    codes: list[str] = []
    service = encounter.service_type or CodeableConcept()
    for text in (service.text, *(coding.display for coding in service.coding)):
        if text:
            words.append(text)
    codes += [coding.code for coding in service.coding if coding.code]
    for ward in encounter.location:
        if ward.location is None or ward.status == _LEFT or ward.modifier_extension:
            continue
        if ward.location.display:
            words.append(ward.location.display)
        if ward.location.reference:
            place = bare_id(ward.location.reference)
            codes += [place, f"Location/{place}"]
    return words, codes
