"""Observations as facts: one series of results per concept, what may not be used and why, what was dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
from msgspec import UNSET, Raw, UnsetType

from cds_service.facts.moments import AsOf, Moment, parse_moment
from cds_service.facts.records import PROVISIONAL, Result, Unusable
from cds_service.facts.snapshot import Quarantined
from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir.datatypes import Reference
from cds_service.fhir.read import quality
from cds_service.fhir.read.bands import Bands
from cds_service.fhir.read.quantities import UNIT_SUSPECT
from cds_service.fhir.read.references import refers_to
from cds_service.fhir.read.series import (
    Entry,
    conflicting,
    effective_time,
    newest_first,
    of_one_code,
    page_order,
    printed,
    unusable_time,
)
from cds_service.fhir.read.specimens import NO_SPECIMEN, SpecimenShelf
from cds_service.fhir.read.verdicts import HAEMOLYSED, NO_FLAGS, Component, Meaning, Outcome, judge_by
from cds_service.fhir.read.versions import newest_versions
from cds_service.fhir.structs import Measured, Observation, decode

__all__ = ["ObservationFacts", "Page", "page_order", "read_observations"]

Page = tuple[Observation, ...] | list[Raw]  # decoded with their Bundle, or each by itself
FUTURE = timedelta(minutes=10)
PRELIMINARY = frozenset({"preliminary"})
PAGE_INCOMPLETE = frozenset({"page-incomplete"})
DRIP_ARM = frozenset({"drip-arm"})


class ObservationFacts(msgspec.Struct, frozen=True):
    """What the Observations of a call say.

    results     concept -> usable results, newest first
    unusable    concept -> measurements that must not be used, newest first
    conflicts   concept -> the earlier results at most 2 h before the latest that differ from it (see `conflicting`)
    provisional concepts with a preliminary result or one from a page that may hide newer ones
    quarantine  resources that were dropped; `unreadable` are the keys where one may have been of this patient
    """

    results: Mapping[str, tuple[Result, ...]]
    unusable: Mapping[str, tuple[Unusable, ...]]
    conflicts: Mapping[str, tuple[Result, ...]]
    provisional: frozenset[str]
    quarantine: tuple[Quarantined, ...]
    unreadable: frozenset[str]


def read_observations(
    pages: Mapping[str, Page],
    vocabulary: Vocabulary,
    as_of: AsOf,
    patient_id: str,
    inpatient: bool,
    page_incomplete: frozenset[str] = frozenset(),
    admit_unknown_status: bool = False,
    specimens: Sequence[Raw] = (),
) -> ObservationFacts:
    """Read the Observations of every prefetch key. Never raises: what cannot be read is quarantined alone.

    page_incomplete: keys whose page may hide newer results. specimens: delivered Specimen resources, if any.
    """
    reader = _Reader(vocabulary, as_of, patient_id, inpatient, page_incomplete, admit_unknown_status, specimens)
    reader.read(pages)
    return reader.facts()


class _Reader:
    """One call's pass over its Observations. Equal bytes are judged once."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        as_of: AsOf,
        patient_id: str,
        inpatient: bool,
        page_incomplete: frozenset[str],
        admit_unknown_status: bool,
        specimens: Sequence[Raw],
    ) -> None:
        self._judge = judge_by(vocabulary)
        self._as_of = as_of
        self._latest_possible = as_of.at + FUTURE
        self._patient_id = patient_id
        self._bands = Bands(as_of, inpatient)
        self._page_incomplete = page_incomplete
        self._admit_unknown = admit_unknown_status
        self._shelf = SpecimenShelf(specimens)
        self._times: dict[str, Moment] = {}
        self._subjects: dict[bytes, bool] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._ranks: dict[str, dict[tuple[str, str, str], int]] = {}
        self._unusable: dict[str, list[Unusable]] = {}
        self._provisional: set[str] = set()
        self._draws: list[quality.Draw] = []
        self._quarantine: list[Quarantined] = []
        self._unreadable: set[str] = set()

    def read(self, pages: Mapping[str, Page]) -> None:
        """Read the pages of all keys. Of equal versions that of a complete page counts."""
        names = sorted(pages, key=self._page_incomplete.__contains__) if self._page_incomplete else pages
        for key, page in newest_versions([(key, self._decoded(key, pages[key])) for key in names], self._time):
            self._take(key, page)

    def _decoded(self, key: str, page: Page) -> Sequence[Observation]:
        if isinstance(page, tuple):
            return page
        found = []
        for raw in page:
            observation = decode(raw, Observation)
            if observation is None or observation.resource_type not in ("Observation", ""):
                self._drop(key, "", "unreadable", unreadable=True)
            else:
                found.append(observation)
        return found

    def _take(self, key: str, page: Sequence[Observation]) -> None:
        """Read Observations: the own value of each, and each component that a concept knows."""
        meanings = self._judge.meanings
        ours: Raw | UnsetType = UNSET
        for observation in page:
            subject, code = observation.subject, observation.code
            if subject is UNSET or subject != ours:
                if not self._is_about_patient(subject):
                    self._drop(key, _ref(observation), "dq-subject", unreadable=_without_reference(subject))
                    continue
                ours = subject
            meaning = None if code is UNSET else meanings.get(bytes(code))
            if meaning is None:
                meaning = self._judge.meaning(code)
            if observation.component is not UNSET:
                self._take_panel(key, observation, meaning)
            elif meaning.known:
                self._measure(key, observation, ((observation, meaning),))
            elif meaning.foreign:
                self._drop(key, _ref(observation), "dq-code", unreadable=True)

    def _take_panel(self, key: str, observation: Observation, meaning: Meaning) -> None:
        parts = self._components(key, _ref(observation), observation.component)
        if meaning.known and not _has_no_value(observation):
            parts.append((observation, meaning))
        if parts:
            self._measure(key, observation, parts)
        elif meaning.foreign:
            self._drop(key, _ref(observation), "dq-code", unreadable=True)

    def _measure(self, key: str, observation: Observation, parts: Sequence[tuple[Measured, Meaning]]) -> None:
        standing = "final"
        if observation.status != "final":
            standing = quality.judge_status(observation.status, admit_unknown=self._admit_unknown)
            if standing == "withdrawn":
                return
        taken = observation.effective_date_time
        at = (self._times.get(taken) or self._time(taken)) if taken else None
        if at is None:
            at = effective_time(observation, self._time)
        extensions = observation.modifier_extension
        modified = quality.judge_modifiers(extensions) if extensions else False
        ref = _ref(observation)
        problem = ""
        if modified is None or observation.implicit_rules:
            problem = "dq-modifier"
        elif at is None or standing == "unusable" or at.earliest > self._latest_possible:
            problem = _problem(at, standing)
        if problem in ("dq-future", "dq-modifier"):
            self._drop(key, ref, problem)
        container = NO_SPECIMEN if observation.specimen is UNSET else self._shelf.container(observation)
        haemolysed = bool(modified) or container.haemolysed
        flags = PRELIMINARY if standing == "preliminary" else NO_FLAGS
        note = observation.note if observation.comment is UNSET else observation.comment
        if note is not UNSET:
            said, drip_arm = quality.read_notes(note)
            haemolysed = haemolysed or said
            if drip_arm:
                flags |= DRIP_ARM
        if key in self._page_incomplete:
            flags |= PAGE_INCOMPLETE
        for found, meaning in parts:
            verdict = self._judge.verdict(found, meaning, self._as_of.zone)
            if verdict.draw_haemolysed and at is not None and not problem:
                self._draws.append(quality.Draw(container.ref, at))
            for outcome in verdict.outcomes:
                reading, concept = outcome.reading, outcome.concept
                why = problem or outcome.problem or ("dq-specimen" if container.elsewhere and outcome.in_blood else "")
                if why or reading is None or at is None:
                    self._unusable.setdefault(concept.id, []).append(_unusable(outcome, why, at, ref))
                    continue
                marks = outcome.flags
                if flags:
                    marks |= flags
                    if not flags.isdisjoint(PROVISIONAL):
                        self._provisional.add(concept.id)
                if haemolysed and concept.haemolysis_raises:
                    marks |= HAEMOLYSED
                result = Result(
                    concept.id, reading.value, reading.comparator, reading.reported, reading.unit, reading.converted,
                    at, self._bands.of(at, concept), marks, outcome.interval, ref, container.ref, reading.exact,
                )  # fmt: skip
                if meaning.rank is not None:
                    self._ranks.setdefault(concept.id, {})[printed(result)] = meaning.rank
                self._entries.setdefault(concept.id, []).append((result, observation))

    def _components(self, key: str, ref: str, raw: Raw | UnsetType) -> list[tuple[Measured, Meaning]]:
        components = None if raw is UNSET else decode(raw, list[Component])
        if components is None:
            self._drop(key, ref, "unreadable", unreadable=True)
            return []
        known = [(component, self._judge.meaning(component.code)) for component in components]
        return [(component, meaning) for component, meaning in known if meaning.known]

    def facts(self) -> ObservationFacts:
        """Everything taken, in order."""
        zone, ranks = self._as_of.zone, self._ranks
        results = {c: newest_first(entries, zone, ranks.get(c)) for c, entries in self._entries.items()}
        if self._draws:
            results = {c: tuple(self._marked(result) for result in series) for c, series in results.items()}
        weighed = [(c, conflicting(of_one_code(s, ranks.get(c)))) for c, s in results.items() if len(s) > 1]
        return ObservationFacts(
            results=results,
            unusable={c: tuple(sorted(found, key=unusable_time, reverse=True)) for c, found in self._unusable.items()},
            conflicts={c: rivals for c, rivals in weighed if rivals},
            provisional=frozenset(self._provisional),
            quarantine=tuple(self._quarantine),
            unreadable=frozenset(self._unreadable),
        )

    def _marked(self, result: Result) -> Result:
        """The result, flagged when a haemolysis index of the same draw is positive."""
        if "haemolysed" in result.flags or not self._judge.vocabulary.concepts[result.concept].haemolysis_raises:
            return result
        if not any(quality.is_same_draw(draw, result.specimen, result.at) for draw in self._draws):
            return result
        return msgspec.structs.replace(result, flags=result.flags | HAEMOLYSED)

    def _is_about_patient(self, subject: Raw | UnsetType) -> bool:
        text = b"" if subject is UNSET else bytes(subject)
        known = self._subjects.get(text)
        if known is None:
            reference = None if subject is UNSET else decode(subject, Reference)
            known = self._subjects[text] = refers_to(reference, "Patient", self._patient_id)
        return known

    def _drop(self, key: str, ref: str, reason: str, *, unreadable: bool = False) -> None:
        self._quarantine.append(Quarantined(key, ref, reason))
        if unreadable:
            self._unreadable.add(key)

    def _time(self, text: str | None) -> Moment | None:
        if text is None:
            return None
        known = self._times.get(text)
        if known is None:
            known = parse_moment(text, self._as_of.zone)
            if known is not None:
                self._times[text] = known
        return known


def _ref(observation: Observation) -> str:
    return f"Observation/{observation.id}" if observation.id else ""


def _problem(at: Moment | None, standing: str) -> str:
    """Why nothing of an Observation may be used, whatever its values are, when something is wrong with it."""
    if standing == "unusable":
        return "dq-status"
    return "dq-latest" if at is None else "dq-future"


def _without_reference(subject: Raw | UnsetType) -> bool:
    reference = None if subject is UNSET else decode(subject, Reference)
    return reference is None or not reference.reference


def _has_no_value(observation: Observation) -> bool:
    return observation.value_quantity is UNSET and observation.value_codeable_concept is None


def _unusable(outcome: Outcome, why: str, at: Moment | None, ref: str) -> Unusable:
    reading = outcome.reading
    words = "" if reading is None else f"{reading.comparator}{reading.reported} {reading.unit}".strip()
    value = reading.value if reading is not None and why == UNIT_SUSPECT else None
    return Unusable(outcome.concept.id, why, at, outcome.shown or words, ref, value)
