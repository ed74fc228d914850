"""Everything known about one patient at one instant: built once per call, immutable, shared by all rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec

from cds_service.facts.moments import AsOf, completed_years
from cds_service.facts.once import once
from cds_service.facts.records import (
    PROVISIONAL,
    Coverage,
    Exposure,
    LabOrder,
    Person,
    Problem,
    Result,
    Stay,
    UnmappedDrug,
    Unusable,
)

_status = attrgetter("status")


class Quarantined(msgspec.Struct, frozen=True):
    """A resource that could not be read or must not be used: where it was, and why (no patient data in `reason`)."""

    key: str
    ref: str
    reason: str


class Snapshot(msgspec.Struct, frozen=True, dict=True):
    """The chart as facts.

    results      concept -> usable results, newest first, provisional ones (preliminary, or from a page that may hide
                 newer results) included and flagged
    conflicts    concept -> the earlier results, at most 2 h before the latest, that differ from it: the lowest, and the
                 highest when there are more (dq-conflict)
    exposures    drug group or ingredient -> active, past and draft exposures
    coverage     prefetch key -> how completely it was answered
    concept_keys concept -> prefetch key; drugs, conditions, procedures and orders have keys of their own
    present      tokens for rule triggers: `result:<concept>`, `drug:<group>`, `draft:<group>`, `condition:<group>`,
                 `procedure:<group>`
    provisional  concepts with at least one provisional result
    salts        element -> ingredients that supply it -> its share in percent w/w, lowest and highest (None: not known)
    """

    as_of: AsOf
    hook: str
    person: Person
    stay: Stay | None
    results: Mapping[str, tuple[Result, ...]]
    unusable: Mapping[str, tuple[Unusable, ...]]
    conflicts: Mapping[str, tuple[Result, ...]]
    exposures: Mapping[str, tuple[Exposure, ...]]
    drug_list: tuple[Exposure, ...]
    unmapped: tuple[UnmappedDrug, ...]
    problems: Mapping[str, tuple[Problem, ...]]
    procedures: Mapping[str, tuple[Problem, ...]]
    orders: Mapping[str, tuple[LabOrder, ...]]
    coverage: Mapping[str, Coverage]
    concept_keys: Mapping[str, str]
    present: frozenset[str]
    provisional: frozenset[str] = frozenset()
    quarantine: tuple[Quarantined, ...] = ()
    settings: Mapping[str, frozenset[str]] = {}
    salts: Mapping[str, Mapping[str, tuple[Decimal, Decimal] | None]] = {}
    answers: dict[Callable[..., Any], Any] = {}

    @once
    def age(self) -> int | None:
        """Completed years, None when unknown. A partial birth date gives the youngest possible age."""
        birth = self.person.birth
        return None if birth is None else completed_years(birth, self.as_of.today, self.as_of.zone)

    @once
    def statuses(self) -> frozenset[str]:
        """The statuses that occur among the exposures."""
        return frozenset(map(_status, chain.from_iterable(self.exposures.values())))

    @once
    def settled(self) -> Mapping[str, tuple[Result, ...]]:
        """The results without those that may not be the last word."""
        if not self.provisional:
            return self.results
        settled = dict(self.results)
        for concept in self.provisional & settled.keys():
            settled[concept] = tuple([r for r in settled[concept] if r.flags.isdisjoint(PROVISIONAL)])
        return settled

    @once
    def newest(self) -> Mapping[str, Result]:
        """The latest settled result of each concept, unless it is too old to be of use."""
        results = self.settled if self.provisional else self.results
        return {concept: r[0] for concept, r in results.items() if r and r[0].age != "ignored"}

    def gap(self, key: str) -> str:
        """What is missing of a prefetch key, in words; empty when it was answered completely."""
        coverage = self.coverage.get(key)
        if coverage is None:
            return key
        state = coverage.state
        if state == "complete":
            return ""
        told = "" if state in ("failed", "not asked") else "only part of the answer was delivered"
        if coverage.reason:
            told = f"{told}, the rest not fetched ({coverage.reason})" if told else f"not fetched ({coverage.reason})"
        return f"{key}: {told}" if told else key
