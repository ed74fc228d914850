"""What a rule may answer, and how severe a card may be.

Never a bare boolean: `NotApplicable`, `Satisfied`, `CannotTell` or `Fires`. Missing data is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum

import msgspec

from cds_service.facts.moments import Moment
from cds_service.facts.records import Exposure, LabOrder, Problem, Result, Unusable

Fact = Result | Exposure | Problem | LabOrder


class Severity(IntEnum):
    """CDS Hooks indicators in order; `str()` gives the wire value."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2

    def __str__(self) -> str:
        return self.name.lower()


class Phrase(msgspec.Struct, frozen=True):
    """A piece of text named in the rule's `phrases` or in cards/_shared/phrases.yaml, with values of its own."""

    id: str
    values: Mapping[str, Value] = {}


class Listing(msgspec.Struct, frozen=True):
    """Several values printed one after another: as a comma list in a sentence, as lines when `lines` is set."""

    items: tuple[Value, ...]
    lines: bool = False


Value = Fact | Unusable | Phrase | Listing | Moment | Decimal | int | None


class NotApplicable(msgspec.Struct, frozen=True):
    """The rule is not about this patient or this call."""

    reason: str


class Satisfied(msgspec.Struct, frozen=True):
    """The rule looked, and all is well."""

    because: tuple[Fact, ...] = ()


class CannotTell(msgspec.Struct, frozen=True):
    """Something needed is not known; `missing` names it in the vocabulary of concepts, groups and prefetch keys."""

    missing: tuple[str, ...]
    because: tuple[Fact, ...] = ()


class Fires(msgspec.Struct, frozen=True):
    """The rule has something to say.

    variant   which of the rule's card texts
    severity  overrides the variant's own indicator (bands that differ only in severity)
    because   the facts that decide the severity: a result among them that is only `recent` caps the card at warning
    also      further facts that the card shows
    values    what the texts may print, by name
    notes     ids of the rule's `notes` (or shared phrases) to add as lines
    unknown   what was not known and could have changed the advice (shared phrase ids)
    measured  concepts that need no new test: the variant's suggestions of them are left out
    due       how long from now the suggested tests are to be done; None = now
    sources   ids of those of the rule's sources that the card rests on; empty = all of them
    """

    variant: str
    severity: Severity | None = None
    because: tuple[Fact, ...] = ()
    also: tuple[Fact, ...] = ()
    values: Mapping[str, Value] = {}
    notes: tuple[str | Phrase, ...] = ()
    unknown: tuple[str, ...] = ()
    measured: frozenset[str] = frozenset()
    due: timedelta | None = None
    sources: frozenset[str] = frozenset()


Outcome = NotApplicable | Satisfied | CannotTell | Fires
