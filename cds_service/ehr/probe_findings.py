"""What a probe of a FHIR server finds: of the server, of each key, and whether a page is as it was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from cds_service.ehr.file_records import date_of
from cds_service.ehr.records import objects
from cds_service.fhir.read.references import bare_id
from cds_service.knowledge.model import KeyPlanEntry


class Server(msgspec.Struct, frozen=True):
    """What a server says of itself. resources: type -> the search parameters it declares."""

    version: str
    release: str
    software: str
    resources: Mapping[str, frozenset[str]]


class KeyReport(msgspec.Struct):
    """How one key fared. None: could not be seen with what these patients have.

    refused     why, when the server refused the query for every patient
    found       matches; understood: those that became a fact; set_aside: those that could not be read
    reasons     why matches did not become a fact: the data-quality rule, or that a drug was not identified
    sorted, filtered, counted, paged, posted   whether the server did what was asked
    """

    entry: KeyPlanEntry
    asked: int = 0
    refusals: int = 0
    refused: str = ""
    found: int = 0
    understood: int = 0
    set_aside: int = 0
    sorted: bool | None = None
    filtered: bool | None = None
    counted: bool | None = None
    paged: bool | None = None
    posted: bool | None = None
    undeclared: tuple[str, ...] = ()
    reasons: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def verdict(self) -> str:
        """In a word: refused, nothing found, works, or what to mind."""
        if not self.asked:
            return "not asked"
        if self.refusals == self.asked:
            return "refused"
        if not self.found:
            return "nothing found"
        return (
            "works"
            if self.sorted is not False and self.filtered is not False and self.counted is not False
            else "works, but"
        )


class Probe(msgspec.Struct):
    """Everything seen. systems: (type, code system) -> codings; units: unit -> results; answers: for the work list."""

    server: Server
    patients: int
    keys: list[KeyReport]
    systems: Counter[tuple[str, str]]
    units: Counter[str]
    answers: list[Any]


def is_filtered(found: Iterable[Mapping[str, Any]], asked: Mapping[str, str], patient_id: str) -> bool:
    """Whether a page holds only what its query asked for: this patient, these codes, these statuses."""
    wanted = {token.rpartition("|")[2] for token in asked.get("code", "").split(",")} - {""}
    statuses = set(asked.get("status", "").split(",")) - {""}
    for resource in found:
        subject = resource.get("subject") or resource.get("patient") or {}
        reference = subject.get("reference") if isinstance(subject, dict) else None
        if isinstance(reference, str) and bare_id(reference) != patient_id:
            return False
        if statuses and resource.get("status") not in statuses:
            return False
        if wanted and not wanted & set(_codes(resource)):
            return False
    return True


def is_sorted(found: Iterable[Mapping[str, Any]]) -> bool | None:
    """Whether the newest comes first; days are compared, because offsets differ."""
    days = [date_of(resource)[:10] for resource in found if date_of(resource)]
    return None if len(set(days)) < 2 else days == sorted(days, reverse=True)


def _codes(resource: Mapping[str, Any]) -> Iterator[str]:
    for place in (resource, *objects(resource.get("component"))):
        for concept in objects(place.get("code")):
            yield from (str(coding.get("code", "")) for coding in objects(concept.get("coding")))
