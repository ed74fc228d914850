"""What is handed to the store: one Entry per decision, one Report per feedback item, one Question per call
about earlier cards. No patient id, only pseudonyms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from cds_service.facts.outcomes import Severity

Disposition = Literal["shown", "silent", "absorbed", "suppressed", "capped"]
Kind = Literal["cannot-tell", "satisfied", "not-applicable", "gated"]
FeedbackOutcome = Literal["accepted", "overridden"]
PrefetchState = Literal["data", "null", "empty", "error", "missing", "truncated"]


class Pseudonym(msgspec.Struct, frozen=True, gc=False):
    """A keyed pseudonym (64 hexadecimal digits) and the id of its key."""

    key_id: str
    value: str


class Issue(msgspec.Struct, frozen=True, gc=False):
    """One rule that fired, and what became of it.

    card         uuid of the card; for an absorbed rule that of the card that absorbed it; None when no card was sent
    severity     that of the verdict, after all caps
    subject      what within the rule the card is about, such as a pair of drugs (`levothyroxine+magnesium`); "" none
    reason       why it was suppressed; "" otherwise
    suggestions  uuids of the card's suggestions
    """

    rule: str
    version: int
    tier: str
    severity: Severity
    variant: str
    disposition: Disposition
    card: str | None = None
    subject: str = ""
    reason: str = ""
    suggestions: tuple[str, ...] = ()


class Tally(msgspec.Struct, frozen=True, gc=False):
    """One verdict that did not fire, to be counted only; `item` is what was missing. What fires is counted anyway."""

    rule: str
    version: int
    kind: Kind
    item: str = ""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """Everything to be kept of one decision.

    as_of     the decision's own time, aware
    instance  the call's own id
    captured  its request was kept, by an operator's order
    """

    as_of: datetime
    tenant: str
    client: str
    hook: str
    knowledge: str
    overlay: str
    patient: Pseudonym
    clinician: Pseudonym | None = None
    issued: tuple[Issue, ...] = ()
    tallies: tuple[Tally, ...] = ()
    prefetch: Mapping[str, PrefetchState] = {}
    instance: str = ""
    captured: bool = False


class Counts(msgspec.Struct, frozen=True):
    """What a batch of entries adds to the counts.

    daily     day, tenant, client, hook, rule, version, kind or disposition, item or reason, n
    prefetch  day, tenant, client, key, state, n
    """

    daily: Sequence[tuple[Any, ...]]
    prefetch: Sequence[tuple[Any, ...]]


class Report(msgspec.Struct, frozen=True):
    """One feedback item. `reported_at` is the client's clock: it tells repeats from new reports, nothing else."""

    card: str
    outcome: FeedbackOutcome
    reported_at: datetime
    suggestions: tuple[str, ...] = ()
    reason: str | None = None
    reason_system: str | None = None
    comment: str | None = None


class Question(msgspec.Struct, frozen=True, gc=False):
    """What is to be remembered of a patient, since a moment.

    patients    the patient's pseudonyms under all keys
    rules       the rules whose overridden cards are wanted, whoever overrode them
    once_rules  the rules whose cards are wanted when they were shown to the user
    users       the user's pseudonyms under all keys; empty when the hook names no user
    """

    tenant: str
    patients: tuple[Pseudonym, ...]
    since: datetime
    rules: tuple[str, ...]
    once_rules: tuple[str, ...] = ()
    users: tuple[Pseudonym, ...] = ()


Watch = Callable[[Sequence[Entry], Counts], None]
"""Told of every batch that was written."""


def clip(text: str, limit: int) -> str:
    """Text that every database can hold: no NUL, no half characters, at most `limit` characters."""
    if len(text) <= limit and text.isascii() and "\x00" not in text:
        return text
    return text[:limit].replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")
