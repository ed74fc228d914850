"""Turns a case (the shorthand of cases.yaml) into the call that an EHR would make: FHIR R4 resources as JSON bytes.

Codes come from the vocabulary: the first code of a concept, the ATC code of a drug, the first SNOMED CT code of a
condition group. What the vocabulary does not know is sent as text only, as charts do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from cds_service.errors import IonwiseError
from cds_service.fhir.call import Call, KeyAnswer
from cds_service.knowledge.case_file import CaseEntry, PersonEntry
from cds_service.knowledge.model import Knowledge
from cds_service.service.situation_drugs import DrugWriter
from cds_service.service.situation_facts import FactWriter
from cds_service.service.situation_time import AS_OF, at, years_before

PATIENT_ID = "case-patient"
ENCOUNTER_ID = "case-encounter"
IN_HOSPITAL = ("encounter-start", "encounter-discharge")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class SituationError(IonwiseError):
    """A case cannot be turned into a call; the message names the case member and what to do."""


def build_call(case: CaseEntry, knowledge: Knowledge, as_of: datetime = AS_OF) -> Call:
    """The call of one case: every key of its hook complete, except those under `without`.

    Raises SituationError for something that the hook's prefetch cannot deliver, or that is not in the vocabulary.
    """
    found: dict[str, list[dict[str, Any]]] = {"patient": [_patient(case.patient, as_of)]}
    encounter = _encounter(case, as_of)
    if encounter is not None:
        found["encounter"] = [encounter]
    facts = FactWriter(knowledge.vocabulary, PATIENT_ID, ENCOUNTER_ID, as_of)
    drugs = DrugWriter(knowledge.vocabulary, PATIENT_ID, as_of)
    try:
        _fill(found, case, facts, drugs)
        drafts = [drugs.draft(entry, index) for index, entry in enumerate(case.drafts)]
    except ValueError as error:
        raise SituationError(f"case {case.name!r}: {error}") from error
    judged = None
    if case.hook == "order-select":
        judged = frozenset(_ref(draft) for draft, entry in zip(drafts, case.drafts, strict=True) if entry.select)
    return Call(
        hook=case.hook,
        patient_id=PATIENT_ID,
        as_of=as_of,
        answers=_answers(case, found, knowledge),
        encounter_id=None if encounter is None else ENCOUNTER_ID,
        user_id="Practitioner/case",
        drafts=tuple(map(_raw, drafts)),
        judged=judged,
    )


def _fill(found: dict[str, list[dict[str, Any]]], case: CaseEntry, facts: FactWriter, drugs: DrugWriter) -> None:
    for index, lab in enumerate(case.labs):
        key, resource = facts.observation(lab, index)
        found.setdefault(key, []).append(resource)
    for index, drug in enumerate(case.drugs):
        key, resource = drugs.taken(drug, index)
        found.setdefault(key, []).append(resource)
    conditions = [facts.condition(problem, index) for index, problem in enumerate(case.conditions)]
    if case.patient.pregnant:
        conditions.append(facts.pregnancy())
    if conditions:
        found["conditions"] = conditions
    if case.procedures:
        found["procedures"] = [facts.procedure(problem, index) for index, problem in enumerate(case.procedures)]
    if case.ordered:
        found["orders"] = [facts.lab_order(text, index) for index, text in enumerate(case.ordered)]


def _answers(case: CaseEntry, found: dict[str, list[dict[str, Any]]], knowledge: Knowledge) -> dict[str, KeyAnswer]:
    asked = [entry.key for entry in knowledge.key_plan if case.hook in entry.hooks]
    for key in (*found, *case.without, *case.truncated):
        if key not in asked:
            known = ", ".join(asked)
            raise SituationError(f"case {case.name!r}: {case.hook} asks no prefetch key {key}; it asks {known}")
    answers = {key: KeyAnswer("complete", _raws(found.get(key, ()))) for key in asked}
    answers |= {key: KeyAnswer("truncated", _raws(found.get(key, ()))) for key in case.truncated}
    return answers | {key: KeyAnswer("not asked") for key in case.without}


def _patient(person: PersonEntry, as_of: datetime) -> dict[str, Any]:
    resource: dict[str, Any] = {"resourceType": "Patient", "id": PATIENT_ID}
    if person.birth is not None:
        resource["birthDate"] = person.birth
    elif isinstance(person.age, int):
        resource["birthDate"] = years_before(as_of, person.age).isoformat()
    elif person.age is not None:
        resource["birthDate"] = at(as_of, "-" + person.age.replace(" ", "")).date().isoformat()
    if person.sex is not None:
        resource["gender"] = person.sex
    if person.deceased:
        resource["deceasedBoolean"] = True
    return resource


def _encounter(case: CaseEntry, as_of: datetime) -> dict[str, Any] | None:
    place = case.encounter or ("inpatient" if case.hook in IN_HOSPITAL else "absent")
    if place == "absent":
        return None
    code = "AMB" if place == "outpatient" else "IMP"
    resource: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": ENCOUNTER_ID,
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code},
        "subject": {"reference": f"Patient/{PATIENT_ID}"},
    }
    if case.admitted is not None:
        resource["period"] = {"start": at(as_of, case.admitted).isoformat()}
    if place not in ("inpatient", "outpatient"):
        resource["serviceType"] = {"text": place}
        resource["location"] = [{"location": {"display": place, "reference": f"Location/{'-'.join(place.split())}"}}]
    return resource


def _ref(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _raw(resource: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode(resource))


def _raws(resources: Iterable[dict[str, Any]]) -> tuple[msgspec.Raw, ...]:
    return tuple(map(_raw, resources))
