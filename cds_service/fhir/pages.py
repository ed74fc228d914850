"""The pages of one key's answer put together, and what may be concluded from them.

Whole is an answer whose last page announces no next one, that holds as many matches as every page's total says, that
lost no entry and whose copies of one resource agree. Whatever else came is told as a part.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cds_service.facts.moments import parse_moment
from cds_service.facts.records import CoverageState
from cds_service.fhir.call import KeyAnswer
from cds_service.fhir.failures import Failure, OutboundError
from cds_service.fhir.prefetch import page_size, read_answer, read_head
from cds_service.fhir.read.versions import is_later
from cds_service.knowledge.model import KeyPlanEntry

MOST_PAGES = 40
MOST_RESOURCES = 2000
_CLOCK = partial(parse_moment, zone=ZoneInfo("UTC"))
_NUMBER = re.compile(r"[0-9]{1,64}")  # FHIR has no longer ids


class _Link(msgspec.Struct, frozen=True):
    relation: str | None = None
    url: str | None = None


class _Bundle(msgspec.Struct, frozen=True):
    resourceType: str | None = None
    link: list[_Link | None] | None = None
    total: Any = None

    @property
    def next(self) -> str | None:
        return next((link.url or "" for link in self.link or () if link and link.relation == "next"), None)


class _Meta(msgspec.Struct, frozen=True):
    versionId: str | None = None
    lastUpdated: str | None = None


class _Version(msgspec.Struct, frozen=True):
    resourceType: str = ""
    id: str = ""
    meta: _Meta | None = None


_BUNDLE = msgspec.json.Decoder(_Bundle)
_VERSION = msgspec.json.Decoder(_Version)


def next_link(value: msgspec.Raw) -> str | None:
    """The next link of a Bundle that a client delivered; None without one."""
    try:
        return _BUNDLE.decode(value).next or None
    except (msgspec.DecodeError, RecursionError):
        return None


class Page(msgspec.Struct, frozen=True):
    """One page as it came.

    next: the link to the next page, "" when it was announced without a link, None on the last. total: of all pages'
    matches, -1 when not told.
    """

    answer: KeyAnswer
    next: str | None
    total: int


def read_page(body: bytes | msgspec.Raw, entry: KeyPlanEntry) -> Page:
    """Judge one answer of a server as a prefetched one is. Raises OutboundError when it holds no answer."""
    bundle = _decode(body)
    answer = read_answer(msgspec.Raw(body), entry)
    if answer.state == "failed":
        told = bundle.resourceType in ("OperationOutcome", "Bundle")
        raise OutboundError(Failure.OUTCOME if told else Failure.WRONG_RESOURCE)
    counted = isinstance(bundle.total, int) and not isinstance(bundle.total, bool)
    return Page(answer, bundle.next, bundle.total if counted else -1)


class Pages:
    """Collects what comes for one key. `read_id`: the id of the one resource that was asked for, in a read."""

    def __init__(self, entry: KeyPlanEntry, read_id: str | None = None) -> None:
        self._page_size = page_size(entry.query)
        self._read_id = read_id
        self._matches: dict[tuple[str, str], msgspec.Raw] = {}
        self._included: list[msgspec.Raw] = []
        self._count = 0
        self._total = -1
        self._lost = False
        self._may_end = True

    def add(self, page: Page) -> str | None:
        """Take one page in; the link to the next one, as the page has it.

        Raises OutboundError when it holds another resource than the one that was to be read, or when there is enough.
        """
        found = page.answer.resources
        if self._read_id is not None:
            heads = [read_head(raw) for raw in found]
            if len(heads) != 1 or heads[0] is None or heads[0].id != self._read_id:
                raise OutboundError(Failure.WRONG_RESOURCE)
        self._count += 1
        self._lost |= page.answer.lost
        self._total = max(self._total, page.total)
        for raw in found:
            self._take(raw)
        self._included += page.answer.included
        if self._count == 1:
            # No link, no total, and exactly as many as were asked for: such a server may have cut silently.
            self._may_end = page.next is not None or page.total >= 0 or len(found) < self._page_size
        if page.next is not None and (self._count >= MOST_PAGES or len(self._matches) >= MOST_RESOURCES):
            raise OutboundError(Failure.TOO_MANY)
        return page.next

    def answer(self, stopped: Failure | None = None) -> KeyAnswer:
        """All that came. stopped: why nothing more did, although more was to be expected."""
        if not self._count:
            return KeyAnswer("failed", reason=stopped or "", fetched=True)
        return KeyAnswer(
            self._state(stopped),
            tuple(self._matches.values()),
            tuple(self._included),
            reason=stopped or "",
            fetched=True,
            lost=self._lost,
        )

    def _state(self, stopped: Failure | None) -> CoverageState:
        if stopped is not None or len(self._matches) < self._total or not self._may_end:
            return "truncated"
        return "unordered" if self._lost else "complete"

    def _take(self, raw: msgspec.Raw) -> None:
        """Keep one copy of each resource: the newest; copies that differ without telling which is newer lose one."""
        head = _version(raw)
        name = (head.resourceType, head.id) if head.id else ("", str(len(self._matches)))
        known = self._matches.get(name)
        if known is None:
            self._matches[name] = raw
        elif memoryview(known) != memoryview(raw):
            later = _is_later(head, _version(known))
            if later is None:
                self._lost = True
            elif later:
                self._matches[name] = raw


def _decode(body: bytes | msgspec.Raw) -> _Bundle:
    try:
        str(memoryview(body), "utf-8")  # the decoder passes over what it does not need
        return _BUNDLE.decode(body)
    except RecursionError:
        raise OutboundError(Failure.TOO_DEEP) from None
    except msgspec.ValidationError:
        raise OutboundError(Failure.WRONG_RESOURCE) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise OutboundError(Failure.NOT_JSON) from None


def _version(raw: msgspec.Raw) -> _Version:
    try:
        return _VERSION.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return _Version()


def _is_later(one: _Version, other: _Version) -> bool | None:
    """Whether one version is newer than the other; None when neither their times nor their numbers tell."""
    first, second = one.meta or _Meta(), other.meta or _Meta()
    later = is_later(first.lastUpdated, second.lastUpdated, _CLOCK)
    numbers = [meta.versionId or "" for meta in (first, second)]
    if later is None and all(map(_NUMBER.fullmatch, numbers)) and numbers[0] != numbers[1]:
        return int(numbers[0]) > int(numbers[1])
    return later
