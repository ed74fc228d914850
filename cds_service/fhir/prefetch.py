"""What an EHR put under a prefetch key, and what that means.

    key absent                                         not asked (withheld, or failed silently)
    null, or a Bundle without matches                  asked, and there is nothing
    Bundle with only a warning or information outcome  asked, and there is nothing (Epic)
    OperationOutcome, or a Bundle with an error one    failed
    Bundle with a next link, or a full page, or fewer
    matches than its total                             truncated
    a Bundle with an entry that holds no resource, or
    one that it says not to read as usual              unordered: data, and something was lost
    a resource, or a Bundle with matches               data
    a Bundle under implicit rules, anything else       failed

A read key (no `?` in its query) may be answered with a Bundle and a search key with a bare resource: both are seen.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec

from cds_service.errors import RequestError
from cds_service.facts.records import CoverageState
from cds_service.fhir.call import KeyAnswer
from cds_service.fhir.read.references import kind_of
from cds_service.fhir.read.shapes import is_other_shape, r4_name
from cds_service.fhir.structs import UNREADABLE, Condition, MedicationRequest, MedicationStatement, Observation
from cds_service.knowledge.model import KeyPlanEntry

NOT_ASKED = KeyAnswer("not asked")
FAILED = KeyAnswer("failed")
EMPTY = KeyAnswer("complete")

Kind = TypeVar("Kind")

_ERRORS = frozenset({"error", "fatal"})
_NOT_MATCHES = frozenset({"include", "outcome"})


class Head(msgspec.Struct, frozen=True):
    """The two members by which any resource is told apart; other members are not looked at."""

    resourceType: str | None = None
    id: str | None = None


class _Issue(msgspec.Struct, frozen=True):
    severity: str | None = None


class _Outcome(msgspec.Struct, frozen=True):
    issue: list[_Issue] | None = None


class _Search(msgspec.Struct, frozen=True):
    mode: str | None = None


class _Entry(msgspec.Struct, frozen=True):
    resource: msgspec.Raw = msgspec.Raw(b"null")
    search: _Search | None = None
    modifierExtension: Any = None


class _Link(msgspec.Struct, frozen=True):
    relation: str | None = None


class _Value(msgspec.Struct, frozen=True):
    """A Bundle, or any other resource."""

    resourceType: str | None = None
    entry: list[_Entry | None] | None = None
    link: list[_Link] | None = None
    total: Any = None
    implicitRules: Any = None


class _PlainEntry(msgspec.Struct, Generic[Kind], gc=False):
    resource: Kind
    search: _Search | None = None
    modifierExtension: Any = None


class _PlainPage(msgspec.Struct, Generic[Kind], gc=False):
    """A Bundle that holds resources of one type only: decoded in one pass with them, because pages are long."""

    resourceType: str = ""
    entry: tuple[_PlainEntry[Kind], ...] = ()
    link: tuple[_Link, ...] = ()
    total: Any = None
    implicitRules: Any = None


_HEAD = msgspec.json.Decoder(Head)
_VALUE = msgspec.json.Decoder(_Value)
_OUTCOME = msgspec.json.Decoder(_Outcome)
_OBSERVATIONS = msgspec.json.Decoder(_PlainPage[Observation])
_RECORDS: Mapping[str, msgspec.json.Decoder[Any]] = {
    kind.__name__: msgspec.json.Decoder(_PlainPage[kind])  # type: ignore[valid-type]  # one decoder per type
    for kind in (MedicationRequest, MedicationStatement, Condition)
}


def read_prefetch(
    raw: Mapping[str, msgspec.Raw] | None, plan: Iterable[KeyPlanEntry], absent_sources: frozenset[str] = frozenset()
) -> dict[str, KeyAnswer]:
    """One answer per key of `plan`; keys that are not in it are ignored. Never raises.

    absent_sources: keys that this EHR is known not to have; unanswered, they count as completely answered and empty.
    """
    sent = raw or {}
    answers = {}
    for entry in plan:
        value = sent.get(entry.key)
        answer = NOT_ASKED if value is None else _read_plain(value, entry) or read_answer(value, entry)
        if absent_sources and entry.key in absent_sources and answer.state in ("not asked", "failed"):
            answer = EMPTY
        answers[entry.key] = answer
    return answers


def read_answer(value: msgspec.Raw, entry: KeyPlanEntry) -> KeyAnswer:
    """Judge one value by the table above. Never raises: what cannot be read has failed."""
    if is_null(value):
        return EMPTY
    try:
        decoded = _VALUE.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return FAILED
    if decoded.resourceType == "OperationOutcome":
        return FAILED if _tells_failure(value) else EMPTY
    if decoded.resourceType == "Bundle":
        return _read_bundle(decoded, entry)
    return KeyAnswer("complete", (value,)) if r4_name(decoded.resourceType or "") == entry.resource else FAILED


def require_answers(answers: Mapping[str, KeyAnswer], plan: Iterable[KeyPlanEntry], hook: str) -> None:
    """Raise RequestError 412 naming every key that this hook cannot do without and that holds no usable answer.

    An empty list is an answer; a read (`Patient/...`) that came back empty is not.
    """
    lacking = []
    for entry in plan:
        if entry.hooks.get(hook) != "R":
            continue
        answer = answers.get(entry.key, NOT_ASKED)
        if answer.reason and answer.state in ("not asked", "failed"):
            lacking.append(f"{entry.key} (not sent, and not fetched: {answer.reason})")
        elif answer.state == "not asked":
            lacking.append(f"{entry.key} (not sent)")
        elif answer.state == "failed" or (_is_read(entry) and not _holds_something(answer)):
            lacking.append(f"{entry.key} (failed)")
    if lacking:
        raise RequestError(
            412,
            "incomplete",
            f"required prefetch is not available: {', '.join(lacking)}; send it as discovery describes",
        )


def is_null(value: msgspec.Raw) -> bool:
    """Whether the JSON value is null."""
    return len(memoryview(value)) == 4 and bytes(value) == b"null"


def read_head(resource: msgspec.Raw) -> Head | None:
    """Type and id of a resource; None when it is no JSON object or they are no strings."""
    try:
        return _HEAD.decode(resource)
    except (msgspec.DecodeError, RecursionError):
        return None


def read_entries(bundle: msgspec.Raw) -> tuple[msgspec.Raw, ...] | None:
    """The resources of a Bundle of any type; None when it is no Bundle."""
    try:
        decoded = _VALUE.decode(bundle)
    except (msgspec.DecodeError, RecursionError):
        return None
    if decoded.resourceType not in (None, "Bundle"):
        return None
    return tuple(entry.resource for entry in decoded.entry or () if entry is not None and not is_null(entry.resource))


def _read_plain(value: msgspec.Raw, entry: KeyPlanEntry) -> KeyAnswer | None:
    """A page of matches that are all plain R4 of the type that was asked for, decoded; None for anything else."""
    kind = entry.resource
    page: _PlainPage[Any]
    try:
        if kind == "Observation":
            page = _OBSERVATIONS.decode(value)
        elif kind in _RECORDS:
            page = _RECORDS[kind].decode(value)
        else:
            return None
    except UNREADABLE:
        return None
    if page.resourceType != "Bundle" or page.implicitRules:
        return None
    found: list[Any] = []
    for item in page.entry:
        resource = item.resource
        if resource.resource_type != kind or (item.search is not None and item.search.mode != "match"):
            return None
        if item.modifierExtension:
            return None
        found.append(resource)
    state: CoverageState = "truncated" if _has_more(page.link, page.total, len(found), entry.query) else "complete"
    if kind == "Observation":
        return KeyAnswer(state, observations=tuple(found))
    return None if any(map(is_other_shape, found)) else KeyAnswer(state, records=tuple(found))


def _read_bundle(bundle: _Value, entry: KeyPlanEntry) -> KeyAnswer:
    if bundle.implicitRules:
        return FAILED
    matches: list[msgspec.Raw] = []
    included: list[msgspec.Raw] = []
    lost = False
    for item in bundle.entry or ():
        if item is None or is_null(item.resource) or item.modifierExtension:
            lost = True
            continue
        kind = kind_of(item.resource)
        if kind == "OperationOutcome":
            if _tells_failure(item.resource):
                return FAILED
            continue
        place = included if _is_include(item, kind, entry) else matches
        place.append(item.resource)
    cut = _has_more(bundle.link or (), bundle.total, len(matches), entry.query)
    state: CoverageState = "truncated" if cut else "unordered" if lost else "complete"
    return KeyAnswer(state, tuple(matches), tuple(included), lost=lost)


def _has_more(links: Iterable[_Link], total: Any, delivered: int, query: str) -> bool:
    """Clients drop next links: a page as long as was asked for is whole only when its total says so."""
    for link in links:
        if link.relation == "next":
            return True
    if isinstance(total, int) and not isinstance(total, bool):
        return total > delivered
    return delivered >= page_size(query)


@lru_cache(maxsize=256)
def page_size(query: str) -> float:
    """How many matches a query asks for at most; infinite when it does not say."""
    size = re.search(r"[?&]_count=(\d+)", query)
    return int(size[1]) if size else math.inf


def _is_include(item: _Entry, kind: str, entry: KeyPlanEntry) -> bool:
    """By search mode; without one, another type than the key asks for only helps to resolve references."""
    mode = item.search.mode if item.search else None
    if mode is not None and mode.strip().lower() in _NOT_MATCHES:
        return True
    return r4_name(kind) not in ("", entry.resource)


def _tells_failure(outcome: msgspec.Raw) -> bool:
    """An outcome that holds an error, or no issue that can be read, tells of a failure."""
    try:
        issues = _OUTCOME.decode(outcome).issue
    except (msgspec.DecodeError, RecursionError):
        return True
    return not issues or any(issue.severity is None or issue.severity in _ERRORS for issue in issues)


def _holds_something(answer: KeyAnswer) -> bool:
    return bool(answer.resources or answer.observations or answer.records)


def _is_read(entry: KeyPlanEntry) -> bool:
    return "?" not in entry.query
