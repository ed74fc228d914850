"""From verdicts to the few cards a clinician gets: tiers per hook, absorption, order, caps (catalogue 1.5). Pure.

Nothing is lost: every verdict that fires is either shown, absorbed by a shown card, or listed as suppressed with the
reason.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import datetime

import msgspec

from cds_service.engine.absorption import applies, between, leader, own_lines
from cds_service.engine.run import Verdict
from cds_service.engine.suppress import KeptBack
from cds_service.facts.outcomes import Fact, Severity
from cds_service.facts.records import Exposure, LabOrder, Result
from cds_service.knowledge.model import Policy

INFO = Severity.INFO


class Shown(msgspec.Struct, frozen=True):
    """One card: the verdict that leads it, its severity, and the verdicts it absorbed.

    lines  those of the absorbed that have a line of their own (see `own_lines`)
    """

    verdict: Verdict
    severity: Severity
    absorbed: tuple[Verdict, ...] = ()
    lines: tuple[Verdict, ...] = ()


class Suppressed(msgspec.Struct, frozen=True):
    """A verdict that fired and is not shown, with the reason; `until`: when it may come again, if that is known."""

    verdict: Verdict
    reason: str
    until: datetime | None = None


class Ranking(msgspec.Struct, frozen=True):
    """What is shown, in order, and what is not."""

    shown: tuple[Shown, ...]
    suppressed: tuple[Suppressed, ...]


class Sifted(msgspec.Struct, frozen=True):
    """The verdicts that fire: those that may lead to a card at this hook, and the others."""

    visible: tuple[Verdict, ...]
    hidden: tuple[Suppressed, ...]


def sift(
    verdicts: Iterable[Verdict],
    hook: str,
    policy: Policy,
    *,
    show_silent: bool = False,
    silenced: Container[str] = frozenset(),
) -> Sifted:
    """Tell apart what may be shown at this hook, before earlier cards are looked at.

    show_silent: sandbox mode shows rules of status `silent` too, but not those that an operator `silenced`.
    """
    visible, hidden = [], []
    allowed = policy.hook_tiers.get(hook, frozenset())
    for verdict in verdicts:
        if verdict.kind != "fires":
            continue
        rule = verdict.rule
        if rule.id in silenced or (rule.status == "silent" and not show_silent):
            hidden.append(Suppressed(verdict, "silent"))
        elif verdict.tier not in allowed:
            hidden.append(Suppressed(verdict, f"{verdict.tier} is not shown at {hook}"))
        else:
            visible.append(verdict)
    return Sifted(tuple(visible), tuple(hidden))


def rank(sifted: Sifted, hook: str, policy: Policy, kept_back: Mapping[str, KeptBack] = {}) -> Ranking:
    """Order, merge and cap what may be shown.

    kept_back: the rules that are not to be shown again; as a line of a card that is shown they stay.
    """
    suppressed = list(sifted.hidden)
    visible = {verdict.rule_id: verdict for verdict in sifted.visible}
    cards = _absorb(visible, hook, policy)
    while kept_back and (repeated := [card.verdict for card in cards if card.verdict.rule_id in kept_back]):
        for verdict in repeated:  # what it absorbed and nobody has seen yet finds another card, or one of its own
            kept = kept_back[verdict.rule_id]
            suppressed.append(Suppressed(verdict, kept.reason, kept.until))
            del visible[verdict.rule_id]
        cards = _absorb(visible, hook, policy)
    if not policy.lines_only.isdisjoint(visible):
        lines = [card for card in cards if card.verdict.rule_id in policy.lines_only]
        cards = [card for card in cards if card.verdict.rule_id not in policy.lines_only]
        suppressed += [Suppressed(v, "only a line in other cards") for c in lines for v in (c.verdict, *c.absorbed)]
    if len(cards) > 1:
        cards.sort(key=_order)
    shown, dropped = _cap(cards, policy)
    suppressed += [Suppressed(v, "cap") for card in dropped for v in (card.verdict, *card.absorbed)]
    return Ranking(tuple(shown), tuple(suppressed))


def _absorb(visible: dict[str, Verdict], hook: str, policy: Policy) -> list[Shown]:
    """Each absorbed verdict goes to the card that leads its chain; that card takes the highest severity of all."""
    absorbed_by: dict[str, str] = {}
    under: dict[str, list[Verdict]] = {}
    unsaid = set()
    for entry in between(visible, policy):
        if entry.loser in absorbed_by or not applies(entry, visible[entry.winner], visible[entry.loser], hook):
            continue
        if leader(entry.winner, absorbed_by) != entry.loser:
            absorbed_by[entry.loser] = entry.winner
            if not entry.line:
                unsaid.add(entry.loser)
    for lost in absorbed_by:
        under.setdefault(leader(lost, absorbed_by), []).append(visible[lost])
    return [
        Shown(verdict, verdict.severity or INFO)
        if rule_id not in under
        else Shown(
            verdict,
            max([v.severity or INFO for v in (verdict, *under[rule_id])]),
            tuple(under[rule_id]),
            own_lines([lost for lost in under[rule_id] if lost.rule_id not in unsaid], hook, policy),
        )
        for rule_id, verdict in visible.items()
        if rule_id not in absorbed_by
    ]


def _order(card: Shown) -> tuple[int, str, float, str]:
    verdict = card.verdict
    tier = "P1" if card.severity is Severity.CRITICAL else verdict.tier
    newest = _newest(verdict.fires.because)
    return (-card.severity, tier, 0.0 if newest is None else -newest.timestamp(), verdict.rule.id)


def _newest(facts: Iterable[Fact]) -> datetime | None:
    """When the newest of the deciding facts happened; None when none has a time."""
    newest: datetime | None = None
    for fact in facts:
        moment = None
        if type(fact) is Result or type(fact) is LabOrder:
            moment = fact.at
        elif type(fact) is Exposure:
            moment = fact.authored or fact.since
        if moment is not None and (newest is None or moment.earliest > newest):
            newest = moment.earliest
    return newest


def _cap(cards: list[Shown], policy: Policy) -> tuple[list[Shown], list[Shown]]:
    """Critical cards, which come first, are never dropped: beyond the maximum they become lines of the last one."""
    room = [policy.max_info, policy.max_warning, policy.max_critical]  # by severity
    shown: list[Shown] = []
    dropped: list[Shown] = []
    merged: list[Shown] = []
    for card in cards:
        critical = card.severity is Severity.CRITICAL
        if room[card.severity] > 0 and (critical or len(shown) < policy.max_total):
            room[card.severity] -= 1
            shown.append(card)
        elif critical:
            merged.append(card)
        else:
            dropped.append(card)
    if merged:
        last = shown[policy.max_critical - 1]
        absorbed = [verdict for card in merged for verdict in (card.verdict, *card.absorbed)]
        lines = [verdict for card in merged for verdict in (card.verdict, *card.lines)]
        shown[policy.max_critical - 1] = Shown(
            last.verdict, last.severity, (*last.absorbed, *absorbed), (*last.lines, *lines)
        )
    return shown, dropped
