"""From a hook call to the Snapshot: every resource is read by what it is, whatever key it came under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from cds_service.facts.moments import AsOf
from cds_service.facts.proof import problem_time
from cds_service.facts.records import Coverage, Problem, ReferenceRange
from cds_service.facts.snapshot import Snapshot
from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir import structs
from cds_service.fhir.call import Call
from cds_service.fhir.read.conditions import (
    ConditionNames,
    condition_names,
    read_conditions,
    read_encounter_reasons,
    read_procedures,
)
from cds_service.fhir.read.drafts import PRESCRIPTION, PROCEDURE_ORDERS, read_drafts
from cds_service.fhir.read.encounters import current_encounter, read_person, read_stay
from cds_service.fhir.read.exposures import ExposureFacts, gather_exposures
from cds_service.fhir.read.intake import Intake
from cds_service.fhir.read.medications import MedicationReader, Record
from cds_service.fhir.read.observations import ObservationFacts, Page, page_order, read_observations
from cds_service.fhir.read.orders import read_orders
from cds_service.fhir.read.references import MedicationShelf
from cds_service.fhir.read.salts import salts_of
from cds_service.fhir.read.site_ranges import is_known_adult, with_site_range, with_site_ranges

COMPLETE, NOT_ASKED = Coverage("complete"), Coverage("not asked")


def read_chart(
    call: Call,
    vocabulary: Vocabulary,
    concept_keys: Mapping[str, str],
    zone: ZoneInfo,
    settings: Mapping[str, frozenset[str]] | None = None,
    *,
    admit_unknown_status: bool = False,
) -> Snapshot:
    """Everything the call says about its patient. Never raises on what a chart holds: bad resources are quarantined.

    concept_keys          concept -> the prefetch key that delivers it; keys not delivered are "not asked"
    admit_unknown_status  the site's archive writes status `unknown` on finished results and on drugs in use
    """
    as_of = AsOf.of(call.as_of, zone)
    names = condition_names(vocabulary)
    intake = Intake(call, zone)
    patient = next(iter(intake.read(structs.Patient, "Patient")), None)
    encounters = intake.read(structs.Encounter, "Encounter", vouched=call.encounter_id)
    encounter = current_encounter(encounters, call, zone)
    stay = read_stay(encounter, call, zone)
    problems, groups_of = _read_problems(intake, encounter, names, as_of)
    procedures = read_procedures(intake.read(structs.Procedure, "Procedure"), names, zone)
    orders = read_orders(intake.read(structs.ServiceRequest, *PROCEDURE_ORDERS), vocabulary, zone)
    reader = MedicationReader(
        vocabulary, MedicationShelf(intake.medications), as_of, groups_of, admit_unknown_status=admit_unknown_status
    )
    drugs = gather_exposures(_medication_records(call, intake, reader, vocabulary))
    inpatient = stay is not None and stay.inpatient
    coverage = _coverage(call, intake, concept_keys)
    truncated = [key for key, answer in call.answers.items() if answer.state == "truncated"]
    cut = frozenset(key for key in truncated if coverage[key].state == "unordered")
    observed = read_observations(
        intake.observations, vocabulary, as_of, call.patient_id, inpatient, cut, admit_unknown_status, intake.specimens
    )  # fmt: skip
    coverage |= _less_the_lost(call, intake.incomplete | observed.unreadable, coverage)
    person = read_person(patient, call.patient_id, zone)
    if vocabulary.laboratory_ranges and is_known_adult(person, as_of):
        observed = _with_ranges(observed, vocabulary.laboratory_ranges)
    return Snapshot(
        as_of=as_of,
        hook=call.hook,
        person=person,
        stay=stay,
        results=observed.results,
        unusable=observed.unusable,
        conflicts=observed.conflicts,
        exposures=drugs.exposures,
        drug_list=drugs.drug_list,
        unmapped=drugs.unmapped,
        problems=_newest_first(problems),
        procedures=_newest_first(procedures),
        orders={concept: tuple(found) for concept, found in orders.items()},
        coverage=coverage,
        concept_keys=concept_keys,
        present=_present(observed, drugs, problems, procedures),
        provisional=observed.provisional,
        quarantine=(*intake.quarantine, *observed.quarantine),
        settings=settings or {},
        salts=salts_of(vocabulary),
    )


def _with_ranges(observed: ObservationFacts, ranges: Mapping[str, ReferenceRange]) -> ObservationFacts:
    conflicts = {
        concept: tuple(with_site_range(rival, ranges[concept]) for rival in rivals) if concept in ranges else rivals
        for concept, rivals in observed.conflicts.items()
    }
    return msgspec.structs.replace(observed, results=with_site_ranges(observed.results, ranges), conflicts=conflicts)


def _read_problems(
    intake: Intake, encounter: structs.Encounter | None, names: ConditionNames, as_of: AsOf
) -> tuple[dict[str, list[Problem]], dict[str, frozenset[str]]]:
    """Conditions and the reasons of the current encounter, by group; and the groups of each Condition id."""
    problems, groups_of = read_conditions(intake.read(structs.Condition, "Condition"), names, as_of)
    if encounter is not None and encounter.reason_code:
        for problem in read_encounter_reasons(encounter, names, as_of.zone):
            problems.setdefault(problem.group, []).append(problem)
    return problems, groups_of


def _medication_records(
    call: Call, intake: Intake, reader: MedicationReader, vocabulary: Vocabulary
) -> Iterable[Record]:
    """Drafts, orders and statements; an order with the id of a draft is the draft itself."""
    found: list[Record | None] = []
    drafted: set[str] = set()
    for draft, judged in read_drafts(call, intake, vocabulary) if call.drafts else ():
        if draft.resource_type == PRESCRIPTION:
            drafted.add(draft.id)
        found.append(reader.draft(draft, judged=judged))
    for request in intake.read(structs.MedicationRequest, PRESCRIPTION):
        if not request.id or request.id not in drafted:
            found.append(reader.request(request))
    found += [reader.statement(taken) for taken in intake.read(structs.MedicationStatement, "MedicationStatement")]
    return [record for record in found if record is not None]


def _coverage(call: Call, intake: Intake, concept_keys: Mapping[str, str]) -> dict[str, Coverage]:
    """How completely each key was answered, whatever of it could not be read."""
    coverage = dict.fromkeys(concept_keys.values(), NOT_ASKED)
    for key, answer in call.answers.items():
        if answer.state == "truncated":
            coverage[key] = _reach(intake.observations.get(key), answer.reason, intake.zone)
        else:
            coverage[key] = COMPLETE if answer.state == "complete" else Coverage(answer.state, reason=answer.reason)
    return coverage


def _less_the_lost(call: Call, unread: Set[str], coverage: Mapping[str, Coverage]) -> dict[str, Coverage]:
    """The keys of which something was lost: what it was is not known, so they prove no absence, however far back a
    page reaches."""
    lost = unread | {key for key, answer in call.answers.items() if answer.lost}
    found = {key: coverage[key] for key in lost if key in coverage}
    return {
        key: Coverage("unordered", reason=answered.reason)
        for key, answered in found.items()
        if answered.state in ("complete", "truncated")
    }


def _reach(page: Page | None, reason: str, zone: ZoneInfo) -> Coverage:
    """What a cut page of Observations proves."""
    newest_first, oldest = page_order(page, zone) if page else (False, None)
    return Coverage("truncated", oldest, reason) if newest_first else Coverage("unordered", reason=reason)


def _newest_first(found: Mapping[str, list[Problem]]) -> dict[str, tuple[Problem, ...]]:
    return {
        group: tuple(problems) if len(problems) == 1 else tuple(sorted(problems, key=problem_time, reverse=True))
        for group, problems in found.items()
    }


def _present(
    observed: ObservationFacts, drugs: ExposureFacts, problems: Iterable[str], procedures: Iterable[str]
) -> frozenset[str]:
    """Tokens for rule triggers. Unusable results and past drugs count: a rule must be asked to say what they mean."""
    tokens = {f"result:{concept}" for concept in observed.results}
    for kind, names in (("result", observed.unusable), ("condition", problems), ("procedure", procedures)):
        tokens |= {f"{kind}:{name}" for name in names}
    for exposure in drugs.drug_list:
        tokens |= _tokens("draft" if exposure.status == "draft" else "drug", exposure.groups, exposure.ingredients)
    return frozenset(tokens)


@lru_cache(maxsize=8192)
def _tokens(kind: str, groups: frozenset[str], ingredients: frozenset[str]) -> frozenset[str]:
    return frozenset(f"{kind}:{name}" for name in groups | ingredients)
