"""What was overridden or shown before is not said again (catalogue 1.5, `gate-override`). Pure: memory is an input.

Only a card that says nothing new is kept back: a stricter severity or a worse band always comes again, and so does
what the memory cannot place. Time counts from the decision that issued the card, never from a client's clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import msgspec

from cds_service.engine.run import Verdict
from cds_service.facts.moments import AsOf
from cds_service.facts.outcomes import Severity
from cds_service.facts.records import Exposure
from cds_service.knowledge.model import MemoryPolicy

LONGEST_SUBJECT = 200  # characters that the ledger keeps of a subject


class Earlier(msgspec.Struct, frozen=True):
    """An earlier card of a rule about this patient: its band (variant and severity), what it was about, and when its
    decision was taken. `reason`: the override code, when one was given."""

    rule: str
    variant: str
    severity: Severity
    at: datetime
    subject: str = ""
    reason: str | None = None


class Memory(msgspec.Struct, frozen=True):
    """What is known of earlier cards about a patient.

    issued      shown to this user, as cards or as lines of others; empty when the hook names no user
    overridden  overridden by anybody, lines of other cards included
    available   False: it could not be read in time; cards are shown, and the answer says so
    """

    issued: tuple[Earlier, ...] = ()
    overridden: tuple[Earlier, ...] = ()
    available: bool = True


NO_MEMORY = Memory()


class KeptBack(msgspec.Struct, frozen=True):
    """Why a verdict is not shown again, and until when."""

    reason: Literal["overridden", "shown before"]
    until: datetime


def comes_once(verdict: Verdict, hook: str, policy: MemoryPolicy) -> bool:
    """Whether the card of a firing verdict comes once per patient and user."""
    return _once_within(verdict, hook, policy) is not None


def _once_within(verdict: Verdict, hook: str, policy: MemoryPolicy) -> timedelta | None:
    """For how long the card is not shown again to the same user; None when it may come each time."""
    if verdict.severity is not Severity.INFO:
        return None
    own = policy.once_cards.get((verdict.rule_id, verdict.fires.variant))
    if own is not None:
        return own
    return policy.once_for if hook in policy.once_hooks and verdict.tier in policy.once_tiers else None


def keep_back(
    verdicts: Iterable[Verdict], as_of: AsOf, hook: str, policy: MemoryPolicy, memory: Memory
) -> dict[str, KeptBack]:
    """Rule id -> why, for those of the verdicts (all of which fire) that are not to be shown again."""
    if not memory.issued and not memory.overridden:
        return {}
    found = {}
    for verdict in verdicts:
        kept = _overridden(verdict, as_of, hook, policy, memory) or _shown_before(verdict, as_of, hook, policy, memory)
        if kept is not None:
            found[verdict.rule_id] = kept
    return found


def subject_of(verdict: Verdict) -> str:
    """The drugs that a firing verdict is about, as one word in a fixed order (`levothyroxine+magnesium`); "" none."""
    fires = verdict.fires
    drugs = {_drug(fact) for fact in (*fires.because, *fires.also) if type(fact) is Exposure}
    subject = "+".join(sorted(drugs))
    return subject if len(subject) <= LONGEST_SUBJECT else hashlib.sha256(subject.encode()).hexdigest()


def _drug(exposure: Exposure) -> str:
    return _joined(exposure.ingredients or exposure.atc or exposure.groups)


@lru_cache(maxsize=4096)
def _joined(names: frozenset[str]) -> str:
    return "/".join(sorted(names))


def _overridden(verdict: Verdict, as_of: AsOf, hook: str, policy: MemoryPolicy, memory: Memory) -> KeptBack | None:
    about_order = verdict.rule.tier(hook) in policy.same_subject
    latest: datetime | None = None
    for earlier in memory.overridden:
        if earlier.rule != verdict.rule_id or earlier.at > as_of.at or _is_worse(verdict, earlier, policy):
            continue
        if about_order and earlier.subject != subject_of(verdict):
            continue
        if about_order and hook in policy.ordering and _ordered_anew(verdict, earlier, as_of, policy):
            continue
        until = earlier.at + _span(verdict, earlier.reason, policy)
        if as_of.at < until and (latest is None or until > latest):
            latest = until
    return None if latest is None else KeptBack("overridden", latest)


def _span(verdict: Verdict, reason: str | None, policy: MemoryPolicy) -> timedelta:
    span = policy.overridden_for.get(verdict.tier, timedelta(0))
    if reason is not None and reason in policy.shorter_for:
        span = min(span, policy.shorter_for[reason])
    if verdict.severity is Severity.CRITICAL or verdict.rule_id in policy.urgent_rules:
        span = min(span, policy.urgent_for)
    return span


def _is_worse(verdict: Verdict, earlier: Earlier, policy: MemoryPolicy) -> bool:
    """Whether there is news: a stricter severity, or another band unless it is known to be a milder one."""
    if verdict.severity is None or verdict.severity > earlier.severity:
        return True
    if verdict.variant == earlier.variant:
        return False
    ladders = policy.bands.get(verdict.rule_id, ())
    return not any(
        earlier.variant in ladder and verdict.variant in ladder[ladder.index(earlier.variant) :] for ladder in ladders
    )


def _ordered_anew(verdict: Verdict, earlier: Earlier, as_of: AsOf, policy: MemoryPolicy) -> bool:
    """Whether the order at hand is another one than that of the override: drafts have no id that lasts, so by time."""
    drafts = [f for f in (*verdict.fires.because, *verdict.fires.also) if isinstance(f, Exposure) and f.judged]
    written = [min(draft.authored.latest, as_of.at) if draft.authored else as_of.at for draft in drafts]
    return any(moment - earlier.at > policy.same_order_for for moment in written)


def _shown_before(verdict: Verdict, as_of: AsOf, hook: str, policy: MemoryPolicy, memory: Memory) -> KeptBack | None:
    span = _once_within(verdict, hook, policy)
    if span is None:
        return None
    shown = [
        earlier.at
        for earlier in memory.issued
        if earlier.rule == verdict.rule_id and earlier.at <= as_of.at and not _is_worse(verdict, earlier, policy)
    ]
    until = max(shown) + span if shown else None
    return KeptBack("shown before", until) if until is not None and as_of.at < until else None
