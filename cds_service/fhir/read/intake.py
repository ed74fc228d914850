"""Resources sorted by what they are, decoded, and refused one by one when they must not be used."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from cds_service.facts.moments import parse_moment
from cds_service.facts.snapshot import Quarantined
from cds_service.fhir import structs
from cds_service.fhir.call import Call
from cds_service.fhir.datatypes import Reference
from cds_service.fhir.read.modifiers import unknown_modifier
from cds_service.fhir.read.observations import Page
from cds_service.fhir.read.references import heading_of, kind_of, refers_to
from cds_service.fhir.read.shapes import DSTU2_NAMES, decode_as_r4, is_other_shape
from cds_service.fhir.read.versions import is_later, last_updated

Kind = TypeVar("Kind", bound=structs.Resource)
Keyed = tuple[str, msgspec.Raw | structs.Resource]

SUBJECT = "dq-subject"
UNREADABLE = "unreadable"
DSTU2 = "dstu2"
DRAFTS = "draftOrders"
_MODIFIED_INSIDE = (*structs.MEDICINES, structs.Medication, structs.Patient)


class Intake:
    """All resources of one call by type; `quarantine` fills as they are read."""

    def __init__(self, call: Call, zone: ZoneInfo) -> None:
        self.patient_id = call.patient_id
        self.zone = zone
        self.quarantine: list[Quarantined] = []
        self.incomplete: set[str] = set()
        self.observations: dict[str, Page] = {}
        self.medications: list[msgspec.Raw] = []
        self.specimens: list[msgspec.Raw] = []
        self._raw_observations: dict[str, list[msgspec.Raw]] = {}
        self._by_kind: dict[str, list[Keyed]] = {}
        self._owner = f"Patient/{call.patient_id}"
        for key, answer in call.answers.items():
            if answer.observations:
                self.observations[key] = answer.observations
            for record in answer.records:
                self._by_kind.setdefault(record.resource_type, []).append((key, record))
            for raw in answer.resources:
                self._sort_in(key, raw)
            if answer.included:
                self.medications.extend(answer.included)
                self.specimens += [raw for raw in answer.included if kind_of(raw) == "Specimen"]
        self.medications.extend(call.drafts)
        self.observations |= self._raw_observations

    def _sort_in(self, key: str, raw: msgspec.Raw) -> None:
        kind = kind_of(raw)
        if kind == "Observation":
            self._raw_observations.setdefault(key, []).append(raw)
        elif kind in ("Medication", "Substance"):
            self.medications.append(raw)
        elif kind == "Specimen":
            self.specimens.append(raw)
        elif kind in DSTU2_NAMES:
            self.refuse(key, f"{kind}/{heading_of(raw).id}", DSTU2)
        elif kind:
            self._by_kind.setdefault(kind, []).append((key, raw))
        else:
            self.refuse(key, "", UNREADABLE)

    def read(self, kind: type[Kind], *names: str, vouched: str | None = None) -> list[Kind]:
        """Every usable resource of these types that belongs to the patient, each once: the latest version of it.

        `vouched`: the id that the call itself names; that one need not name its subject.
        """
        sent: list[Keyed] = []
        for name in names:
            sent += self._by_kind.get(name, ())
        if not sent:
            return []
        found: list[Kind] = []
        seen: dict[str, int] = {}
        accept, places = self.accept, 0
        for key, raw in sent:
            resource = accept(key, raw, kind, vouched)
            if resource is None:
                continue
            place = seen.setdefault(resource.id, places) if resource.id else places
            if place == places:
                found.append(resource)
                places += 1
            elif is_later(last_updated(resource), last_updated(found[place]), partial(parse_moment, zone=self.zone)):
                found[place] = resource
        return found

    def accept(
        self, key: str, raw: msgspec.Raw | structs.Resource, kind: type[Kind], vouched: str | None = None
    ) -> Kind | None:
        """Decode one resource unless it is, and check that it may be used; None after it was put in quarantine."""
        resource = raw if type(raw) is kind else self._decoded(key, raw, kind)
        if resource is None:
            return None
        subject: Reference | None = getattr(resource, "subject", None)
        if (subject is None or subject.reference != self._owner) and not self._is_ours(resource, subject, vouched):
            self.refuse(key, f"{resource.resource_type}/{resource.id}", SUBJECT)
            if subject is None or not subject.reference:
                self.incomplete.add(key)  # it may be the patient's
            return None
        # A quick no for the resources that can hold no modifier extension we would have to look for.
        if resource.implicit_rules or resource.modifier_extension or kind in _MODIFIED_INSIDE:
            reason = unknown_modifier(resource)
            if reason is not None:
                self.refuse(key, f"{resource.resource_type}/{resource.id}", reason)
                return None
        return resource

    def _decoded(self, key: str, raw: Any, kind: type[Kind]) -> Kind | None:
        resource = structs.decode(raw, kind)
        if resource is None or is_other_shape(resource):
            resource = decode_as_r4(raw, kind) or resource
        if resource is None:
            heading = heading_of(raw)
            self.refuse(key, f"{heading.resource_type}/{heading.id}", UNREADABLE)
        return resource

    def refuse(self, key: str, ref: str, reason: str) -> None:
        """Put a resource in quarantine; what was the patient's own leaves its key's answer incomplete."""
        self.quarantine.append(Quarantined(key, ref, reason))
        if reason != SUBJECT:
            self.incomplete.add(key)

    def _is_ours(self, resource: structs.Resource, subject: Reference | None, vouched: str | None) -> bool:
        """Whether a resource with another subject than the plain reference to our patient is about that patient."""
        if type(resource) is structs.Patient:
            return resource.id == self.patient_id
        if subject is None:
            return vouched is not None and resource.id == vouched
        return refers_to(subject, "Patient", self.patient_id)
