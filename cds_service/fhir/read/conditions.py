"""Problems and procedures: which groups of the value sets they belong to, whether they are active, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from msgspec import UNSET

from cds_service.facts.moments import AsOf, Moment, parse_moment
from cds_service.facts.records import Problem
from cds_service.facts.vocabulary import Vocabulary, words_of
from cds_service.fhir import structs
from cds_service.fhir.datatypes import CodeableConcept, Coding, Period, Reference
from cds_service.fhir.read.denials import Denials, is_doubted, is_past
from cds_service.fhir.read.lexicon import Terms, per_vocabulary, remember_concepts, remember_texts
from cds_service.fhir.read.references import bare_id

_OVER = frozenset({"inactive", "remission", "resolved"})
_DENIED = frozenset({"refuted", "entered-in-error"})
_UNSURE = frozenset({"unconfirmed", "provisional", "differential"})
_DONE = frozenset({"completed", "in-progress"})


class ConditionNames:
    """What codes and texts of conditions and procedures mean, indexed for look-up."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._codes = vocabulary.condition_codes
        self._systems = vocabulary.systems
        self._prefixes = {system: dict(pairs) for system, pairs in vocabulary.condition_prefixes.items()}
        self._lengths = {system: sorted({len(p) for p in known}) for system, known in self._prefixes.items()}
        self._terms = Terms(vocabulary.condition_terms)
        self.groups = remember_concepts(self._groups)
        self.in_text = remember_texts(self.in_note)

    def _groups(self, codings: tuple[Coding, ...], text: str) -> tuple[frozenset[str], bool]:
        """The groups of a coded concept, and whether only its text told them."""
        found: set[str] = set()
        for coding in codings:
            system = self._systems.get(coding.system, coding.system)
            found |= self._codes.get((system, coding.code), frozenset())
            known = self._prefixes.get(system)
            if known is not None:
                code = coding.code.replace(".", "").upper()
                for length in self._lengths[system]:
                    found |= known.get(code[:length], frozenset()) if length <= len(code) else frozenset()
        if found:
            return frozenset(found), False
        for name in (text, *(coding.display for coding in codings)):
            if name and (groups := self.in_note(name)):
                return groups, True
        return frozenset(), False

    def in_note(self, text: str) -> frozenset[str]:
        """The groups whose terms stand in a text as whole words and are not denied beside it. Not remembered: what
        somebody wrote of one patient, perhaps with a name in it, is gone with the call."""
        words = words_of(text)
        terms = self._terms.found_in(words)
        if not terms:
            return frozenset()
        denials = Denials(text, words)
        return frozenset(g for start, end, groups in terms if not denials.cover(start, end) for g in groups)


condition_names = per_vocabulary(ConditionNames)


def read_conditions(
    conditions: Iterable[structs.Condition], names: ConditionNames, as_of: AsOf
) -> tuple[dict[str, list[Problem]], dict[str, frozenset[str]]]:
    """Problems by group (denied and erroneous ones left out), and the groups of each Condition id."""
    problems: dict[str, list[Problem]] = {}
    groups_of: dict[str, frozenset[str]] = {}
    for condition in conditions:
        code = condition.code
        verification = _status(condition.verification_status)
        if code is None or verification in _DENIED:
            continue
        groups, by_text = names.groups(tuple(code.coding), code.text)
        if not groups:
            continue
        groups_of[condition.id] = groups
        onset = condition.onset_date_time or (
            condition.onset_period.start if condition.onset_period is not None else None
        )
        ended = _abatement(condition, as_of.zone)
        active = _status(condition.clinical_status) not in _OVER and not _has_abated(condition, ended, as_of)
        name = _shown_name(code)
        confirmed = verification not in _UNSURE and not (by_text and is_doubted(name))
        ref, encounter = f"Condition/{condition.id}", encounter_ref(condition.encounter or condition.context)
        recorded = condition.recorded_date or condition.asserted_date
        if is_past(name):
            recorded = encounter = None
        at = parse_moment(onset or recorded, as_of.zone)
        for group in groups:
            problem = Problem(group, name, at, active, confirmed, by_text, ref, encounter, ended)
            problems.setdefault(group, []).append(problem)
    return problems, groups_of


def read_procedures(
    procedures: Iterable[structs.Procedure], names: ConditionNames, zone: ZoneInfo
) -> dict[str, list[Problem]]:
    """Procedures done or under way, by group. Dated by their start; `ended` is the end of their period, `ongoing` says
    that it has none."""
    found: dict[str, list[Problem]] = {}
    for procedure in procedures:
        code = procedure.code
        if code is None or procedure.status.strip() not in _DONE or procedure.not_done or procedure.not_performed:
            continue
        groups, by_text = names.groups(tuple(code.coding), code.text)
        if not groups:
            continue
        period = procedure.performed_period or Period()
        ended = parse_moment(period.end, zone)
        under_way = procedure.status.strip() == "in-progress"
        ongoing = ended is None and (under_way or procedure.performed_period is not None)
        at = parse_moment(procedure.performed_date_time or period.start, zone)
        ref, encounter = f"Procedure/{procedure.id}", encounter_ref(procedure.encounter or procedure.context)
        for group in groups:
            problem = Problem(group, _shown_name(code), at, True, True, by_text, ref, encounter, ended, ongoing)
            found.setdefault(group, []).append(problem)
    return found


def read_encounter_reasons(encounter: structs.Encounter, names: ConditionNames, zone: ZoneInfo) -> list[Problem]:
    """The reasons of the current encounter as active problems, dated by its start."""
    ref = f"Encounter/{encounter.id}"
    at = parse_moment(encounter.period.start, zone) if encounter.period is not None else None
    found = []
    for reason in encounter.reason_code:
        groups, by_text = names.groups(tuple(reason.coding), reason.text)
        found += [Problem(group, _shown_name(reason), at, True, True, by_text, ref, ref) for group in groups]
    return found


def name_of(concept: CodeableConcept) -> str:
    """What a concept is called where it was recorded: its text, else a display, else a code."""
    if concept.text:
        return concept.text
    for coding in concept.coding:
        if coding.display:
            return coding.display
    return concept.coding[0].code if concept.coding else ""


def _shown_name(concept: CodeableConcept) -> str:
    """Its text or a display; empty for a bare code, which a card replaces by the group's own label."""
    return concept.text or next((coding.display for coding in concept.coding if coding.display), "")


def encounter_ref(reference: Reference | None) -> str | None:
    """A reference to an Encounter as `Encounter/<id>`."""
    return f"Encounter/{bare_id(reference.reference)}" if reference is not None and reference.reference else None


def _status(concept: CodeableConcept | str | None) -> str:
    if concept is None or isinstance(concept, str):
        return (concept or "").strip()
    return next((coding.code.strip() for coding in concept.coding if coding.code), concept.text.strip().lower())


def _abatement(condition: structs.Condition, zone: ZoneInfo) -> Moment | None:
    period = condition.abatement_period
    return parse_moment(condition.abatement_date_time or (period.end if period is not None else None), zone)


def _has_abated(condition: structs.Condition, ended: Moment | None, as_of: AsOf) -> bool:
    if ended is not None:
        return ended.earliest <= as_of.at
    vague = (condition.abatement_string, condition.abatement_age, condition.abatement_range)
    return condition.abatement_boolean is True or any(value is not UNSET for value in vague)
