"""Hooks, tiers and triggers fit together: a card that could never be shown is a mistake."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.errors import Finding
from cds_service.facts.patient import ORDER_HOOKS
from cds_service.knowledge.lint.desk import Desk
from cds_service.knowledge.rule_file import RuleEntry
from cds_service.knowledge.sources import Source

NAME = "hooks"


def check(desk: Desk) -> Iterator[Finding]:
    """Tier and recency per hook exist; the tier is shown at the hook; order hooks read drugs."""
    for source in desk.sources.rules:
        yield from _one(desk, source)


def _one(desk: Desk, source: Source[RuleEntry]) -> Iterator[Finding]:
    entry = source.entry
    for hook in (*[h for h in entry.tier if h != "default"], *entry.recent_is_fresh_at):
        if hook not in entry.hooks:
            yield source.finding(NAME, f"{hook} is not among the hooks", "add it to hooks or remove it here", "hooks")
    critical = any(card.indicator == "critical" for card in entry.cards.values())
    for hook in entry.hooks:
        tier = entry.tier.get(hook, entry.tier["default"])
        shown = desk.knowledge.policy.hook_tiers.get(hook, frozenset())
        if tier not in shown and not critical:
            problem = f"tier {tier} is never shown at {hook}"
            yield source.finding(NAME, problem, "give the hook its own tier, or remove the hook", "hooks")
    drugs = entry.needs.drugs or (entry.family is not None)
    if ORDER_HOOKS.intersection(entry.hooks) and not drugs:
        problem = "an order hook, and no drugs under needs: no card could be about the order"
        yield source.finding(NAME, problem, "declare the drugs, or remove the hook", "hooks")
