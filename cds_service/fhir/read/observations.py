"""Observations as facts: one series of results per concept, what may not be used and why, what was dropped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import UNSET, Raw, UnsetType

from cds_service.facts.moments import AsOf, Moment, parse_moment
from cds_service.facts.records import Band, Result, Unusable
from cds_service.facts.snapshot import Quarantined
from cds_service.facts.vocabulary import AgePolicy, Vocabulary
from cds_service.fhir.datatypes import Reference
from cds_service.fhir.read import quality
from cds_service.fhir.read.quantities import UNIT_SUSPECT
from cds_service.fhir.read.series import (
    Entry,
    conflicting,
    effective_time,
    newest_first,
    of_one_code,
    page_order,
    unusable_time,
)
from cds_service.fhir.read.specimens import NO_SPECIMEN, SpecimenShelf
from cds_service.fhir.read.verdicts import HAEMOLYSED, NO_FLAGS, Component, Meaning, Outcome, judge_by
from cds_service.fhir.structs import Measured, Observation, decode

__all__ = ["ObservationFacts", "page_order", "read_observations"]

FUTURE = timedelta(minutes=10)
PRELIMINARY = frozenset({"preliminary"})
PAGE_INCOMPLETE = frozenset({"page-incomplete"})
DRIP_ARM = frozenset({"drip-arm"})
PROVISIONAL = PRELIMINARY | PAGE_INCOMPLETE


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
    raws_by_key: Mapping[str, Sequence[Raw]],
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
    for key, observation in reader.newest_versions(raws_by_key):
        reader.take(key, observation)
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
        self._inpatient = inpatient
        self._page_incomplete = page_incomplete
        self._admit_unknown = admit_unknown_status
        self._shelf = SpecimenShelf(specimens)
        self._times: dict[str, Moment] = {}
        self._subjects: dict[bytes, bool] = {}
        self._since: dict[str, tuple[datetime, datetime, datetime]] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._ranks: dict[str, dict[str, int]] = {}
        self._unusable: dict[str, list[Unusable]] = {}
        self._draws: list[quality.Draw] = []
        self._quarantine: list[Quarantined] = []
        self._unreadable: set[str] = set()

    def newest_versions(self, raws_by_key: Mapping[str, Sequence[Raw]]) -> Iterable[tuple[str, Observation]]:
        """Every readable Observation once: of several with one id the last updated, else from a complete page."""
        found: dict[str, tuple[str, Observation]] = {}
        nameless: list[tuple[str, Observation]] = []
        for key in sorted(raws_by_key, key=lambda name: name in self._page_incomplete):
            for raw in raws_by_key[key]:
                observation = decode(raw, Observation)
                if observation is None or observation.resource_type not in ("Observation", ""):
                    self._drop(key, "", "unreadable", unreadable=True)
                elif not observation.id:
                    nameless.append((key, observation))
                elif observation.id not in found or self._supersedes(observation, found[observation.id][1]):
                    found[observation.id] = (key, observation)
        return [*found.values(), *nameless]

    def _supersedes(self, other: Observation, known: Observation) -> bool:
        newer, older = self._time(_updated(other)), self._time(_updated(known))
        if newer is not None and older is not None and newer.latest != older.latest:
            return newer.latest > older.latest
        status = other.status.strip()
        return status in quality.WITHDRAWN or (status in quality.CORRECTED and known.status.strip() == "final")

    def take(self, key: str, observation: Observation) -> None:
        """Read one Observation: its own value, and each component that a concept knows."""
        ref = f"Observation/{observation.id}" if observation.id else ""
        if not self._is_about_patient(observation.subject):
            self._drop(key, ref, "dq-subject", unreadable=_without_reference(observation.subject))
            return
        meaning = self._judge.meaning(observation.code)
        parts: Sequence[tuple[Measured, Meaning]] = ((observation, meaning),) if meaning.known else ()
        if observation.component is not UNSET:
            own = () if _has_no_value(observation) else parts
            parts = [*self._components(key, ref, observation.component), *own]
        if not parts:
            if meaning.foreign:
                self._drop(key, ref, "dq-code", unreadable=True)
            return
        standing = "final"
        if observation.status != "final":
            standing = quality.judge_status(observation.status, admit_unknown=self._admit_unknown)
            if standing == "withdrawn":
                return
        self._measure(key, ref, observation, parts, standing)

    def _measure(
        self, key: str, ref: str, observation: Observation, parts: Sequence[tuple[Measured, Meaning]], standing: str
    ) -> None:
        at = effective_time(observation, self._time)
        modified = quality.judge_modifiers(observation.modifier_extension) if observation.modifier_extension else False
        problem = self._problem(at, standing, understood=modified is not None and not observation.implicit_rules)
        if problem in ("dq-future", "dq-modifier"):
            self._drop(key, ref, problem)
        container = NO_SPECIMEN if observation.specimen is UNSET else self._shelf.container(observation)
        haemolysed = bool(modified) or container.haemolysed
        flags = PRELIMINARY if standing == "preliminary" else NO_FLAGS
        if observation.note is not UNSET:
            said, drip_arm = quality.read_notes(observation.note)
            haemolysed = haemolysed or said
            if drip_arm:
                flags |= DRIP_ARM
        if key in self._page_incomplete:
            flags |= PAGE_INCOMPLETE
        issued = self._time(observation.issued)
        for found, meaning in parts:
            verdict = self._judge.verdict(found, meaning, self._as_of.zone)
            if verdict.draw_haemolysed and at is not None and not problem:
                self._draws.append(quality.Draw(container.ref, at))
            for outcome in verdict.outcomes:
                reading, concept = outcome.reading, outcome.concept
                why = problem or outcome.problem or ("dq-specimen" if container.elsewhere and outcome.in_blood else "")
                if why or reading is None or at is None:
                    value = reading.value if reading is not None and why == UNIT_SUSPECT else None
                    unusable = Unusable(concept.id, why, at, outcome.shown or _words(outcome), ref, value)
                    self._unusable.setdefault(concept.id, []).append(unusable)
                    continue
                marks = flags | outcome.flags if flags else outcome.flags
                if haemolysed and concept.haemolysis_raises:
                    marks |= HAEMOLYSED
                result = Result(
                    concept.id, reading.value, reading.comparator, reading.reported, reading.unit, reading.converted,
                    at, self._band(at, concept.id, concept.age), marks, outcome.interval, ref, container.ref, issued,
                )  # fmt: skip
                if meaning.rank is not None:
                    self._ranks.setdefault(concept.id, {})[ref] = meaning.rank
                updated = None if observation.meta is None else observation.meta.last_updated
                self._entries.setdefault(concept.id, []).append((result, updated))

    def _problem(self, at: Moment | None, standing: str, *, understood: bool) -> str:
        """Why nothing of an Observation may be used, whatever its values are."""
        if not understood:
            return "dq-modifier"
        if standing == "unusable":
            return "dq-status"
        if at is None:
            return "dq-latest"
        return "dq-future" if at.earliest > self._latest_possible else ""

    def _band(self, at: Moment, concept: str, policy: AgePolicy) -> Band:
        if at.day_only:
            return self._band_of_day(at, policy)
        since = self._since.get(concept)
        if since is None:
            now, stale = self._as_of.at, policy.stale or policy.recent
            since = self._since[concept] = now - self._fresh(policy), now - policy.recent, now - stale
        if at.earliest >= since[0]:
            return "fresh"
        if at.earliest >= since[1]:
            return "recent"
        return "stale" if at.earliest >= since[2] else "ignored"

    def _band_of_day(self, at: Moment, policy: AgePolicy) -> Band:
        if self._as_of.within(at, self._fresh(policy)):
            return "fresh"
        if self._as_of.within(at, policy.recent):
            return "recent"
        return "stale" if policy.stale is not None and self._as_of.within(at, policy.stale) else "ignored"

    def _fresh(self, policy: AgePolicy) -> timedelta:
        return policy.fresh_inpatient if self._inpatient and policy.fresh_inpatient is not None else policy.fresh

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
        weighed = ((c, conflicting(of_one_code(series, ranks.get(c)))) for c, series in results.items())
        return ObservationFacts(
            results=results,
            unusable={c: tuple(sorted(found, key=unusable_time, reverse=True)) for c, found in self._unusable.items()},
            conflicts={c: rivals for c, rivals in weighed if rivals},
            provisional=frozenset(c for c, series in results.items() if any(r.flags & PROVISIONAL for r in series)),
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
            known = self._subjects[text] = quality.is_about(subject, self._patient_id)
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


def _updated(observation: Observation) -> str | None:
    return None if observation.meta is None else observation.meta.last_updated


def _without_reference(subject: Raw | UnsetType) -> bool:
    reference = None if subject is UNSET else decode(subject, Reference)
    return reference is None or not reference.reference


def _has_no_value(observation: Observation) -> bool:
    return observation.value_quantity is UNSET and observation.value_codeable_concept is None


def _words(outcome: Outcome) -> str:
    reading = outcome.reading
    return "" if reading is None else f"{reading.comparator}{reading.reported} {reading.unit}".strip()
